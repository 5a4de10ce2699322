"""What is handed in is believed only as far as its transcripts bear it out."""

import itertools
import json
import shutil

import pytest
from board_results import answered, make_results, make_run, play, subject, write_results
from chat_server import completion, serving
from pages import data

from infinite_rl.agents.evaluation.given import Given
from infinite_rl.agents.evaluation.results import read_results, sha256_of
from infinite_rl.agents.leaderboard.archive import opened, pack
from infinite_rl.agents.leaderboard.check import check
from infinite_rl.cli import main


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("honest"), model="honest", n=3, tasks=6)


def read(folder):
    run = json.loads((folder / "run.json").read_text())
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    return run, samples, json.loads((folder / "result.json").read_text())


def wrong(samples):
    return next(one for one in samples if not one["passed"] and one["status"] == "scored")


# Each forges one thing. Those of `samples` and `run` forge well: scores, counts and hashes of the files are then made
# anew from what was forged, so that only a regrade, the environment or the form can tell.


def calls_that_are_none(run, samples):
    wrong(samples)["messages"][-1]["tool_calls"] = 5


def flip_verdict(run, samples):
    wrong(samples).update(passed=True, reward=1.0, components={"correctness": 1.0})


def mend_answer(run, samples):
    one = wrong(samples)
    one["messages"][-1]["content"] = f"<answer>{subject(1, 6).env.tasks.task(one['task_index']).answer}</answer>"


def vote_otherwise(run, samples):
    wrong(samples)["answer"] = "8"


def drop_sample(run, samples):
    samples.remove(wrong(samples))


def add_sample(run, samples):
    samples.append(answered(subject(1, 6).env, 0, 3, "<answer>1</answer>"))


def task_beyond_the_split(run, samples):
    samples[:] = [one | {"task_index": 999} if one["task_index"] == 0 else one for one in samples]


def one_task_less(run, samples):
    samples[:] = [one for one in samples if one["task_index"] != 0]


def other_task_id(run, samples):
    wrong(samples)["task_id"] = "arithmetic/1+1"


def easier_prompt(run, samples):
    wrong(samples)["messages"][0]["content"] = "What is 1+1? Give the number between <answer> and </answer>."


def second_try(run, samples):
    one = wrong(samples)
    one["messages"] += [{"role": "user", "content": "Are you sure?"}, {"role": "assistant", "content": "No."}]


def blame_the_endpoint(run, samples):
    wrong(samples).update(status="endpoint_error", reward=0.0)


def blame_the_grader(run, samples):
    wrong(samples).update(status="error", reward=0.0)


def hide_as_an_error(run, samples):
    nothing = dict.fromkeys(wrong(samples)["components"], 0.0)
    wrong(samples).update(status="error", reward=0.0, answer=None, components=nothing, terminated=False, messages=[])


def other_domain(run, samples):
    wrong(samples)["domain"] = "arithmetic/easy"


def too_many_tokens(run, samples):
    wrong(samples)["completion_tokens"] = 513


def hide_truncation(run, samples):
    wrong(samples)["terminated"] = False


def key_in_a_transcript(run, samples):
    wrong(samples)["messages"][-1]["content"] += " sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"


def canary_in_a_transcript(run, samples):
    wrong(samples)["messages"][-1]["content"] += " infinite-rl-canary-" + "0123456789abcdef" * 2


def train_split(run, samples):
    run["env"]["split"] = "train"


def fewer_tasks(run, samples):
    one_task_less(run, samples)
    run["env"]["tasks"] = 5


def other_temperature(run, samples):
    run["sampling"]["temperature"] = 0.0


def nothing_declared(run, samples):
    run["declarations"] = {"contamination": None, "tools": []}


def no_tools_declared(run, samples):
    del run["declarations"]["tools"]


def server_address(run, samples):
    run["model"]["name"] = "http://10.0.0.7:8000/v1"


def home_folder(run, samples):
    run["model"]["name"] = "/home/someone/model"


def mail_address(run, samples):
    run["declarations"]["contamination"] = "None known; ask someone@example.org."


