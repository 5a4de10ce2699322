"""Sessions: who plays which episode, how many there may be, and when they end."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from ..choice import check_options
from ..episode import Episode, components_of
from ..text_env import TextEnv
from .actions import read_action
from .catalogue import Catalogue
from .errors import ServingError, invalid

# Of an environment that has no turn limit of its own.
_MOST_TURNS = 200
# Characters of actions in one episode.
_MOST_TEXT = 8 << 20


@dataclass(slots=True, eq=False)
class Session:
    """One client's episode.

    Attributes:
        id: names it; who knows it may play.
        env_id: the environment's id.
        arguments: those that the client chose.
        env: the environment.
        rng: draws the tasks.
        episode: the one under way, or the last one.
        episode_id: what the client calls the episode.
        taken: characters of actions in the episode.
        used: when it was last used, on the monotonic clock.
        busy: held while a request is at work on it.
    """

    id: str
    env_id: str
    arguments: Mapping[str, Any]
    env: TextEnv
    rng: np.random.Generator
    episode: Episode
    episode_id: str = ""
    taken: int = 0
    used: float = field(default_factory=time.monotonic)
    busy: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """The sessions of a server; any thread may use them.

    Args:
        catalogue: the environments.
        limit: how many sessions there may be at the same time.
        idle_seconds: a session that is not used for so long is closed.

    Raises:
        ValueError: an argument is not positive.
    """

    def __init__(self, catalogue: Catalogue, *, limit: int = 256, idle_seconds: float = 900) -> None:
        if limit < 1 or not idle_seconds > 0:
            raise ValueError(f"limit ({limit}) and idle_seconds ({idle_seconds}) must be positive")
        self.catalogue, self.limit, self.idle_seconds = catalogue, limit, idle_seconds
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sessions)

    def reset(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Starts an episode, in a new session or in the one that the request names."""
        options, seed = _member(request, "options", dict, {}), _member(request, "seed", int, None)
        arguments = _member(request, "arguments", dict, None)
        env_id, session_id = self._env_id(request), _member(request, "session_id", str, None)
        episode_id = _member(request, "episode_id", str, "")
        if (seed is not None and not 0 <= seed < 2**63) or len(episode_id) > 255:
            raise invalid("seed must be from 0 to 2^63 - 1, and episode_id have at most 255 characters")
        if session_id is None:
            session = self._open(env_id or self.catalogue.ids[0], arguments or {}, seed, options)
        else:
            with self._using(session_id) as session:
                if (env_id or session.env_id) != session.env_id or arguments not in (None, session.arguments):
                    raise invalid("a session keeps its environment and arguments: start another one")
                if seed is not None:
                    session.rng, _ = seeding.np_random(seed)
                session.episode, session.taken = _begin(session.env, session.rng, options), 0
        session.episode_id = episode_id or secrets.token_hex(8)
        return {"session_id": session.id, **_show(session, 0, None)}

    def step(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Takes an action, or a message in OpenAI's form, in a session's episode."""
        given = [request[name] for name in ("action", "message") if name in request]
        if len(given) != 1:
            raise invalid('give either "action" or "message"')
        action = read_action(given[0])
        with self._using(_session_id(request)) as session:
            episode, env = session.episode, session.env
            if episode.ended:
                raise ServingError(409, "SESSION_ERROR", "the episode has ended: reset before the next step")
            session.taken += len(action)
            if session.taken > _MOST_TEXT:
                raise ServingError(413, "TOO_LARGE", "the episode has become too long: reset")
            heard = len(episode.messages)
            env.advance([episode], [action])
            return {"session_id": session.id, **_show(session, heard, episode.reward)}

    def state(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Where a session stands, with the whole transcript."""
        with self._using(_session_id(request)) as session:
            episode = session.episode
            return {
                "session_id": session.id,
                "episode_id": session.episode_id,
                "step_count": episode.turns,
                "env": session.env_id,
                "arguments": dict(session.arguments),
                "done": episode.ended,
                "reward": episode.reward if episode.ended else None,
                "info": _info(episode),
                "messages": episode.copy_messages(),
            }

    def tools(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The tools of a session's environment, or of one by its id, in the form of OpenAI's ``tools``."""
        if "session_id" in request:
            with self._using(_session_id(request)) as session:
                return {"tools": list(session.env.tool_schemas)}
        env_id = self._env_id(request) or self.catalogue.ids[0]
        env = self.catalogue.borrow(env_id, {})
        try:
            return {"tools": list(env.tool_schemas)}
        finally:
            self.catalogue.give_back(env_id, {})

    def close(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ends a session."""
        with self._using(_session_id(request)) as session:
            self._drop(session)
        return {"session_id": session.id, "closed": True}

    def sweep(self) -> None:
        """Closes the sessions that were not used for too long."""
        oldest = time.monotonic() - self.idle_seconds
        with self._lock:
            sessions = [*self._sessions.values()]
        for session in sessions:
            if session.used < oldest and session.busy.acquire(blocking=False):
                self._drop(session)
                session.busy.release()

    def close_all(self) -> None:
        """Ends every session and closes the environments."""
        self._sessions.clear()
        self.catalogue.close()

    def _open(self, env_id: str, arguments: dict[str, Any], seed: int | None, options: dict[str, Any]) -> Session:
        self.sweep()
        self._check_room()
        env = self.catalogue.borrow(env_id, arguments)
        try:
            rng, _ = seeding.np_random(seed)
            session = Session(secrets.token_urlsafe(24), env_id, arguments, env, rng, _begin(env, rng, options))
            with self._lock:
                self._check_room()
                self._sessions[session.id] = session
        except BaseException:
            self.catalogue.give_back(env_id, arguments)
            raise
        return session

    def _env_id(self, request: Mapping[str, Any]) -> str | None:
        name = _member(request, "env", str, None)
        return None if name is None else self.catalogue.find(name)

    def _check_room(self) -> None:
        if len(self._sessions) >= self.limit:
            raise ServingError(503, "CAPACITY_REACHED", f"all {self.limit} sessions are taken: close one, or try later")

    def _drop(self, session: Session) -> None:
        with self._lock:
            found = self._sessions.pop(session.id, None)
        if found is not None:
            self.catalogue.give_back(session.env_id, session.arguments)

    @contextmanager
    def _using(self, session_id: str) -> Iterator[Session]:
        """A session, for one request at a time."""
        session = self._sessions.get(session_id)
        if session is None:
            raise ServingError(404, "SESSION_ERROR", "there is no such session; it may have been idle for too long")
        if not session.busy.acquire(blocking=False):
            raise ServingError(409, "SESSION_ERROR", "another request of this session is at work: wait for its answer")
        try:
            if session_id not in self._sessions:  # closed in between
                raise ServingError(404, "SESSION_ERROR", "the session was closed")
            yield session
        finally:
            session.used = time.monotonic()
            session.busy.release()


def _begin(env: TextEnv, rng: np.random.Generator, options: dict[str, Any]) -> Episode:
    try:
        check_options(options, "task_index", "domain")
        if "task_index" in options:
            index = env.check_index(options["task_index"])
        else:
            index = env.draw_index(rng, _member(options, "domain", str, None))
    except (TypeError, ValueError) as error:
        raise invalid(str(error)) from None
    return env.begin(env.tasks.task(index), index, max_turns=env.max_turns or _MOST_TURNS)


def _show(session: Session, heard: int, reward: float | None) -> dict[str, Any]:
    """What a client gets to see: the messages since the one of number ``heard``, as text and in OpenAI's form."""
    episode = session.episode
    new = [message for message in episode.copy_messages()[heard:] if message["role"] != "assistant"]
    observation = {"text": session.env.observe(episode), "messages": new, "info": _info(episode)}
    return {"observation": observation, "reward": reward, "done": episode.ended}


def _info(episode: Episode) -> dict[str, Any]:
    """Named one by one, so that nothing leaves that is not meant to: the task holds the expected answer."""
    info: dict[str, Any] = {
        "task_id": episode.task.id,
        "task_index": episode.task_index,
        "domain": episode.task.domain,
        "terminated": episode.terminated,
        "truncated": episode.truncated,
    }
    if episode.score is not None:
        info["status"] = str(episode.score.status)
        # What our own code says when it fails was not written for clients.
        info["error_msg"] = "our own failure" if episode.score.failed else episode.score.error_msg
        info["components"] = components_of(episode)
    return info


def _session_id(request: Mapping[str, Any]) -> str:
    found = _member(request, "session_id", str, None)
    if found is None:
        raise invalid('"session_id" is missing')
    return str(found)


def _member(request: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    """A member of a request; null is as good as none."""
    value = request.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        names = {dict: "an object", int: "an integer", str: "a text"}
        raise invalid(f'"{name}" must be {names[kind]}')
    return value
