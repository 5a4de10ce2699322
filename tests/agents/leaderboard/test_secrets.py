"""Keys and the marks of private tasks are found, and honest text is left alone."""

import re
import time

import pytest

from infinite_rl.agents.leaderboard.secrets import PRIVATE, SECRETS, find_canary, find_secrets

# Put together here, so that no scanner takes this file for a leak.
EXAMPLES = [
    ("an API key (sk-…)", "sk-" + "aB3" * 16),
    ("an API key (sk-…)", "sk-ant-" + "api03-" + "x" * 80),
    ("a Google API key", "AIza" + "S" * 35),
    ("an AWS access key", "AKIA" + "ABCDEFGH12345678"),
    ("a GitHub token", "ghp_" + "a1" * 18),
    ("a GitHub token", "github_pat_" + "a" * 60),
    ("a Hugging Face token", "hf_" + "b" * 34),
    ("a Slack token", "xoxb-" + "1" * 30),
    ("a JSON web token", ".".join(("eyJ" + "a" * 20, "eyJ" + "b" * 30, "c" * 43))),
    ("a bearer token", "Authorization: Bearer " + "d" * 24),
    ("a bearer token", '"authorization": "bearer ' + "d" * 24 + '"'),
    ("a bearer token", "AUTHORIZATION:\tBasic " + "d" * 24 + "=="),
    ("a bearer token", '\\"Authorization\\": \\"Bearer ' + "d" * 24),
    ("a Slack token", "xapp-" + "1-A0-" + "a1B2" * 8),
    ("a Slack token", "xoxe.xoxp-" + "1-" + "a1B2" * 8),
    ("a Groq API key", "gsk_" + "a1B2" * 13),
    ("an xAI API key", "xai-" + "a1B2" * 20),
    ("an NVIDIA API key", "nvapi-" + "a1_-" * 16),
    ("a Replicate token", "r8_" + "a1B2" * 9 + "a"),
    ("a GitLab token", "glpat-" + "a1B2c3D4e5F6g7H8i9J0"),
    ("an npm token", "npm_" + "a1B2" * 9),
    ("a PyPI token", "pypi-" + "AgEIcHlwaS5vcmc" + "a1B2" * 20),
    ("a Stripe key", "sk_" + "live_" + "a1B2" * 6),
    ("a Stripe key", "rk_" + "live_" + "a1B2" * 6),
    ("a Google access token", "ya29" + "." + "a1B2" * 10),
    ("an Azure account key", "AccountKey=" + "a1B2" * 21 + "ab=="),
    ("an AWS secret access key", "aws_secret_access_key = " + "a1B/" * 10),
    ("an AWS secret access key", 'AWS_SECRET_ACCESS_KEY="' + "a1B/" * 10 + '"'),
    ("an AWS secret access key", '\\"SecretAccessKey\\": \\"' + "a1B/" * 10 + '\\"'),
    ("a header with a key", "x-api-key: " + "0123456789abcdef"),
    ("a header with a key", '"api-key": "' + "0123456789abcdef" * 2 + '"'),
    ("a header with a key", "PRIVATE-TOKEN: " + "a1B2" * 5),
    ("a private key", "-----BEGIN OPENSSH " + "PRIVATE KEY-----"),
    ("a private key", "-----BEGIN " + "PRIVATE KEY-----"),
]


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_a_secret_is_found_wherever_it_stands(kind, text):
    for value in (text, f"Use {text}.", {"a": [{"b": f"x {text}\n"}]}, {text: 1}):
        assert find_secrets(value, transcript=True) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "ask-me-anything-about-the-whole-of-mathematics",
        "risk-averse-investors-and-their-many-portfolios",
        "a bearer of bad news; Authorization: none",
        "-----BEGIN PUBLIC KEY-----",
        "sk-learn, hf_hub, AKIA, eyJ, xoxo",
        "0123456789abcdef" * 16,
        ["api-key:", "0123456789abcdef" * 2],
        "The 5 eyJ.eyJ.x and AIzaShort",
        "Authorization: Bearer YOUR_ACCESS_TOKEN_GOES_HERE; x-api-key: your-key-of-2026-here",
        "x-api-key: api_key_of_the_user",
        "sk_live_ and npm_package_lock_json and xai-and-nvapi and secret_access_key = load()",
        "api_key = 'abc123def456ghi789jkl012'",
        "mail bob@example.com, see http://127.0.0.1:8000 and /home/bob/x.py",
    ],
)
def test_what_models_write_every_day_is_no_secret(text):
    assert find_secrets(text, transcript=True) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("an e-mail address", "write to jane.doe@example.org"),
        ("a path of a user's folder", "/home/jane/models/best"),
        ("a path of a user's folder", "C:\\Users\\jane\\best"),
        ("the address of a server", "https://inference.example.com/v1"),
        ("the address of a server", "localhost:8000"),
        ("the address of a server", "connect to 10.0.3.4:8000 failed"),
        ("the address of a server", "wss://gpu7.corp.internal:8000"),
        ("a password in an address", "postgres://bob:hunter2@db/x"),
        ("a key by its name", "WANDB_API_KEY=" + "0123456789abcdef01234567"),
    ],
)
def test_outside_of_transcripts_people_and_machines_are_found_too(kind, text):
    assert find_secrets({"name": text}, transcript=False) == [kind]


def test_a_key_is_known_by_its_members_name():
    assert find_secrets({"x-api-key": "0123456789abcdef"}, transcript=True) == ["a header with a key"]
    assert find_secrets({"aws_secret_access_key": "a1B/" * 10}, transcript=True) == ["an AWS secret access key"]


def test_versions_are_no_addresses():
    assert find_secrets({"cudnn": "9.1.0.70", "cuda": "12.4", "taken": "2026-11-20T10:00:00"}, transcript=False) == []


def test_a_link_in_a_card_is_no_address_of_a_server():
    assert find_secrets("See https://example.org/paper.pdf", transcript=False) == []


def test_no_text_makes_a_search_slow():
    """Each pattern on what it begins with, over and over: four times the text may not take sixteen times as long."""
    for letters, pattern in [*SECRETS.values(), *PRIVATE.values()]:
        for part in (*letters, "a", "a@a-", "eyJ" + "a" * 50 + ".", "api-key: ", "http://1.", "a:b@://"):

            def seconds(size, part=part, pattern=pattern):
                text = (part * size)[:size]
                started = time.process_time()
                re.search(pattern + "(?!)", text)  # Never ends well, so that every way is tried.
                return time.process_time() - started

            assert seconds(16_000) < 9 * seconds(4_000) + 0.1, (pattern, part)


def test_a_canary_is_found_at_any_depth_and_half_of_one_is_none():
    canary = "infinite-rl-canary-" + "09af" * 8
    assert find_canary({"messages": [{"content": f"as {canary} says"}]}) == canary
    assert find_canary({canary: None}) == canary
    unseen = [
        canary.upper(),
        "\u200b".join(canary),
        canary.replace("-", "-\u00ad"),
        f"{canary[:30]}\ufe0f{canary[30:]}",
    ]
    for hidden in unseen:
        assert find_canary({"messages": [{"content": f"as {hidden} says"}]}) == canary
    assert find_canary("A MARZI\u2060PAN owl", ["Marzipan"]) == "Marzipan"
    assert find_canary(canary[:-1]) is None
    assert find_canary(["infinite-rl-canary-", "09af" * 8]) is None
    assert find_canary("a marzipan owl", ["marzipan"]) == "marzipan"
    assert find_canary("anything", [""]) is None
