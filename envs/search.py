"""Questions that need searching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from ..datasets.search.source import SearchSource
from ..datasets.search.world import world_of
from ..datasets.task import Split, Task, TaskSource
from ..rewards import RewardFunctionScore, SearchRewardFunction
from ..rewards.extraction import extract_answer
from .episode import Episode
from .grading import public
from .retrieval.bm25 import BM25Index
from .retrieval.opening import open_retriever
from .retrieval.retriever import Retriever
from .tool_env import ToolEnv
from .tools.builtin import search_tool
from .tools.formats import FORMATS, Tagged, ToolFormat
from .tools.tool import Tool
from .vector import TextVectorEnv

ANSWER_BESIDE_SEARCH = "An answer beside a search does not count. Read what was found, then answer without a search."


class Informing(Tagged):
    """``<search>query</search>``, answered between ``<information>`` and ``</information>``, as Search-R1 does."""

    result_tag = "information"

    def describe(self, tools: Sequence[Tool]) -> str:
        """The tools, the form of a call and of what comes back."""
        told = "\n".join(f"<{tool.name}>…</{tool.name}> {tool.told}" for tool in tools)
        return (
            f"{told}\nEnd your message after it. What is found comes back between <{self.result_tag}> and "
            f"</{self.result_tag}>; you may search several times."
        )


class SearchEnv(ToolEnv):
    """Find out what no model knows, by several searches.

    Observation: the question, for example ``Who taught the author of “The Bells of Ovrest”?``, after a system message
    about the search; then, for every search, what was found between ``<information>`` and ``</information>``.
    Action: text with ``<search>query</search>``, or with the answer between ``<answer>`` and ``</answer>``. A message
    with both is a search: its answer does not count, since it was written before anything was found.
    Reward: 1.0 if the answer equals an expected one after SQuAD's normalisation (case, punctuation and articles), else
    0.0. The components ``exact_match`` and ``f1`` are in ``info``.
    Termination: after a message without a search, or when the budget does not cover a call.
    Truncation: after ``max_turns`` messages, 8 by default, where the last one may answer; and if search itself fails
    (status ``error``).
    Arguments: ``level`` (how many facts the question needs: 1 to 4; at level 4 half of the questions compare two chains
    or add them up), ``split`` (``train``, ``validation``, ``test``; each has an invented world of its own with 2,000
    documents, and no name is in two of them), ``seed``. ``top_k`` documents a search (3), ``tool_format``, ``budget``
    and ``search_cost``. For questions of your own ``tasks``, a JSON Lines file, with ``corpus``: a JSON Lines file of
    documents (``id``, ``title``, ``text``) or the URL of a search service; ``index``, a file that keeps the index;
    ``embeddings`` (``{"base_url": …, "model": …}``) to search by vectors instead of words (BM25).
    Floor: below 0.02 at every level for policies that don't search (measured on 2,000 tasks a level: empty and copying
    0.000, constant and random at most 0.001, the most common answer at most 0.005). One search with the question's own
    words brings a first document that holds the answer for 0.88 of level 1, and for 0.002 at most from level 2 on.
    Versions: v0, first release.
    """

    domain = "search"
    default_grader = "search"
    default_format = "tagged"
    formats: ClassVar[Mapping[str, ToolFormat]] = FORMATS | {"tagged": Informing()}
    reward = SearchRewardFunction()

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        corpus: str | Path | Retriever | None = None,
        index: str | Path | None = None,
        embeddings: Mapping[str, Any] | None = None,
        top_k: int = 3,
        search_cost: float = 0.0,
        **arguments: Any,
    ) -> None:
        if corpus is None and tasks is not None:
            raise TypeError("tasks need a corpus to search: give corpus, a file of documents or a service's URL")
        if corpus is None and (index is not None or embeddings is not None):
            raise TypeError("index and embeddings go with a corpus file: give corpus")
        if not 1 <= top_k <= 100:
            raise ValueError(f"top_k must be from 1 to 100, not {top_k}")
        self.top_k, self.search_cost = top_k, search_cost
        self._opened = None if corpus is None else open_retriever(corpus, index=index, embeddings=embeddings)
        super().__init__(tasks, **arguments)

    def make_source(self, **arguments: Any) -> TaskSource:
        """Questions about the split's world."""
        return SearchSource(**arguments)

    @property
    def retriever(self) -> Retriever:
        """What the searches ask."""
        if self._opened is not None:
            return self._opened
        assert isinstance(self.tasks, SearchSource)
        return world_index(self.tasks.split)

    def make_tools(self) -> Sequence[Tool]:
        """The search."""
        return [search_tool(self.retriever, self.search_cost, k=self.top_k)]

    def respond(self, episode: Episode, action: str) -> None:
        """Searches; an answer in the same message is told to be none."""
        super().respond(episode, action)
        if not episode.finished and extract_answer(action).answers:
            episode.messages.append({"role": "user", "content": ANSWER_BESIDE_SEARCH})

    def grade(self, task: Task, response: str) -> RewardFunctionScore:
        """Compares the tagged answer with the expected ones."""
        return public(self.reward.compute_reward(response, task.answer))


@cache
def world_index(split: Split) -> BM25Index:
    """The index of a split's world, one in a process."""
    return BM25Index(world_of(split).documents)


SearchVectorEnv = partial(TextVectorEnv, SearchEnv)
