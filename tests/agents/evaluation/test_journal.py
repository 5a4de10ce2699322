import json
import resource
import signal
import sys
import threading
from pathlib import Path

import pytest

from infinite_rl import Task, TextEnv
from infinite_rl.agents.evaluation.asking import EndpointPlayer, Job
from infinite_rl.agents.evaluation.journal import Entry, Journal
from infinite_rl.agents.evaluation.keeping import Keeper
from infinite_rl.agents.evaluation.subject import Subject
from infinite_rl.datasets.task import TaskList
from infinite_rl.runtimes import ChatEndpoint
from infinite_rl.runtimes.endpoint import ChatReply

sys.path.insert(0, str(Path(__file__).parents[2] / "runtimes"))
from chat_server import completion, serving, wait_for

ASKED = [{"role": "user", "content": "Say Ulm."}]
CALL = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
REPLY = ChatReply("Ulm \ud800", "", "stop", 7, 3, {"tool_calls": [CALL]})


def entry(place, reply=REPLY):
    return Entry(place, 0, ASKED, reply, 0.5)


def written(path, *entries):
    journal = Journal(path)
    journal.append(entries or (entry((0, 0)), entry((0, 1))))
    journal.close()
    return path


def test_a_reply_is_told_as_it_was(tmp_path):
    journal = Journal(written(tmp_path / "replies.jsonl"))
    reply, seconds = journal.told((0, 1), 0, ASKED)
    assert (reply, reply.tool_calls, seconds) == (REPLY, [CALL], 0.5)


def test_a_reply_to_something_else_is_not_told(tmp_path):
    journal = Journal(written(tmp_path / "replies.jsonl"))
    assert journal.knows((0, 0))
    assert journal.told((0, 0), 1, ASKED) is None
    assert journal.told((0, 0), 0, [{"role": "user", "content": "Say Rom."}]) is None
    assert journal.told((1, 0), 0, ASKED) is None


def test_replies_of_recorded_samples_are_dropped_line_by_line(tmp_path):
    path = written(tmp_path / "replies.jsonl")
    journal = Journal(path, {(0, 0)})
    assert not journal.knows((0, 0))
    assert journal.knows((0, 1))
    journal.close()
    Journal(path, {(0, 0), (0, 1)}).close()
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "members",
    [
        {"turn": "first"},
        {"asked": 1},
        {"seconds": -1},
        {"seconds": "long"},
        {"text": None},
        {"tool_calls": {}},
        {"prompt_tokens": -1},
        {"prompt_tokens": 10**20},
        {"completion_tokens": 1.5},
        {"sample": True},
    ],
)
def test_a_line_that_cannot_be_read_is_as_if_it_were_not_there(members, tmp_path):
    path = written(tmp_path / "replies.jsonl", entry((0, 0)))
    row = json.loads(path.read_text())
    path.write_text(json.dumps(row | members) + "\n")
    assert not Journal(path).knows((0, 0))
    path.write_text(json.dumps(row) + "\n")
    assert Journal(path).knows((0, 0))


@pytest.mark.parametrize("torn", [b'{"turn": 0, "as', b"\xff", b"[]", b"[" * 100_000])
def test_a_line_that_a_process_was_stopped_in_costs_no_other(torn, tmp_path):
    path = written(tmp_path / "replies.jsonl")
    with path.open("ab") as file:
        file.write(torn)
    journal = Journal(path)
    journal.append([entry((2, 0))])
    journal.close()
    again = Journal(path)
    assert all(again.told(place, 0, ASKED) == (REPLY, 0.5) for place in ((0, 0), (0, 1), (2, 0)))


def test_numbers_that_are_none_in_calls_are_kept(tmp_path):
    reply = ChatReply("", message={"tool_calls": [CALL | {"arguments": {"x": float("inf")}}]})
    again = Journal(written(tmp_path / "replies.jsonl", entry((0, 0), reply))).told((0, 0), 0, ASKED)
    assert again[0].tool_calls == reply.tool_calls
    nan = ChatReply("", message={"tool_calls": [CALL | {"arguments": {"x": float("nan")}}]})
    assert Journal(written(tmp_path / "nan.jsonl", entry((0, 0), nan))).knows((0, 0))


def test_calls_that_nest_too_deeply_are_not_kept_and_end_nothing(tmp_path):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    path = written(tmp_path / "replies.jsonl", entry((0, 0), ChatReply("", message={"tool_calls": [deep]})))
    assert path.read_bytes() == b""


def test_what_comes_after_the_end_is_not_written(tmp_path):
    path = tmp_path / "replies.jsonl"
    journal = Journal(path)
    journal.close()
    journal.append([entry((0, 0))])
    assert path.read_bytes() == b""


class Talk(TextEnv):
    """Three turns; the environment says its ``word`` after each."""

    domain = "talk"
    word = "Go on."

    def respond(self, episode, action):
        super().respond(episode, action)
        episode.finished = episode.turns == 3
        if not episode.finished:
            episode.messages.append({"role": "user", "content": self.word})

    def grade(self, task, response):
        return 1.0


def play(server, path, word="Go on."):
    env = Talk(TaskList([Task.ask("Talk.", "", id="t0", domain="talk")]))
    env.word = word
    player = EndpointPlayer(Subject(env, {0: env.tasks.task(0)}, {}), ChatEndpoint(server.url, "m"))
    journal = Journal(path)
    try:
        return [line for batch in player.play([Job(0, [0, 1])], journal) for line in batch]
    finally:
        journal.close()