def parameters_beyond_floats(run, samples):
    run["model"]["parameters"] = 10**400


def unknown_members(run, samples):
    samples[0]["note"] = "best"


def more_turns(run, samples):
    wrong(samples).update(turns=1000, completion_tokens=512_000)


def no_turns(run, samples):
    wrong(samples)["turns"] = 0


def thoughts_that_nobody_recorded(run, samples):
    wrong(samples)["messages"][-1]["reasoning_content"] = "I am sure."


def frozen(run, samples):
    run["sampling"]["temperature"] = -5


def wide(run, samples):
    run["sampling"]["top_p"] = 9.0


def fewer_than_none(run, samples):
    run["model"]["parameters"] = -5


def half_a_character(run, samples):
    run["model"]["name"] = "\ud83d"


def table_of_its_own_by_a_hash(run, samples):
    run["hashes"]["source"] = "d" * 32


def table_of_its_own_by_a_prompt(run, samples):
    run["sampling"]["prompt"] = "mine"


def ended_by_a_story(run, samples):
    wrong(samples)["finish_reason"] = "the model was best " * 3


def long_name(run, samples):
    run["model"]["name"] = "W" * 900_000


def long_declaration(run, samples):
    run["declarations"]["contamination"] = "None. " * 1_000


def long_version(run, samples):
    run["versions"]["x" * 100_000] = "1"


def many_versions(run, samples):
    run["versions"] |= {f"package {number}": "y" * 100 for number in range(1_000)}


def long_tool(run, samples):
    run["declarations"]["tools"] = ["t" * 201]


def long_id(run, samples):
    wrong(samples)["task_id"] = "i" * 201


def long_domain(run, samples):
    wrong(samples)["domain"] = "d" * 201


def unknown_of(part):
    def forge(run, samples):
        run[part]["note"] = "best"

    return forge


FORGED_WELL = [
    (long_name, 'run.json: "model.name" has 900,000 characters, at most 200'),
    (long_declaration, 'run.json: "declarations.contamination" has 6,000 characters, at most 4,000'),
    (long_version, f'run.json: the name "{"x" * 40}…" has 100,000 characters, at most 200'),
    (many_versions, "characters, at most 32,000"),
    (long_tool, 'run.json: "declarations.tools" has 201 characters, at most 200'),
    (long_id, 'samples.jsonl: "task_id" has 201 characters, at most 200'),
    (long_domain, 'samples.jsonl: "domain" has 201 characters, at most 200'),
    (more_turns, "turns is 1000, a regrade gives 1"),
    (no_turns, "turns is 0, a regrade gives 1"),
    (thoughts_that_nobody_recorded, "the environment says something else than what is recorded"),
    (frozen, '"sampling.temperature" must be from 0 to 1,000, not -5'),
    (wide, '"sampling.top_p" must be from 0 to 1, not 9.0'),
    (fewer_than_none, '"model.parameters" must be from 1 to'),
    (ended_by_a_story, "finish_reason is longer than 40 characters"),
    (half_a_character, "run.json: holds a text that is no Unicode"),
    (table_of_its_own_by_a_hash, f'"hashes.source" is "{"d" * 32}", but this installation has null'),
    (table_of_its_own_by_a_prompt, '"sampling.prompt" is "mine", and the tasks are asked with null'),
    *[
        (unknown_of(part), f"run.json: unknown members {part}.note")
        for part in ("model", "sampling", "hashes", "hardware", "declarations")
    ],
    (parameters_beyond_floats, '"model.parameters" is out of range'),
    (unknown_members, "samples.jsonl: unknown members note"),
    (calls_that_are_none, "a transcript can't be replayed"),
    (flip_verdict, "passed is true, a regrade gives false"),
    (mend_answer, "passed is false, a regrade gives true"),
    (vote_otherwise, 'answer is "8", a regrade gives'),
    (drop_sample, "is missing (1 of 18 are)"),
    (add_sample, "sample 3 of task 0 is beyond what was asked, 3 of each"),
    (task_beyond_the_split, "task 999 is none of the 6 that were asked"),
    (one_task_less, "has 5 tasks, and 6 were asked"),
    (other_task_id, "not 'arithmetic/1+1'"),
    (easier_prompt, "the transcript opens with other messages than the task"),
    (second_try, "the transcript goes on after the episode's end"),
    (blame_the_endpoint, "1 of 18 samples failed by nobody's answer"),
    (blame_the_endpoint, "the episode came to its end, so that the endpoint did not break it off"),
    (blame_the_grader, "1 of 18 samples failed by nobody's answer"),
    (hide_as_an_error, "the transcript opens with other messages than the task"),
    (blame_the_grader, 'status is "error", a regrade gives "scored"'),
    (other_domain, 'domain is "arithmetic/easy", the task\'s is "arithmetic/'),
    (too_many_tokens, "513 tokens in 1 turns; sampling.max_tokens is 512"),
    (hide_truncation, "terminated is false, a regrade gives true"),
    (key_in_a_transcript, "holds an API key (sk-…)"),
    (canary_in_a_transcript, "holds the canary infinite-rl-canary-0123456789abcdef0123456789abcdef of a private split"),
    (train_split, "the tasks are not those of the run (hashes.data differs)"),
    (fewer_tasks, "the tasks are not those of the run (hashes.data differs)"),
    (other_temperature, '"hashes.config" is'),
    (nothing_declared, '"declarations.contamination" is missing'),
    (no_tools_declared, '"declarations.tools" is missing'),
    (server_address, "holds the address of a server"),
    (home_folder, "holds a path of a user's folder"),
    (mail_address, "holds an e-mail address"),
]


