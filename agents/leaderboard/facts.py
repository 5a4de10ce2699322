"""What a model card says, section by section."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .grouping import arguments_of
from .scripts import shown

# Of code alone. The others follow from the tasks, so that a guess of their seed could be tried on them.
_HASHES_OF_CODE = ("parser", "runtimes", "code")
_NOTHING: tuple[Any, ...] = (None, {}, "")
# Characters of a declaration, or of anything else.
_LONGEST = 4_000


def card_facts(
    run: Mapping[str, Any], result: Mapping[str, Any], *, private: bool
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The sections of a model card: names and values.

    Args:
        run: what was asked.
        result: what came of it.
        private: whether its tasks are kept back, so that neither arguments nor what is made of them are told.
    """
    declared, env = run["declarations"], run["env"]
    tools = declared.get("tools")
    hashes, used = dict(run["hashes"]), ["prompt_tokens", "completion_tokens", "seconds"]
    tasks = {name: env[name] for name in ("version", "split", "tasks")}
    if private:
        hashes = {name: one for name, one in hashes.items() if name in _HASHES_OF_CODE}
        used.remove("prompt_tokens")
    else:
        tasks["arguments"] = arguments_of(env)
        hashes["samples_sha256"] = result["samples_sha256"]
    sections = {
        "Model": run["model"],
        "Sampling": run["sampling"],
        "Declared": {
            "contamination": declared.get("contamination") or "nothing declared",
            "tools": "none"
            if tools == []
            else ", ".join(map(str, tools))
            if isinstance(tools, list)
            else "not declared",
        },
        "Tasks": {"environment": env["id"]} | tasks,
        "Hardware": run["hardware"],
        "Usage": {name: result["usage"].get(name) for name in used},
        "Versions": run["versions"],
        "Hashes": hashes,
        "Times": {"started": run["started"], "finished": result["finished"]},
    }
    return [
        (title, [(shown(name), shown(value, _LONGEST)) for name, value in fields.items() if value not in _NOTHING])
        for title, fields in sections.items()
    ]


def identity(run: Mapping[str, Any], result: Mapping[str, Any], *, private: bool) -> str:
    """A short hash to call an entry by, of what its card says anyway: no guess can be tried on it beyond that.

    Args:
        run: what was asked.
        result: what came of it.
        private: whether its tasks are kept back.
    """
    told = json.dumps(card_facts(run, result, private=private))
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
