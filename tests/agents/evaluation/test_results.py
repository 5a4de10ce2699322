import json

import pytest

from infinite_rl.agents.evaluation.results import SampleLog, read_results, read_samples

RUN = {
    "schema": "infinite-rl/eval/1",
    "env": {"id": "InfiniteRL/Math-v0", "arguments": {}, "split": "test", "tasks": 3},
    "model": {"name": "tiny"},
    "sampling": {"n": 2, "max_turns": None, "prompt": None},
} | {name: {} for name in ("versions", "hashes", "hardware", "declarations")}


def sample(task=0, number=0, **changes):
    return {
        "task_id": f"task {task}",
        "task_index": task,
        "sample": number,
        "domain": "say",
        "reward": 1.0,
        "passed": True,
        "status": "scored",
        "error_msg": "",
        "components": {"format": 1.0, "correctness": 1.0},
        "answer": "7",
        "terminated": True,
        "turns": 1,
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "finish_reason": "stop",
        "seconds": 0.25,
        "messages": [{"role": "user", "content": "Say 7."}, {"role": "assistant", "content": "7"}],
    } | changes


def log_of(path, *samples):
    log = SampleLog(path)
    log.append(samples)
    log.close()


def test_what_was_written_is_read_whatever_models_wrote(tmp_path):
    path = tmp_path / "samples.jsonl"
    said = "\x00 \ud800 é \u2028 \x1b[31m" + "x" * 1_000_000
    written = [
        sample(),
        sample(0, 1, answer=None),
        sample(1, answer=said, messages=[{"role": "user", "content": said}]),
    ]
    log_of(path, *written[:1])
    log_of(path, *written[1:])
    assert read_samples(path) == written
    assert path.read_bytes().isascii()


@pytest.mark.parametrize("cut", [1, 2, 40, -2, -1])
def test_a_line_that_a_process_was_stopped_in_is_left_out_and_cut_off(tmp_path, cut):
    path = tmp_path / "samples.jsonl"
    log_of(path, sample(), sample(1))
    last = (json.dumps(sample(2)) + "\n").encode()
    whole = cut == -1
    with path.open("ab") as file:
        file.write(last[:cut])
    assert len(read_samples(path)) == 2 + whole
    log_of(path, sample(3))
    assert [one["task_index"] for one in read_samples(path)] == [0, 1, *[2] * whole, 3]
    assert path.read_bytes().count(b"\n") == 3 + whole


def test_a_torn_line_longer_than_what_is_read_at_once_is_cut_off(tmp_path):
    path = tmp_path / "samples.jsonl"
    log_of(path, sample())
    with path.open("ab") as file:
        file.write(b'{"messages": "' + b"x" * 3_000_000)
    log_of(path, sample(1))
    assert len(read_samples(path)) == 2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"reward": "1"}, '"reward" must be of type int or float, not str'),
        ({"reward": True}, '"reward" must be of type int or float, not bool'),
        ({"passed": 1}, '"passed" must be of type bool, not int'),
        ({"answer": 7}, '"answer" must be of type str or null, not int'),
        ({"task_index": -1}, '"task_index" must not be negative, and is -1'),
        ({"status": "fine"}, "\"status\" must be one of scored, .*, not 'fine'"),
        ({"components": {"format": "good"}}, '"components" must hold numbers'),
        ({"messages": [{"content": "x"}]}, '"messages" must hold objects with a "role"'),
        ({"messages": [{"role": "user", "content": [1]}]}, 'the "content" of a message must be text or null'),
    ],
)
def test_a_malformed_sample_is_refused_by_line_and_field(tmp_path, changes, problem):
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(sample()) + "\n" + json.dumps(sample(1) | changes) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"samples.jsonl, line 2: {problem}"):
        read_samples(path)


@pytest.mark.parametrize("line", ["[]", "{}", "not JSON", '{"reward": NaN}', "[" * 100_000, '{"reward": 1e999}'])
def test_a_line_that_is_no_sample_is_refused(tmp_path, line):
    path = tmp_path / "samples.jsonl"
    path.write_text(f"{line}\n{json.dumps(sample())}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: "):
        read_samples(path)


def test_a_missing_field_is_named(tmp_path):
    path = tmp_path / "samples.jsonl"
    less = sample()
    del less["messages"]
    path.write_text(json.dumps(less) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match='line 1: "messages" is missing'):
        read_samples(path)


def test_a_sample_that_is_there_twice_is_refused_unless_the_first_had_failed(tmp_path):
    path = tmp_path / "samples.jsonl"
    log_of(path, sample(status="endpoint_error", passed=False), sample(1), sample())
    assert [(one["task_index"], one["status"]) for one in read_samples(path)] == [(1, "scored"), (0, "scored")]
    log_of(path, sample(1))
    with pytest.raises(ValueError, match=r"line 4: sample 0 of task 1 is there twice"):
        read_samples(path)


def test_a_folder_is_read_before_its_end_and_after_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no run.json, so no evaluation lies there"):
        read_results(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(RUN), encoding="utf-8")
    found = read_results(tmp_path)
    assert (found.run, found.samples, found.result) == (RUN, [], None)
    log_of(tmp_path / "samples.jsonl", sample())
    (tmp_path / "result.json").write_text('{"scores": {}}', encoding="utf-8")
    found = read_results(str(tmp_path))
    assert (len(found.samples), found.result) == (1, {"scores": {}})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        (json.dumps(RUN | {"schema": "infinite-rl/eval/9"}), "\"schema\" is 'infinite-rl/eval/9'"),
        (json.dumps(RUN | {"env": "Math-v0"}), '"env" must be an object'),
        (json.dumps(RUN | {"sampling": {"n": "8"}}), '"sampling.n" must be of type int, not str'),
        (json.dumps(RUN | {"sampling": {"n": 10**12}}), '"sampling.n" must be from 1 to 1,000,000'),
        (json.dumps(RUN | {"env": RUN["env"] | {"tasks": True}}), '"env.tasks" must be of type int, not bool'),
    ],
)
def test_a_run_of_another_kind_is_refused(tmp_path, text, problem):
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"run.json: {problem}"):
        read_results(tmp_path)


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, files_of_at_most):
    path = tmp_path / "samples.jsonl"
    log = SampleLog(path)
    log.append([sample()])
    size = path.stat().st_size
    with files_of_at_most(size + 100), pytest.raises(OSError, match="too large"):
        log.append([sample(1)])
    assert path.stat().st_size == size
    log.append([sample(1)])
    log.close()
    assert len(read_samples(path)) == 2
