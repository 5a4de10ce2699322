"""What a model card says, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .scripts import shown


def card_facts(run: Mapping[str, Any], result: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The sections of a model card: names and values."""
    declared, env = run["declarations"], run["env"]
    tools = declared.get("tools")
    usage = {name: result["usage"].get(name) for name in ("prompt_tokens", "completion_tokens", "seconds")}
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
        "Tasks": {"environment": env["id"]} | {name: env[name] for name in ("version", "arguments", "split", "tasks")},
        "Hardware": run["hardware"],
        "Usage": usage,
        "Versions": run["versions"],
        "Hashes": run["hashes"] | {"samples_sha256": result["samples_sha256"]},
        "Times": {"started": run["started"], "finished": result["finished"]},
    }
    return [
        (title, [(shown(name), shown(value)) for name, value in fields.items() if value not in (None, {}, "")])
        for title, fields in sections.items()
    ]
