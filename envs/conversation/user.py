"""Who the agent talks to: a user by script, or a model that plays one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...datasets.task import Message, Task
from ...rewards.extraction import visible_text
from ...runtimes import ChatEndpoint

# What stands behind so many characters of a message, the user does not read.
_MAX_CHARACTERS = 20_000
_WORD = re.compile(r"[a-z0-9]+(?::[0-9]+)?")


@dataclass(slots=True)
class ScriptedUser:
    """A user who follows a script, which is plain data, so that it can come from a file.

    - ``slots``: by name, in the order in which they are told. Each has its ``value``, what the user ``says`` when asked
      for it, the ``keywords`` by which it is asked, and ``values``, all that it might be (may be empty).
    - ``patience``: how many slots the user gives in one message; all, if it is missing.
    - ``change``: which ``slot`` the user changes, ``after`` how many slots were told, to which ``value``, and what the
      user ``says`` then. May be missing.

    A message is read as a set of lower-case words, so questions may be put in any way. A slot is asked for by one of
    its keywords, in the plural, too, or by naming one of its values that is not a number. If the message names a wrong
    value and not the right one, the user says so.

    Attributes:
        script: the script.
        told: the slots that were told.
        changed: whether the user has changed the wish.
    """

    script: Mapping[str, Any]
    told: set[str] = field(default_factory=set)
    changed: bool = False

    def reply(self, message: str) -> str:
        """What the user says to a message; takes time linear in its length."""
        found = set(_WORD.findall(visible_text(message)[:_MAX_CHARACTERS].lower()))
        words = found | {word.removesuffix("s") for word in found}
        slots: Mapping[str, Any] = self.script["slots"]
        wrong = {name for name, slot in slots.items() if self._named_wrong(name, slot, words)}
        asked = [name for name, slot in slots.items() if _asks(slot, words)]
        # Misunderstandings first, then news.
        asked.sort(key=lambda name: (name not in wrong, name in self.told))
        answered = asked[: self.script.get("patience", len(slots))]
        said = [f"No, that is wrong. {self._says(name)}" if name in wrong else self._says(name) for name in answered]
        self.told.update(answered)
        if len(answered) < len(asked) and not self.told >= set(asked):
            said.append("One thing after the other, please.")
        change = self.script.get("change")
        if change and not self.changed and change["slot"] in self.told and len(self.told) >= change["after"]:
            self.changed = True
            said.append(f"Sorry, I have changed my mind about the {change['slot']}. {change['says']}")
        if not said:
            known = self.told >= slots.keys()
            said.append("I have told you everything." if known else "I don't understand. What do you want to know?")
        return " ".join(said)

    def _now(self, name: str) -> Mapping[str, Any]:
        """What the user wants and says of a slot by now."""
        changed: Mapping[str, Any] = self.script["change"] if self.changed else {}
        slot: Mapping[str, Any] = self.script["slots"][name]
        return changed if changed and changed["slot"] == name else slot

    def _says(self, name: str) -> str:
        return str(self._now(name)["says"])

    def _named_wrong(self, name: str, slot: Mapping[str, Any], words: set[str]) -> bool:
        right = str(self._now(name)["value"]).lower()
        return right not in words and _asks(slot, words) and not words.isdisjoint(slot.get("values", ()))


def _asks(slot: Mapping[str, Any], words: set[str]) -> bool:
    named = words.intersection(slot.get("values", ()))
    return not words.isdisjoint(slot["keywords"]) or any(not value[0].isdigit() for value in named)


def check_script(task: Task) -> Mapping[str, Any]:
    """The user script in a task's metadata.

    Raises:
        ValueError: it is missing, or lacks something.
    """
    script = task.metadata.get("user")
    slots = script.get("slots") if isinstance(script, Mapping) else None
    if not isinstance(script, Mapping) or not isinstance(slots, Mapping) or not slots:
        raise ValueError(f'task {task.id}: its metadata needs a "user" with "slots"; or let a model play the user')
    for name, slot in slots.items():
        if not isinstance(slot, Mapping) or not {"value", "says", "keywords"} <= slot.keys():
            raise ValueError(f'task {task.id}: the slot {name} of its user needs "value", "says" and "keywords"')
    change = script.get("change")
    if change and (not {"slot", "after", "value", "says"} <= change.keys() or change["slot"] not in slots):
        raise ValueError(f'task {task.id}: the change of its user needs a "slot" of its own, "after", "value", "says"')
    return script


def ask_model(endpoint: ChatEndpoint, task: Task, messages: Sequence[Message]) -> str:
    """What a model says that plays the user.

    Raises:
        EndpointError: the server is out of reach, or refuses.
    """
    wishes = json.dumps(task.answer, ensure_ascii=False)
    told = (
        f"Play a customer who talks to an assistant. What you want, as JSON: {wishes}\n"
        "In each message answer only what the assistant asks, in one or two short sentences, and tell nothing that was "
        "not asked. If the assistant misunderstands you, say so. Never write JSON, never play the assistant."
    )
    # To the model that plays the user, the user's messages are its own.
    roles = {"user": "assistant", "assistant": "user"}
    turned = [
        {"role": roles[message["role"]], "content": visible_text(message["content"])[:_MAX_CHARACTERS]}
        for message in messages
        if message["role"] in roles
    ]
    return endpoint.chat([{"role": "system", "content": told}, *turned]).text