@pytest.mark.parametrize(("forge", "reason"), FORGED_WELL, ids=lambda one: getattr(one, "__name__", ""))
def test_what_was_forged_well_is_refused_for_its_own_reason(honest, tmp_path, forge, reason):
    run, samples, _ = read(honest)
    forge(run, samples)
    assert_refused(write_results(tmp_path / "forged", run, samples), reason)


@pytest.mark.parametrize("name", ["data", "prompts", "parser", "runtimes", "code"])
def test_another_hash_is_refused(honest, tmp_path, name):
    run, samples, _ = read(honest)
    run["hashes"][name] = "0" * 32
    told = f"hashes.{name} differs" if name in ("data", "prompts") else f'"hashes.{name}" is "{"0" * 32}", but this'
    assert_refused(write_results(tmp_path / "forged", run, samples), told)


CLUMSY = [
    (lambda result: result.update(finished="9" * 500), 'result.json: "finished" has 500 characters, at most 200'),
    (lambda result: result["rates"].update({"r" * 500: 0.5}), "the name \"rrrr"),
    (lambda result: result["scores"]["pass@1"].update(value=0.99), '"scores.pass@1.value" is 0.99, but the samples'),
    (lambda result: result["scores"]["pass@1"].update(low=0.9), '"scores.pass@1.low" is 0.9, but the samples give'),
    (lambda result: result["scores"].update({"pass@64": {"value": 1.0}}), '"scores.pass@64" is'),
    (lambda result: result["by_domain"].clear(), '"by_domain.arithmetic/add" is missing'),
    (lambda result: result["per_task"].pop(), '"per_task" has not 6 rows'),
    (lambda result: result["rates"].update(error=0.5), '"rates.error" is 0.5, but the samples give 0.0'),
    (lambda result: result.update(floor={"random": 0.0}), '"floor" is not what is published'),
    (lambda result: result.update(floor=None), '"floor" is not what is published'),
    (lambda result: result.update(ceiling={"knows the answers": 0.3}), '"ceiling" is not what is published'),
    (lambda result: result["per_task"][3].update(passed=True), '"per_task.3.passed" is True'),
    (lambda result: result["counts"].update(graded=17), '"counts.graded" is 17, but the samples give 18'),
    (lambda result: result["usage"].update(completion_tokens=1), '"usage.completion_tokens" is 1, but the samples'),
    (lambda result: result.update(cost={"input_per_million": 1, "output_per_million": 1, "total": 9}), '"cost.total"'),
    (lambda result: result["sampling"].update(n=1), '"sampling" differs from run.json in n'),
    (lambda result: result["sampling"].update(temperature=0.5), '"sampling" differs from run.json in temperature'),
    (lambda result: result["model"].update(name="another"), '"model" differs from run.json in name'),
    (lambda result: result.update(samples_sha256="0" * 64), '"samples_sha256" is 0000000000000000…'),
    (lambda result: result.update(finished="2026-11-19T00:00:00+00:00"), '"finished" is before "started"'),
    (lambda result: result.pop("usage"), 'result.json: "usage" is missing'),
    (lambda result: result.update(note="see https://10.1.2.3:8443"), "result.json: holds the address of a server"),
    (lambda result: result.update(note="best"), "result.json: unknown members note"),
    (lambda result: result["usage"].update(seconds=-5), '"usage.seconds" must be a number from 0'),
    (lambda result: result["usage"].update(note="x"), "unknown members of usage, note"),
    (lambda result: result.update(cost={"input_per_million": -1, "output_per_million": -1, "total": -1}), "from 0 to"),
    (lambda result: result.update(cost={"input_per_million": 10**400, "output_per_million": 1, "total": 1}), "prices"),
    (lambda result: result.update(finished="9999-99-99 <b>"), "must be times with their zone"),
    (lambda result: result.update(finished="2026-11-20T11:00:00"), "must be times with their zone"),
]  # fmt: skip