@pytest.fixture
def unrecorded(monkeypatch):
    """As if each kill came before anything was recorded."""
    monkeypatch.setattr(Keeper, "release", lambda self, owners: None)


@pytest.mark.usefixtures("unrecorded")
def test_what_is_known_is_not_asked_for_and_leaves_the_same_samples(tmp_path):
    path = tmp_path / "replies.jsonl"
    with serving(lambda request: f"reply {len(server.requests)}") as server:
        first = play(server, path)
        asked = len(server.requests)
        second = play(server, path)
        assert len(server.requests) == asked
    assert sorted(first, key=lambda one: one["sample"]) == sorted(second, key=lambda one: one["sample"])


@pytest.mark.usefixtures("unrecorded")
def test_where_an_environment_draws_otherwise_the_model_is_asked_from_that_turn_on(tmp_path):
    path = tmp_path / "replies.jsonl"
    with serving(lambda request: "Hi") as server:
        play(server, path)
        asked = len(server.requests)
        lines = play(server, path, "Once more.")
        new = server.requests[asked:]
    assert sorted(sum(one["role"] == "assistant" for one in request["messages"]) for request in new) == [1, 1, 2, 2]
    assert all([one["content"] for one in line["messages"][2::2]] == ["Once more."] * 2 for line in lines)


class Deep(Talk):
    """One turn; whoever grades thinks until told to stop."""

    def respond(self, episode, action):
        super().respond(episode, action)
        episode.finished = True

    def grade(self, task, response):
        if response == "hard":
            self.thinks.set()
            assert self.stop.wait(60)
        return 1.0


def test_what_is_answered_while_others_are_graded_is_in_the_journal(tmp_path):
    env = Deep(TaskList([Task.ask(f"Talk {k}.", "", id=f"t{k}", domain="talk") for k in range(12)]))
    env.thinks, env.stop = threading.Event(), threading.Event()
    tasks = {k: env.tasks.task(k) for k in range(12)}
    path = tmp_path / "replies.jsonl"
    journal = Journal(path)

    def answer(request):
        body = completion("hard" if "Talk 6." in request["messages"][0]["content"] else "easy")
        return 200, {**body, "choices": body["choices"] * request.get("n", 1)}, {}

    # The first batches are graded at once; then one is not.
    with serving(answer) as server:
        player = EndpointPlayer(Subject(env, tasks, {}), ChatEndpoint(server.url, "m"), concurrency=2)
        lines = []

        def run():
            for batch in player.play([Job(k, [0, 1, 2]) for k in range(12)], journal):
                lines.extend(batch)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert env.thinks.wait(60)
            recorded = {(one["task_index"], one["sample"]) for one in lines}

            def all_kept():
                answered = [int(one["messages"][0]["content"][5:-1]) for one in server.requests]
                rows = map(json.loads, path.read_text().splitlines())
                kept = recorded | {(row["task_index"], row["sample"]) for row in rows}
                return {(task, k) for task in answered for k in range(3)} <= kept

            wait_for(all_kept)
            assert 6 * 3 >= len(recorded) < len({one["messages"][0]["content"] for one in server.requests}) * 3
        finally:
            env.stop.set()
            thread.join(60)
            journal.close()
    assert len(lines) == 36


def test_what_is_recorded_soon_is_never_written(tmp_path):
    path = tmp_path / "replies.jsonl"
    keeper = Keeper(Journal(path), interval=60)
    for place in range(50):
        keeper.hold({place: entry((place, 0))})
        keeper.release([place])
    keeper.close()
    assert path.read_bytes() == b""


def test_what_is_held_is_written_when_it_waits_when_it_is_told_and_at_the_end(tmp_path):
    path = tmp_path / "replies.jsonl"

    def places():
        return [json.loads(line)["task_index"] for line in path.read_text().splitlines()]

    keeper = Keeper(Journal(path), interval=0.01)
    keeper.hold({"a": entry((0, 0)), "b": entry((1, 0))})
    wait_for(lambda: places() == [0, 1])
    keeper.close()
    keeper = Keeper(Journal(path), interval=60)
    keeper.hold({"c": entry((2, 0)), "d": entry((3, 0))})
    keeper.hold({"c": entry((4, 0))})
    keeper.write(["c"])
    assert places() == [0, 1, 2, 4]
    keeper.close()
    assert places() == [0, 1, 2, 4, 3]


def test_a_journal_that_cannot_be_written_is_told_to_whoever_brings_more(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    journal = Journal(tmp_path / "replies.jsonl")
    monkeypatch.setattr(journal, "append", full)
    keeper = Keeper(journal, interval=0.01)
    keeper.hold({"a": entry((0, 0))})
    wait_for(lambda: not keeper._thread.is_alive())
    with pytest.raises(OSError, match="No space left"):
        keeper.hold({"b": entry((1, 0))})


def test_a_disk_that_gets_full_takes_whole_lines_only_and_nothing_held_is_lost(tmp_path):
    path = tmp_path / "replies.jsonl"
    journal = Journal(path)
    keeper = Keeper(journal, interval=60)
    keeper.hold({"a": entry((0, 0))})
    journal.append([entry((1, 0))])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            keeper.close()
        assert [json.loads(line)["task_index"] for line in path.read_text().splitlines()] == [1]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    keeper.close()
    assert [json.loads(line)["task_index"] for line in path.read_text().splitlines()] == [1, 0]
