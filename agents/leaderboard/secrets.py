"""What must not be published: keys and tokens, addresses of machines and people, and the marks of private tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

CANARY = "infinite-rl-canary-"
"""How the mark of a private split begins; 32 hexadecimal digits follow."""

# For each kind the letters without which there is none, which are looked for first and fast, and the pattern. Every
# repetition is bounded, so that a search takes linear time whatever a model wrote. What comes before must not be part
# of a longer word: base64 of pictures holds all short words.
_WORD = "(?<![A-Za-z0-9_])"
# Between a name and its value, in headers, JSON, JSON within JSON, YAML and shells.
_IS = r"""[\\"']{0,4}[ \t]{0,8}[:=][ \t]{0,8}[\\"']{0,4}"""
# No word alone, and no place that is kept for a key, which models write every day.
_VALUE = r"(?!(?i:your))(?=[A-Za-z._~+/=-]{0,100}[0-9])[A-Za-z0-9._~+/=-]"
SECRETS = {
    "an API key (sk-…)": (("sk-",), _WORD + r"sk-(?:proj-|ant-|or-v1-|svcacct-)?[A-Za-z0-9_-]{20,200}"),
    "a Google API key": (("AIza",), _WORD + r"AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    "an AWS access key": (("AKIA", "ASIA"), _WORD + r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Z])"),
    "a GitHub token": (("gh", "github_"), _WORD + r"(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})"),
    "a Hugging Face token": (("hf_", "api_org_"), _WORD + r"(?:hf|api_org)_[A-Za-z0-9]{30,60}(?![A-Za-z0-9])"),
    "a Slack token": (("xox", "xapp-"), _WORD + r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9-]{20,200}"),
    "a Groq API key": (("gsk_",), _WORD + r"gsk_[A-Za-z0-9]{40,100}"),
    "an xAI API key": (("xai-",), _WORD + r"xai-[A-Za-z0-9]{40,200}"),
    "an NVIDIA API key": (("nvapi-",), _WORD + r"nvapi-[A-Za-z0-9_-]{40,200}"),
    "a Replicate token": (("r8_",), _WORD + r"r8_[A-Za-z0-9]{37}(?![A-Za-z0-9])"),
    "a GitLab token": (("glpat-",), _WORD + r"glpat-[A-Za-z0-9_-]{20,200}"),
    "an npm token": (("npm_",), _WORD + r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    "a PyPI token": (("pypi-Ag",), _WORD + r"pypi-Ag[A-Za-z0-9_-]{40,400}"),
    "a Stripe key": (("k_live_",), _WORD + r"[sr]k_live_[A-Za-z0-9]{16,200}"),
    "a Google access token": (("ya29.",), _WORD + r"ya29\.[A-Za-z0-9_-]{30,500}"),
    "an Azure account key": (("AccountKey",), r"AccountKey" + _IS + r"[A-Za-z0-9+/]{86}=="),
    # By its name: the key itself is 40 letters like any others. The id beside it is found above.
    "an AWS secret access key": (
        ("ecret", "SECRET"),
        r"(?i:secret_?access_?key|aws_?secret(?:_?key)?)" + _IS + r"[A-Za-z0-9/+]{40,80}",
    ),
    "a JSON web token": (
        (".eyJ",),
        _WORD + r"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,500}",
    ),
    "a bearer token": (
        ("uthorization", "UTHORIZATION"),
        r"(?i:authorization)" + _IS + r"(?i:bearer|basic|token)[ \t]{1,8}(?!(?i:your))[A-Za-z0-9._~+/=-]{16,500}",
    ),
    "a header with a key": (
        ("-key", "-Key", "-KEY", "-token", "-Token", "-TOKEN"),
        _WORD + r"(?i:(?:x-)?(?:goog-)?api-key|x-auth-token|private-token)" + _IS + _VALUE + r"{16,500}",
    ),
    "a private key": (
        ("PRIVATE KEY",),
        r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY",
    ),
}
# Models invent people and addresses all the time, so these are looked for outside of transcripts only.
PRIVATE = {
    "an e-mail address": (("@",), r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z]{2,20}"),
    "a path of a user's folder": (
        ("/home/", "/Users/", "/root/", ":\\Users"),
        r"(?:/home/|/Users/|/root/|[A-Za-z]:\\Users\\)[A-Za-z0-9._-]{1,64}",
    ),
    "the address of a server": (
        (":",),
        r"(?:https?|wss?|grpc|tcp)://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5}|/v1)"
        r"|(?:localhost|(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}):[0-9]{1,5}",
    ),
    "a password in an address": (("://",), r"[a-z]{2,20}://[^\s/:@]{1,100}:[^\s/@]{3,100}@"),
    "a key by its name": (
        ("key", "Key", "KEY", "oken", "OKEN"),
        r"(?i:(?:api|secret|access)[_-]?key|(?:access|auth|api)[_-]?token)" + _IS + _VALUE + r"{20,500}",
    ),
}
_Kinds: TypeAlias = Mapping[str, tuple[tuple[str, ...], re.Pattern[str]]]
_SECRETS: _Kinds = {kind: (letters, re.compile(pattern)) for kind, (letters, pattern) in SECRETS.items()}
_PRIVATE: _Kinds = {kind: (letters, re.compile(pattern)) for kind, (letters, pattern) in PRIVATE.items()}
_MOST_QUOTES = 20
# Soft hyphens, joiners and marks of direction, selectors of variants, tags.
_NO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff]"
)
_KEY = re.compile("(?i:key|token|secret|authorization)")
_CANARY = re.compile(CANARY + "[0-9a-f]{32}")


def find_secrets(value: Any, *, transcript: bool, said: Any = None) -> list[str]:
    """What kinds of secrets are in a value, each once.

    Args:
        value: of JSON; all texts in it are searched, names of members too.
        transcript: whether models wrote it, who invent e-mail addresses and paths.
        said: of JSON; what stands in it is quoted, and not found.
    """
    kinds = _SECRETS if transcript else {**_SECRETS, **_PRIVATE}
    # At once, since samples hold many short texts; no pattern reaches from one line into another.
    text = "\n".join(texts(value))
    return sorted(
        kind
        for kind, (letters, pattern) in kinds.items()
        if any(one in text for one in letters) and _tells(pattern, text, said)
    )


def _tells(pattern: re.Pattern[str], text: str, said: Any) -> bool:
    """Whether a pattern matches what was not said before; so many matches that nobody quotes them are not looked up."""
    for number, match in enumerate(pattern.finditer(text)):
        if number == _MOST_QUOTES or not any(match[0] in one for one in texts(said)):
            return True
    return False


def find_canary(value: Any, known: Iterable[str] = ()) -> str | None:
    """The first canary in a value, in small letters if it is of the usual form; None if there is none.

    Args:
        value: of JSON. Capitals and characters that nobody sees hide no canary.
        known: canaries of another form.
    """
    text = _bare("\n".join(texts(value)))
    if match := _CANARY.search(text):
        return match[0]
    return next((mark for mark in known if (bare := _bare(mark)) and bare in text), None)


def _bare(text: str) -> str:
    """A text in small letters, without characters of no width."""
    return (text if text.isascii() else _NO_WIDTH.sub("", text)).lower()


def texts(value: Any) -> Iterator[str]:
    """All texts in a value of JSON, however deep; those of members that are called keys also behind that name."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting += [*one, *one.values()]
            waiting += [f"{name}: {text}" for name, text in one.items() if _KEY.search(name) and isinstance(text, str)]
        elif isinstance(one, list | tuple):
            waiting += one