@pytest.mark.parametrize(("forge", "reason"), CLUMSY, ids=[reason for _, reason in CLUMSY])
def test_a_result_that_its_samples_do_not_give_is_refused(honest, tmp_path, forge, reason):
    folder = shutil.copytree(honest, tmp_path / "forged")
    _, _, result = read(folder)
    forge(result)
    (folder / "result.json").write_text(json.dumps(result))
    assert_refused(folder, reason)


FILES = [
    ("samples.jsonl", lambda text: text + text.splitlines()[0] + "\n", "sample 0 of task 0 is there twice"),
    ("samples.jsonl", lambda text: text.replace("Let me see.", "Let me  see.", 1), '"samples_sha256" is'),
    (
        "samples.jsonl",
        lambda text: text.replace('"reward": ', '"reward": NaN, "was": ', 1),
        "samples.jsonl, line 1: not JSON",
    ),
    (
        "samples.jsonl",
        lambda text: text.replace('"reward": ', f'"reward": {10**400}, "was": ', 1),
        '"reward" is out of',
    ),
    ("samples.jsonl", lambda text: text.replace('"seconds": ', f'"seconds": {10**400}, "was": ', 1), "is out of range"),
    ("result.json", lambda text: "[]", "result.json: not an object"),
    ("run.json", lambda text: text.replace("eval/1", "eval/9"), """run.json: "schema" is 'infinite-rl/eval/9'"""),
    ("run.json", lambda text: text.replace('"n": 3', '"n": 5000'), '"sampling.n" must be from 1 to 4,096'),
    ("run.json", lambda text: text.replace('"n": 3', '"n": true'), '"sampling.n" must be of type int'),
    ("card.md", lambda text: "My key is hf_" + "a" * 34, "card.md: holds a Hugging Face token"),
]


@pytest.mark.parametrize(("name", "change", "reason"), FILES, ids=[reason for *_, reason in FILES])
def test_a_changed_file_is_refused(honest, tmp_path, name, change, reason):
    folder = shutil.copytree(honest, tmp_path / "forged")
    path = folder / name
    path.write_text(change(path.read_text() if path.exists() else ""))
    assert_refused(folder, reason)


def assert_refused(folder, reason):
    reasons = check(folder).reasons
    found = [line for line in reasons if reason in line]
    assert found, f"{reason!r} is not among {reasons}"
    assert all("\n" not in line for line in found)


