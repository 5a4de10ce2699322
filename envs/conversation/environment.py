"""The environment: ask, listen, and hand in what the user wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...datasets.task import Task, TaskSource
from ...rewards import RewardFunctionScore, Status
from ...rewards.exact_match import plain
from ...rewards.extraction import extract_answer
from ...rewards.schemas.text import JsonLimitError, read_json
from ...runtimes import ChatEndpoint
from ..episode import Episode
from ..text_env import TextEnv
from ..tools.reply import assistant_message
from ..vector import TextVectorEnv
from .source import ConversationSource
from .user import ScriptedUser, ask_model, check_script

# Longer results are not read.
_MAX_CHARACTERS = 10_000
# Requests to the model that plays the users, at once.
_CONCURRENT = 32


@dataclass(slots=True, eq=False)
class ConversationEpisode(Episode):
    """An episode with a user.

    Attributes:
        user: the user's script and what was told; ``None`` if a model plays the user.
    """

    user: ScriptedUser | None = None


class ConversationEnv(TextEnv):
    """Find out in a conversation what a user wants.

    Observation: whom the agent serves, which details are wanted and in which form; then what the user says.
    Action: a message to the user, or the result: a JSON object between ``<answer>`` and ``</answer>``.
    Reward: 1.0 if the result has all details right and no other members, else 0.0. Text is compared up to case and
    white space; a whole number may stand in quotes.
    User: by script, in ``ScriptedUser``. The user answers what is asked, known by keywords, in any wording; contradicts
    what is wrong; gives only so many details in one message; and from level 3 on says some of them in a roundabout way
    (``The day after Thursday.``). At level 4 the user changes one wish, at the latest with the last detail. With
    ``user="model"`` a model behind an OpenAI-compatible endpoint plays the user. If it can't be reached, the episode
    has the status ``error``.
    Info: at the end ``components`` holds ``slots`` (the share of details that are right), ``turns``, and with a script
    ``told`` (the share of details that the user was asked for). Domains are scenarios, such as ``conversation/table``.
    Termination: with the result.
    Truncation: at ``max_turns`` (by default 12) messages, where nothing counts without a result; and with the
    status ``error``.
    Arguments: ``level`` (1 to 4: 3, 4, 5, 6 details), ``scenarios`` (names, by default all), ``split`` (``train``,
    ``validation``, ``test``; no wish is in two of them, whatever the seed) and ``seed``. Or ``tasks``: a file of tasks
    or a task source, whose answers are the wished objects and whose metadata hold the ``user`` script. Then ``user``
    (``script`` or ``model``), ``base_url`` and ``model`` (the endpoint), and ``timeout`` (seconds for one request).
    Floor: 0.00 for empty, copying, constant, majority and random policies: without asking, a guess of all details
    succeeds in less than one of 500 episodes. A policy that asks and understands earns 1.00; one that takes all
    sentences literally earns 1.00 at levels 1 and 2, 0.07 at level 3 and 0.03 at level 4.
    Versions: v0, first release.
    """

    domain = "conversation"

    def __init__(
        self,
        tasks: TaskSource | str | Path | None = None,
        *,
        user: str = "script",
        base_url: str | None = None,
        model: str | None = None,
        timeout: float = 60.0,
        max_turns: int | None = 12,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        if user not in ("script", "model"):
            raise ValueError(f"user must be script or model, not {user!r}")
        if user == "model" and not (base_url and model):
            raise ValueError('user="model" needs base_url and model: where the server is, and what it calls the model')
        super().__init__(tasks, max_turns=max_turns, render_mode=render_mode, **arguments)
        self.user = user
        self._connection = (base_url or "", model or "", timeout)
        self._endpoint: ChatEndpoint | None = None
        self._pool: ThreadPoolExecutor | None = None

    def make_source(self, **arguments: Any) -> TaskSource:
        """Users of all scenarios."""
        return ConversationSource(**arguments)

    def open(self, task: Task) -> ConversationEpisode:
        """Starts a conversation."""
        if not isinstance(task.answer, Mapping) or not task.answer:
            raise ValueError(f"task {task.id}: its answer must be an object with the details that the user wants")
        user = ScriptedUser(check_script(task)) if self.user == "script" else None
        return ConversationEpisode(task, list(task.messages), user=user)

    def respond(self, episode: Episode, action: str) -> None:
        """Takes the result, or lets the user answer."""
        assert isinstance(episode, ConversationEpisode)
        episode.messages.append(assistant_message(action))
        if extract_answer(action).answers:
            episode.finished = True
            return
        if episode.user is not None:
            said = episode.user.reply(action)
        else:
            said = ask_model(self._connected(), episode.task, episode.messages)
        episode.messages.append({"role": "user", "content": said})

    def respond_all(self, episodes: Sequence[Episode], actions: Sequence[str]) -> None:
        """Asks for the words of all users at the same time, if a model plays them."""
        if self.user == "script" or len(episodes) < 2:
            return super().respond_all(episodes, actions)
        self._connected()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_CONCURRENT, thread_name_prefix="users")
        list(self._pool.map(self.respond_safely, episodes, actions))
        return None

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Compares the results with what the users want."""
        return [_score(episode) for episode in episodes if isinstance(episode, ConversationEpisode)]

    def close(self) -> None:
        """Ends threads and connections; safe to call again."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        if self._endpoint is not None:
            self._endpoint.close()
        self._pool = self._endpoint = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickles without threads and connections, which are made anew when they are needed."""
        return self.__dict__ | {"_pool": None, "_endpoint": None}

    def _connected(self) -> ChatEndpoint:
        if self._endpoint is None:
            base_url, model, timeout = self._connection
            self._endpoint = ChatEndpoint(base_url, model, timeout=timeout)
        return self._endpoint


def _score(episode: ConversationEpisode) -> RewardFunctionScore:
    parts = {"slots": 0.0, "turns": float(episode.turns)}
    if episode.user is not None:
        parts["told"] = len(episode.user.told) / len(episode.user.script["slots"])
    found = extract_answer(episode.response)
    value, problem = _read(found.answers)
    if value is None:
        return RewardFunctionScore(found.format_score, 0.0, problem, status=Status.NO_ANSWER, components=parts)
    wanted: Mapping[str, Any] = episode.task.answer
    right = sum(_equal(value[name], wish) for name, wish in wanted.items() if name in value)
    parts["slots"] = right / len(wanted)
    correct = right == len(wanted) == len(value)
    said = "" if correct else f"{right} of {len(wanted)} details are right."
    return RewardFunctionScore(found.format_score, float(correct), said, components=parts)


def _read(answers: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    """The object that was handed in, or why there is none."""
    if len(answers) != 1:
        return None, "Hand in one result." if answers else "The conversation ended without a result."
    if len(answers[0]) > _MAX_CHARACTERS:
        return None, f"The result is longer than {_MAX_CHARACTERS:,} characters."
    try:
        value = read_json(answers[0])
    except (ValueError, JsonLimitError) as error:
        return None, f"The result is not JSON: {error}"
    return (value, "") if isinstance(value, dict) else (None, "The result is not a JSON object.")


def _equal(given: Any, wish: Any) -> bool:
    """Whether a detail is the wished one: text up to case and white space, a whole number also in quotes."""
    if isinstance(given, bool) or isinstance(wish, bool) or not isinstance(given, str | int):
        return type(given) is type(wish) and bool(given == wish)
    return plain(str(given)) == plain(str(wish)) if isinstance(given, str) else given == wish


ConversationVectorEnv = partial(TextVectorEnv, ConversationEnv)
