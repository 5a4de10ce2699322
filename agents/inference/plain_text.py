"""Text that holds the names of special tokens, and must not become them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedTokenizerBase

# Breaks up what looks like a special token; a code point that no text may hold.
MARK = "\ufdd0"


class SpecialTokens:
    """The special tokens of a tokenizer, told apart from the same letters in somebody's text.

    What users and tools say goes through `break_up` before a chat template writes it; `encode` then makes special
    tokens of what the template wrote, and of nothing else.

    Args:
        tokenizer: whose tokens they are.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        names = {str(name) for name in tokenizer.all_special_tokens}
        names |= {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        # A single character can't be broken up.
        longest_first = sorted((name for name in names if len(name) > 1), key=lambda name: (-len(name), name))
        self._pattern = re.compile(f"({'|'.join(map(re.escape, longest_first))})" if names else "((?!))")
        self._ids = set(tokenizer.convert_tokens_to_ids(longest_first)) - {tokenizer.unk_token_id}

    def break_up(self, value: Any) -> Any:
        """A text, or a message or schema with texts in it, in which marks break up the names of special tokens."""
        if isinstance(value, str):
            return self._pattern.sub(lambda found: f"{found[0][0]}{MARK}{found[0][1:]}", value)
        if isinstance(value, Mapping):
            return {key: item if key == "role" else self.break_up(item) for key, item in value.items()}
        return [self.break_up(item) for item in value] if isinstance(value, list | tuple) else value

    def encode(self, text: str) -> list[int]:
        """The tokens of a text with marks, which are left out: only names without a mark are special tokens.

        Raises:
            ValueError: if the tokenizer makes special tokens of plain text.
        """
        if MARK not in text:
            return list(self.tokenizer.encode(text, add_special_tokens=False))
        ids: list[int] = []
        for place, part in enumerate(self._pattern.split(text)):
            if place % 2:
                ids.append(int(self.tokenizer.convert_tokens_to_ids(part)))
            else:
                ids += self.encode_plain(part.replace(MARK, ""))
        return ids

    def encode_plain(self, text: str, *, opening: bool = False) -> list[int]:
        """The tokens of a text in which nothing is special; ``opening``: with what the tokenizer puts around texts.

        Raises:
            ValueError: if the tokenizer makes special tokens of plain text.
        """
        ids = self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        if self._ids.intersection(ids):
            raise ValueError("this tokenizer makes special tokens of plain text, so a message could forge a turn")
        if opening:
            ids = self.tokenizer.encode(text, add_special_tokens=True, split_special_tokens=True)
        return list(ids)