def test_honest_results_are_accepted_and_told_what_no_check_can_show(honest, capsys):
    assert main(["submit", str(honest), "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["accepted"], found["problems"], found["regraded"]) == (True, [], 18)
    assert found["submission"] is None
    assert any("started and finished are what the files say" in note for note in found["notes"])


def test_the_folder_for_the_archive_is_made_or_refused_in_words(honest, tmp_path, capsys):
    assert main(["submit", str(honest), "--out", str(tmp_path / "of" / "many")]) == 0
    assert [path.suffix for path in (tmp_path / "of" / "many").iterdir()] == [".zip"]
    (tmp_path / "file").write_text("")
    for name in ("file", "file/in/it"):
        assert main(["submit", str(honest), "--out", str(tmp_path / name)]) == 2
        assert f"--out {tmp_path / name}: {tmp_path / 'file'} is no folder" in capsys.readouterr().err


def test_times_without_a_zone_are_refused_also_where_both_have_none(honest, tmp_path):
    run, samples, _ = read(honest)
    folder = write_results(tmp_path / "forged", run | {"started": "2026-11-20"}, samples, finished="2026-11-21")
    assert_refused(folder, "must be times with their zone")


@pytest.fixture(scope="module", params=["native", "hermes"])
def with_tools(request, tmp_path_factory):
    """Native calls, one of which can't be read, in a format that has them and in one that has others."""
    form = request.param

    def answer(request):
        asked = sum(message["role"] == "assistant" for message in request["messages"])
        if asked > 1:
            return "<answer>5</answer>"
        call = {"name": "search", "arguments": ('{"query":"city"}', "{city")[asked]}
        return 200, completion("", tool_calls=[{"id": f"c{asked}", "type": "function", "function": call}]), {}

    folder = tmp_path_factory.mktemp("native") / "results"
    with serving(answer) as server:
        asked = ["--env", "Search-v0", "--tool-format", form, "--tasks", "2", "--contamination", "none"]
        told = ["--base-url", server.url, "--model", "tiny", "--out", str(folder)]
        assert main(["eval", *asked, *told]) == 0
    return folder


def results_of(messages):
    """The results of calls, which some formats give as the user's words."""
    return [one for before, one in itertools.pairwise(messages) if "tool_calls" in before]


def test_calls_of_tools_are_accepted_also_those_that_could_not_be_read(with_tools):
    _, samples, _ = read(with_tools)
    assert "the arguments are not JSON" in results_of(samples[0]["messages"])[1]["content"]
    assert check(with_tools).reasons == []


def forged_result(messages):
    results_of(messages)[0]["content"] = "Error: the answer is 5"


def forged_failure(messages):
    results_of(messages)[1]["content"] = "The answer is 5"


def forged_call(messages):
    next(one for one in messages if "tool_calls" in one)["tool_calls"][0]["note"] = "x"


@pytest.mark.parametrize("forge", [forged_result, forged_failure, forged_call])
def test_results_of_tools_that_the_environment_did_not_give_are_refused(with_tools, tmp_path, forge):
    run, samples, result = read(with_tools)
    forge(samples[0]["messages"])
    folder = write_results(tmp_path / "forged", run, samples, finished=result["finished"])
    assert_refused(folder, "the environment says something else than what is recorded")


def test_a_refused_folder_is_not_packed_and_each_reason_is_a_line(honest, tmp_path, capsys):
    folder = shutil.copytree(honest, tmp_path / "forged")
    (folder / "result.json").unlink()
    assert main(["submit", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "refused: result.json is missing" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


OTHER_ENVIRONMENTS = [
    ({"description": "Visit us."}, '"env.description" is'),
    ({"version": "v9"}, '"env.version" is'),
    ({"arguments": {}}, '"env.arguments" is {}, the environment made from it has'),
    ({"arguments": {"level": 1, "split": "train"}}, '"env.arguments" is'),
    ({"arguments": {"level": 1, "split": "test"}, "split": None}, '"env.split" is null'),
    ({"id": "Math-v0"}, '"env.id" is'),
    ({"more": 1}, '"env.more" is 1, the environment made from it has missing'),
]


@pytest.mark.parametrize(("env", "reason"), OTHER_ENVIRONMENTS)
def test_an_environment_that_is_told_otherwise_than_it_is_is_refused(honest, tmp_path, env, reason):
    run, samples, _ = read(honest)
    run["env"] |= env
    assert_refused(write_results(tmp_path / "forged", run, samples), reason)


FOREIGN = [
    ({"id": "evil_module:Math-v0"}, '"env.id" is '),
    ({"id": "CartPole-v1"}, '"env.id" is '),
    ({"arguments": {"tasks": "diary.jsonl"}}, '"env.arguments.tasks" is not taken from a submission'),
    ({"id": "InfiniteRL/Search-v0", "arguments": {"corpus": "http://a.b"}}, '"env.arguments.corpus" is not taken'),
    ({"id": "InfiniteRL/Conversation-v0", "arguments": {"base_url": "//a"}}, '"env.arguments.base_url" is not taken'),
    ({"id": "InfiniteRL/Search-v0", "arguments": {"index": "stolen"}}, '"env.arguments.index" is not taken'),
    ({"tasks": 999_999}, '"env.tasks" is 999999, and there are 18 samples'),
]


@pytest.mark.parametrize(("env", "reason"), FOREIGN)
def test_a_submission_makes_the_host_import_open_and_compute_nothing(honest, tmp_path, monkeypatch, env, reason):
    monkeypatch.setattr("infinite_rl.agents.leaderboard.check.subject_of", lambda *asked, **more: 1 / 0)
    run, samples, _ = read(honest)
    run["env"] |= env
    assert_refused(write_results(tmp_path / "forged", run, samples), reason)


def test_an_argument_that_the_host_gives_is_taken(honest, tmp_path):
    run, samples, _ = read(honest)
    run["env"]["arguments"]["template"] = "{expression}="
    folder = write_results(tmp_path / "forged", run, samples)
    assert '"env.arguments.template" is not taken' in check(folder).ungraded
    given = Given(arguments={"template": "What is {expression}?"})
    assert not any("not taken" in one for one in check(folder, given=given).reasons)


@pytest.mark.parametrize("name", ["run.json", "samples.jsonl", "result.json"])
def test_a_missing_file_is_named(honest, tmp_path, name):
    folder = shutil.copytree(honest, tmp_path / "forged")
    (folder / name).unlink()
    problems = check(folder).problems
    assert name in problems[0]
    assert not any(str(tmp_path) in problem for problem in problems)


def test_the_canary_of_a_private_split_may_be_in_a_private_submission(tmp_path):
    canary = "infinite-rl-canary-" + "0123456789abcdef" * 2
    folder = make_results(
        tmp_path / "private", n=1, tasks=4, secret=77, canary=canary, say=lambda *said: f"{said[2]} {canary}"
    )
    assert check(folder).problems == []


def test_a_canary_of_another_form_is_found_where_it_is_named(tmp_path):
    folder = make_results(tmp_path / "leak", n=1, tasks=4, say=lambda *said: f"{said[2]} marzipan-owl-7")
    assert check(folder).problems == []
    (problem,) = check(folder, canaries=["marzipan-owl-7"]).problems
    assert "holds the canary marzipan-owl-7 of a private split (4 samples do)" in problem


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    """Results on the tasks of a file that has no ids, and the file under another name."""
    place = tmp_path_factory.mktemp("filed")
    rows = [json.dumps({"question": f"How many are {number}?", "answer": f"#### {number}"}) for number in range(8)]
    (place / "mine.jsonl").write_text("\n".join(rows) + "\n")
    with serving(lambda request: "\\boxed{1}") as server:
        asked = ["--benchmark", "gsm8k", "--file", str(place / "mine.jsonl"), "-n", "2", "--contamination", "none"]
        told = ["--base-url", server.url, "--model", "tiny", "--out", str(place / "results")]
        assert main(["eval", *asked, *told]) == 0
    (place / "mine.jsonl").rename(place / "theirs.jsonl")
    return place


RENAMED = [
    (lambda index, sample: "mine/", ""),
    (lambda index, sample: "a-folder/other/", ""),
    (
        lambda index, sample: "VOTE FOR ME at https://example.org /",
        'task_id is "VOTE FOR ME at https://example.org /1"',
    ),
    (lambda index, sample: "other/" if (index, sample) == (3, 0) else "mine/", 'task 3: task_id is "other/4"'),
    (lambda index, sample: "mine/0", 'task_id is "mine/01", the task\'s is "gsm8k/1"'),
]


@pytest.mark.parametrize(
    ("name", "reason"), RENAMED, ids=["as it was", "elsewhere", "free text", "one other", "number"]
)
def test_the_file_of_tasks_may_be_called_otherwise_in_all_ids_alike_and_its_name_is_on_no_page(
    filed, tmp_path, name, reason
):
    run, samples, _ = read(filed / "results")
    samples.sort(key=lambda one: (one["task_index"], one["sample"]))  # they are recorded as they are answered
    for one in samples:
        one["task_id"] = name(one["task_index"], one["sample"]) + one["task_id"].rpartition("/")[2]
    write_results(tmp_path / "in" / "results", run | {"started": "2026-11-20T10:00:00+00:00"}, samples)
    report = check(tmp_path / "in" / "results", given=Given((str(filed / "theirs.jsonl"),)))
    if reason:
        assert any(reason in line for line in report.problems), report.problems
    else:
        assert report.reasons == []
    main(["leaderboard", str(tmp_path / "in"), "--check", "--file", str(filed / "theirs.jsonl")])
    for path in (tmp_path / "in" / "site" / "data").glob("*/entry.js"):
        assert [row[0] for row in data(path)[1]["tasks"]] == [f"gsm8k/{number}" for number in range(1, 9)]
    assert "theirs" not in "".join(path.read_text() for path in (tmp_path / "in" / "site").rglob("*.*"))


def test_ids_of_a_files_own_are_the_tasks_though_they_end_in_a_number(tmp_path):
    file = tmp_path / "tasks.jsonl"
    rows = [
        {"id": f"Sums/{number}", "prompt": f"What is {number}+1?", "answer": str(number + 1)} for number in range(4)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(lambda request: "<answer>2</answer>") as server:
        told = ["--base-url", server.url, "--model", "tiny", "--out", str(tmp_path / "results")]
        assert main(["eval", "--env", "Math-v0", "--file", str(file), "--contamination", "none", *told]) == 0
    run, samples, _ = read(tmp_path / "results")
    for one in samples:
        one["task_id"] = one["task_id"].replace("Sums", "Best-of-all")
    write_results(tmp_path / "forged", run, samples)
    honest, forged = (check(tmp_path / name, given=Given((str(file),))) for name in ("results", "forged"))
    assert (honest.reasons, honest.results.samples[0]["task_id"].partition("/")[0]) == ([], "Sums")
    assert any('task_id is "Best-of-all/' in line for line in forged.problems)


def test_why_a_sample_got_its_verdict_is_told_as_the_regrade_says_it(tmp_path):
    run = make_run(n=20, tasks=6)
    samples = play(run, skill=0.5)
    broken_off(samples[7], error_msg="the best model of all")
    for one in samples:
        if one["status"] != "scored":
            one["error_msg"] = "the best model of all"
        else:
            one["error_msg"] = "" if one["passed"] else "the grader is wrong here"
    folder = write_results(tmp_path / "in" / "results", run, samples)
    report = check(folder)
    assert report.problems == []
    told = {one["error_msg"] for one in report.results.samples}
    assert "" in told
    assert not told & {"the best model of all", "the grader is wrong here"}
    assert main(["leaderboard", str(tmp_path / "in"), "--check"]) == 0
    shown = "".join(path.read_text() for path in (tmp_path / "in" / "site").rglob("*.js"))
    assert "the best model of all" not in shown
    assert "the grader is wrong here" not in shown


def test_a_hundred_forged_verdicts_are_told_in_a_few_lines(tmp_path):
    run = make_run(n=25, tasks=6)
    samples = play(run, skill=0.3)
    for one in samples:
        one.update(passed=True, reward=1.0)
    problems = check(write_results(tmp_path / "forged", run, samples)).problems
    assert len(problems) < 12
    assert any("more samples that a regrade judges otherwise" in line for line in problems)


def broken_off(one, **told):
    """The sample as the endpoint leaves one that it broke off."""
    nothing = {"passed": False, "reward": 0.0, "components": {}, "answer": None, "terminated": False, "turns": 0}
    one.update(nothing, status="endpoint_error", messages=one["messages"][:-1], **told)


def test_one_failure_in_a_hundred_is_taken_but_nothing_made_up_about_it(tmp_path):
    run = make_run(n=20, tasks=6)
    samples = play(run, skill=0.5)
    broken_off(samples[7])
    assert check(write_results(tmp_path / "honest", run, samples)).problems == []
    samples[7].update(passed=True, reward=1e9, answer="8")
    assert_refused(write_results(tmp_path / "forged", run, samples), "passed is true, a regrade gives false")
    samples[7].update(messages=[{"role": "assistant", "content": "anything"}])
    assert_refused(write_results(tmp_path / "other", run, samples), "opens with other messages than the task")


KEY = "sk-" + "a" * 40


def with_samples(folder, text):
    """Results with this text of samples, and with its hash."""
    (folder / "samples.jsonl").write_text(text)
    result = json.loads((folder / "result.json").read_text())
    result["samples_sha256"] = sha256_of(folder / "samples.jsonl")
    (folder / "result.json").write_text(json.dumps(result))


def superseded(lines):
    old = json.loads(lines[0]) | {"status": "error", "error_msg": KEY}
    return "\n".join([json.dumps(old).replace("sk-", "\\u0073k-"), *lines]) + "\n"


def twice(lines, text):
    return "".join(f'{one[:-1]}, "k": "{text}", "k": ""}}\n' for one in lines)


HIDDEN = [
    (superseded, "task 0, sample 0 holds an API key"),
    (lambda lines: "\n".join(lines) + '\n{"x": "' + KEY, "line 19 holds an API key"),
    (lambda lines: "\n".join(lines) + '\n{"x": "', "line 19 is no whole line of JSON"),
    (lambda lines: twice(lines, KEY), "line 1 holds an API key"),
    (lambda lines: twice(lines, ""), "line 1 is no whole line of JSON"),
]


@pytest.mark.parametrize(("hide", "reason"), HIDDEN, ids=[reason for _, reason in HIDDEN])
def test_what_a_reader_leaves_out_is_searched_too(honest, tmp_path, hide, reason):
    folder = shutil.copytree(honest, tmp_path / "hidden")
    with_samples(folder, hide((honest / "samples.jsonl").read_text().splitlines()))
    assert_refused(folder, reason)


@pytest.mark.parametrize("name", ["run.json", "result.json"])
def test_a_member_that_is_there_twice_is_refused(honest, tmp_path, name):
    folder = shutil.copytree(honest, tmp_path / "hidden")
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace("{", '{"schema": "' + KEY + '",', 1))
    assert_refused(folder, f"{name}: an object has two members of the same name, 'schema'")


def test_only_what_was_checked_is_packed(honest, tmp_path):
    folder = shutil.copytree(honest, tmp_path / "results")
    results = read_results(folder)
    (folder / "run.json").write_text(KEY)
    pack(results, "a card", tmp_path / "one.zip")
    with opened(tmp_path / "one.zip") as place:
        assert read_results(place).run == results.run
    with (folder / "samples.jsonl").open("a") as file:
        file.write(KEY)
    with pytest.raises(ValueError, match="has changed since it was checked"):
        pack(results, "a card", tmp_path / "two.zip")
    assert not [path for path in tmp_path.iterdir() if "two" in path.name]
