"""The record of an episode whose environment writes its own prompts: kept where tokens are sampled.

Each call of ``generate`` is a segment: the tokens of a prompt, then those that were sampled. Where a prompt begins with
the text of an earlier segment, its tokens begin with that segment's tokens, as they were sampled, and only the rest is
tokenized. A prompt that goes on exactly where a segment stopped extends it; any other begins a segment of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .sampling import Sample
from .tokens import Tokens


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A text that the policy has seen or said, with its tokens; the end token, if it was sampled, stands apart."""

    text: str
    token_ids: list[int]
    end_ids: list[int]


class EpisodeRecord:
    """All that a policy was asked and said in one episode.

    Args:
        encode: the token ids of a prompt.
        encode_rest: the token ids of a text that goes on after others: without a start token.
        end_texts: the text of each token that ends a response.
    """

    def __init__(
        self, encode: Callable[[str], list[int]], encode_rest: Callable[[str], list[int]], end_texts: dict[int, str]
    ) -> None:
        self.segments: list[Tokens] = []
        self.calls = 0
        self.truncated = False
        self._turns = 0
        self._encode, self._encode_rest, self._end_texts = encode, encode_rest, end_texts
        self._spoken: list[_Spoken] = []

    def prompt_ids(self, prompt: str) -> list[int]:
        """The tokens of a prompt: those on record as far as it repeats what was said."""
        known = max((spoken for spoken in self._spoken if prompt.startswith(spoken.text)), key=_length, default=None)
        if known is None:
            return self._encode(prompt)
        rest = prompt[len(known.text) :]
        for end in known.end_ids:
            # An end token is no part of the text. It stays where the author writes it, as chat templates do.
            written = self._end_texts[end]
            if written and rest.startswith(written):
                return [*known.token_ids, end, *self._encode_rest(rest[len(written) :])]
        return [*known.token_ids, *self._encode_rest(rest)]

    def add(self, prompt: str, prompt_ids: list[int], sample: Sample, text: str, version: int) -> None:
        """Enters one continuation of ``prompt``, whose text is ``text``."""
        segment = self._continued(prompt_ids)
        segment.append(prompt_ids[len(segment.token_ids) :])
        ids = sample.token_ids.tolist()
        segment.append(ids, self._turns, sample.logprobs.tolist(), sample.versions_or(version))
        self._turns += 1
        ended = bool(ids) and not sample.truncated and ids[-1] in self._end_texts
        body = ids[:-1] if ended else ids
        self._spoken.append(_Spoken(prompt + text, [*prompt_ids, *body], ids[-1:] if ended else []))
        self.truncated = sample.truncated

    def _continued(self, prompt_ids: list[int]) -> Tokens:
        """The segment that the prompt goes on with, or a new one."""
        for segment in self.segments:
            if prompt_ids[: len(segment.token_ids)] == segment.token_ids:
                return segment
        self.segments.append(Tokens())
        return self.segments[-1]


def _length(spoken: _Spoken) -> int:
    return len(spoken.text)
