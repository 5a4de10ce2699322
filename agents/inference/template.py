"""Chat templates: how a conversation is written for a model, one turn at a time."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from ...datasets.task import Message
from .plain_text import MARK, SpecialTokens

logger = logging.getLogger(__name__)

# Stands for what the policy said, and for what it was told. No template writes these of its own accord.
_SPOKEN, _TOLD = "(what-the-policy-said)", "(what-it-was-told)"
_PROBE: list[Message] = [{"role": "user", "content": "x"}, {"role": "assistant", "content": _SPOKEN}]


class ChatTemplate:
    """A tokenizer's chat template, or the lack of one: then texts are joined by blank lines.

    Three promises, whatever the template: what it wrote for earlier turns is never written again, so that a policy's
    context is exactly what it saw and said; text of messages never becomes a special token; and no message is left out.
    Roles that a template does not know are spoken by the user.

    Args:
        tokenizer: with or without a template.
        tools: schemas that the template is to tell the policy of, in the form of OpenAI's ``tools``.

    Raises:
        ValueError: if there are tools, but the template does not teach calls between ``<tool_call>`` tags.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, tools: Sequence[Mapping[str, Any]] = ()) -> None:
        self.tokenizer = tokenizer
        self.special = SpecialTokens(tokenizer)
        self.tools = self.special.break_up(list(tools))
        self._warned = False
        if tools and "<tool_call>" not in self._write([_PROBE[0]], tools=self.tools):
            raise ValueError(
                "the tokenizer's chat template does not tell a model of tools and calls between <tool_call> tags, "
                "so native calls could not be read: choose tool_format hermes, named or tagged"
            )

    def opening(self, messages: Sequence[Message]) -> list[int]:
        """The tokens of the messages that open a conversation, up to where the policy is to speak.

        Raises:
            ValueError: if the template cannot write them, or they hold no text.
        """
        if not self._exists:
            text = "\n\n".join(str(message["content"]) for message in messages)
            ids = self.special.encode_plain(text, opening=True)
        else:
            ids = self.special.encode(self._told(messages, [], tools=self.tools) + self._header)
        if not ids:
            raise ValueError("the opening messages hold no text, so there is nothing to continue")
        return list(ids)

    def continuation(self, messages: Sequence[Message], last: int, *, cut: bool) -> list[int]:
        """The tokens that follow what the policy said: the rest of its turn, then new messages, up to its next turn.

        The conversation so far is replaced by a short probe, because templates may rewrite old turns (drop their
        thinking, say), and the record must stay what the policy saw.

        Args:
            messages: the new ones; none for a turn that nobody answers.
            last: the last token that the policy said.
            cut: whether a limit ended its turn; else ``last`` did, and it is not written a second time.

        Raises:
            ValueError: if the template cannot write a conversation turn by turn.
        """
        if not self._exists:
            text = "\n\n" + "".join(f"{message['content']}\n\n" for message in messages)
            return self.special.encode_plain(text)
        self._warn_of_rewriting()
        _, spoken, rest = self._told(messages, _PROBE).partition(_SPOKEN)
        if not spoken:
            raise ValueError("this tokenizer's chat template rewrites earlier turns, so it cannot serve several turns")
        rest += self._header
        if cut:
            return self.special.encode(rest)
        ended = str(self.tokenizer.decode([last]))
        # Where the policy said the end of its turn, the record has it already; templates may put blanks before it.
        bare = rest.lstrip()
        rest = bare.removeprefix(ended) if bare.startswith(ended) else rest
        # After its end token, not on its own: tokenizers may swallow blanks there, or begin every text with one.
        ids = self.special.encode(ended + rest)
        return ids[1:] if ids[0] == last else self.special.encode(rest)

    @cached_property
    def end_of_turn(self) -> int:
        """The token that ends what the policy says: what the template writes there, else the tokenizer's end token.

        Raises:
            ValueError: if there is neither.
        """
        tokenizer = self.tokenizer
        if self._exists:
            rest = self._write(_PROBE, prompt=False).partition(_SPOKEN)[2]
            special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
            for token in tokenizer.encode(rest, add_special_tokens=False):
                if token in special:
                    return int(token)
        if tokenizer.eos_token_id is None:
            raise ValueError("the tokenizer names no end token (eos_token)")
        return int(tokenizer.eos_token_id)

    @cached_property
    def rewrites_turns(self) -> bool:
        """Whether the template writes a turn otherwise once another has followed it: without its thinking, say."""
        said: Message = {"role": "assistant", "content": f"<think>\ny\n</think>\n\n{_SPOKEN}"}
        turn = self._write([_PROBE[0], said], prompt=False)
        later = self._write([_PROBE[0], said, {"role": "user", "content": "z"}])
        return not later.startswith(turn.partition(_SPOKEN)[0] + _SPOKEN)

    def _warn_of_rewriting(self) -> None:
        if self.rewrites_turns and not self._warned:
            logger.warning(
                "this tokenizer's chat template rewrites earlier turns (it drops their thinking, for example); here "
                "they stay as the policy said them, but servers that render whole conversations show a model others"
            )
        self._warned = True

    @property
    def _exists(self) -> bool:
        return bool(self.tokenizer.chat_template)

    @cached_property
    def _header(self) -> str:
        """What opens the policy's turn, where the template has no generation prompt and writes it with the turn."""
        asked = self._write([_PROBE[0]], prompt=False)
        if self._write([_PROBE[0]]) != asked:
            return ""
        before, _, _ = self._write(_PROBE, prompt=False).partition(_SPOKEN)
        # A blank belongs to the word behind it, which the policy is to say.
        return before.removeprefix(asked).rstrip(" ") if before.startswith(asked) else ""

    @cached_property
    def _knows_system(self) -> bool:
        return self._shows([{"role": "system", "content": _TOLD}, _PROBE[0]])

    @cached_property
    def _knows_tools(self) -> bool:
        result = {"role": "tool", "name": "f", "tool_call_id": _call_id(""), "content": _TOLD}
        return self._shows([*_PROBE, result])

    @cached_property
    def _knows_users_in_a_row(self) -> bool:
        return self._shows([{"role": "user", "content": _TOLD}, _PROBE[0]])

    def _shows(self, messages: Sequence[Message]) -> bool:
        try:
            return _TOLD in self._write(messages)
        except ValueError:
            return False

    def _told(self, new: Sequence[Message], before: Sequence[Message], *, tools: Any = None) -> str:
        """``new`` as the template writes it after ``before``, special tokens in its texts broken up by marks."""
        messages = self._adapted(new)
        broken = self.special.break_up(messages)
        text = self._write([*before, *broken], tools=tools)
        if broken != messages and _unmarked(text) != _unmarked(self._write([*before, *messages], tools=tools)):
            raise ValueError("the chat template reads special tokens out of a message, which could forge a turn")
        for message in broken:
            content = message.get("content")
            if message["role"] != "assistant" and isinstance(content, str):
                shown = content.strip() in text or json.dumps(content, ensure_ascii=False)[1:-1] in text
                if not shown:
                    raise ValueError(f"the chat template leaves out a message of the role {message['role']!r}")
        return text

    def _adapted(self, messages: Sequence[Message]) -> list[Message]:
        """The messages in the roles and the order that the template knows."""
        adapted: list[Message] = []
        for message in messages:
            role = message["role"]
            if (role == "system" and not self._knows_system) or (role == "tool" and not self._knows_tools):
                role = "user"
            message = message | {"role": role}
            if "tool_call_id" in message or role == "tool":
                message["tool_call_id"] = _call_id(str(message.get("tool_call_id")))
            last = adapted[-1] if adapted else None
            if last and last["role"] == role == "user" and not self._knows_users_in_a_row:
                last["content"] = f"{last['content']}\n\n{message['content']}"
            else:
                adapted.append(message)
        return adapted

    def _write(self, messages: Sequence[Message], *, prompt: bool = True, tools: Any = None) -> str:
        try:
            text = self.tokenizer.apply_chat_template(
                list(messages), tools=tools or None, tokenize=False, add_generation_prompt=prompt
            )
        except (TemplateError, TypeError, KeyError) as error:
            raise ValueError(f"the tokenizer's chat template cannot write this conversation: {error}") from error
        assert isinstance(text, str)
        return text


def _call_id(name: str) -> str:
    """Nine letters and digits: Mistral's templates refuse other ids, and no policy has seen them."""
    return hashlib.blake2b(name.encode()).hexdigest()[:9]


def _unmarked(text: str) -> str:
    return text.replace(MARK, "")
