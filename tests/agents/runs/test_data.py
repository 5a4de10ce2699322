"""The tasks of a run: three splits that share nothing and lose nothing."""

import json

import gymnasium
import pytest

from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.runs.data import load_splits
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.datasets.arithmetic import ArithmeticSource
from infinite_rl.datasets.procedural import distinct
from infinite_rl.datasets.task import SPLITS
from infinite_rl.envs.registration import ENVIRONMENTS

SMALL = ["data.train_size=40", "data.validation_size=10", "data.test_size=15"]


def config(*overrides):
    return load_config(overrides=list(overrides)).data


@pytest.fixture
def write(tmp_path):
    def make(name, prompts):
        path = tmp_path / name
        rows = [{"messages": [{"role": "user", "content": p}], "answer": p.upper()} for p in prompts]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return make


def from_files(train, *overrides):
    return config(
        "data=file", f"data.train_path={train}", "data.validation_size=null", "data.test_size=null", *overrides
    )


def prompts(splits, name):
    return [task.prompt for task in getattr(splits, name).tasks]


@pytest.mark.parametrize("seed", [0, 1])
def test_procedural_splits_are_disjoint_and_of_the_size_asked_for(seed):
    splits = load_splits(config(*SMALL), seed=seed)
    sets = [set(prompts(splits, name)) for name in SPLITS]
    assert [len(found) for found in sets] == [40, 10, 15]
    assert not sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2]
    keys = [{task.metadata["key"] for task in getattr(splits, name).tasks} for name in SPLITS]
    assert not keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2]  # 3+4 and 4+3 are one problem


def test_no_seed_trains_on_what_another_tests():
    keys = {
        seed: {
            name: {t.metadata["key"] for t in getattr(load_splits(config(*SMALL), seed=seed), name).tasks}
            for name in SPLITS
        }
        for seed in (0, 1)
    }
    assert not keys[0]["train"] & keys[1]["test"]
    assert not keys[1]["train"] & keys[0]["test"]
    assert keys[0]["train"] != keys[1]["train"]


def test_the_same_seed_gives_the_same_tasks():
    one, other = (load_splits(config(*SMALL), seed=5) for _ in range(2))
    assert [one.train, one.validation, one.test] == [other.train, other.validation, other.test]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.train_size=2000"], "data.train_size=2000: wanted 2000 different tasks"),
        (["data.test_size=0"], "data.test_size must be at least 1, not 0"),
        (["data.train_size=-3"], "data.train_size must be at least 1, not -3"),
        (["data.train_size=null"], "data.train_size must be a number, not null"),
        (["data.env_arguments.operations=[power]"], "power"),
        (["data.env_arguments.digits=[0,1]"], "digits"),
        (["data.env_arguments.level=9"], "level must be from 1 to 4, not 9"),
        (["data.env_arguments.template=nothing"], "expression"),
        (["data.env_arguments.levle=2"], "MathEnv got an unexpected keyword argument 'levle'. Did you mean 'level'"),
        (["data.env_arguments.split=test"], r"data\.env_arguments\.split: the run sets this itself"),
        (["data.env_arguments.seed=1"], r"data\.env_arguments\.seed: the run sets this itself; use seed"),
        (["data.env_arguments.tasks=x"], "use data.train_path"),
        (["env=CartPole-v1"], "data.env=CartPole-v1: not a text environment"),
        (["env=nowhere:Some-v0"], "nowhere"),
        (["env=none.py"], "none.py"),
    ],
)
def test_procedural_tasks_that_cannot_be_made_say_why(overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_splits(config(*overrides), seed=0)


def test_the_default_tasks_are_those_of_the_arithmetic_source():
    source = ArithmeticSource(
        seed=3, split="test", level=1, operations=["add"], digits=[2, 1], template="{expression}="
    )
    assert load_splits(config(), seed=3).test == distinct(source, 150)


@pytest.mark.parametrize("row", ENVIRONMENTS, ids=lambda row: row.name)
def test_every_environment_by_its_id_gives_splits_that_share_no_problem(row):
    splits = load_splits(config(f"env={row.id}", *SMALL, "data.train_size=30"), seed=0)
    named = [{task.metadata.get("key", task.id) for task in getattr(splits, name).tasks} for name in SPLITS]
    assert [len(found) for found in named] == [30, 10, 15]
    assert not named[0] & named[1] | named[0] & named[2] | named[1] & named[2]
    for name in SPLITS:
        env = splits.envs[name]
        assert env.tasks is getattr(splits, name)
        assert env.begin(env.tasks.task(3), 3).messages


def test_an_environment_s_arguments_reach_it():
    splits = load_splits(config("env=InfiniteRL/Search-v0", "data.env_arguments.top_k=7", *SMALL), seed=0)
    assert splits.envs["test"].top_k == 7


def test_a_null_argument_takes_back_what_a_file_of_the_configuration_sets():
    splits = load_splits(config("data.env_arguments.template=null", *SMALL), seed=0)
    assert prompts(splits, "train")[0].startswith("What is ")


def test_an_environment_without_splits_is_divided_by_a_hash_of_each_problem(quiz):
    gymnasium.register("Test/Quiz-v0", quiz)
    sizes = [f"data.{name}_size=null" for name in SPLITS]
    try:
        splits = load_splits(config("env=Test/Quiz-v0", "data.env_arguments.count=200", *sizes), seed=0)
    finally:
        del gymnasium.registry["Test/Quiz-v0"]
    found = [prompts(splits, name) for name in SPLITS]
    assert sorted(prompt for part in found for prompt in part) == sorted(f"q{i}=" for i in range(200))
    assert len(found[0]) > len(found[2]) > len(found[1])


MODULE = (
    "def interact(messages): return []\ndef reward_fn(messages, answer): return float(answer in str(messages[-1]))\n"
)


def test_a_file_of_functions_is_an_environment_for_tasks_from_files(write, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MODULE)
    splits = load_splits(from_files(write("a.jsonl", [f"p {i}" for i in range(60)]), f"env={path}"), seed=0)
    env = splits.envs["train"]
    episode = env.begin(env.tasks.task(0), 0)
    env.advance([episode], [f"it is {episode.task.answer}"])
    assert episode.reward == 1.0
    with pytest.raises(ConfigError, match=r"mine\.py has no tasks of its own: set data\.train_path"):
        load_splits(config(f"env={path}"), seed=0)


def test_with_a_file_only_arguments_that_do_not_choose_tasks_are_taken(write):
    path = write("a.jsonl", [f"prompt {i}" for i in range(100)])
    splits = load_splits(from_files(path, "data.env_arguments.answer_tag=final"), seed=0)
    assert splits.envs["train"].graders.answer_tag == "final"
    with pytest.raises(ConfigError, match="level: for procedural tasks only"):
        load_splits(from_files(path, "data.env_arguments.level=2"), seed=0)


def test_the_split_of_a_folder_is_read_by_its_name(write, tmp_path):
    everything = [f"prompt {i}" for i in range(50)]
    write("train.jsonl", everything), write("valid-0.jsonl", ["x"]), write("test.jsonl", ["y"])
    names = (f"data.validation_path=valid@{tmp_path}", f"data.test_path=test@{tmp_path}")
    splits = load_splits(from_files(f"train@{tmp_path}", *names), seed=0)
    assert [prompts(splits, name) for name in SPLITS] == [everything, ["x"], ["y"]]


def test_a_file_is_carved_into_three_that_hold_everything_once(write):
    everything = [f"prompt {i}" for i in range(400)]
    splits = load_splits(from_files(write("tasks.jsonl", everything)), seed=0)
    found = [prompts(splits, name) for name in SPLITS]
    assert sorted(prompt for part in found for prompt in part) == sorted(everything)
    assert all(found)
    assert len(found[0]) > len(found[2]) > len(found[1])  # 11/16, 3/16, 2/16


def test_a_split_does_not_depend_on_the_other_tasks_or_their_order(write):
    everything = [f"prompt {i}" for i in range(200)]
    one = load_splits(from_files(write("a.jsonl", everything)), seed=0)
    other = load_splits(from_files(write("b.jsonl", everything[:100][::-1])), seed=1)
    for name in SPLITS:
        assert set(prompts(other, name)) == set(prompts(one, name)) & set(everything[:100])


def test_a_prompt_that_occurs_twice_stays_in_one_split(write):
    splits = load_splits(from_files(write("a.jsonl", [f"p{i % 60}" for i in range(180)])), seed=0)
    sets = [set(prompts(splits, name)) for name in SPLITS]
    assert not sets[0] & sets[1] | sets[0] & sets[2] | sets[1] & sets[2]
    assert len(set.union(*sets)) == 60


@pytest.mark.parametrize("own", ["validation", "test"])
def test_a_split_with_its_own_file_leaves_its_share_to_training(write, own):
    everything = [f"prompt {i}" for i in range(200)]
    other = write("own.jsonl", ["x", "y"])
    splits = load_splits(from_files(write("a.jsonl", everything), f"data.{own}_path={other}"), seed=0)
    assert prompts(splits, own) == ["x", "y"]
    carved = load_splits(from_files(write("a.jsonl", everything)), seed=0)
    assert set(prompts(splits, "train")) == set(prompts(carved, "train")) | set(prompts(carved, own))


def test_with_three_files_training_has_all_of_its_own(write):
    everything = [f"prompt {i}" for i in range(50)]
    paths = [write("a.jsonl", everything), write("b.jsonl", ["x"]), write("c.jsonl", ["y"])]
    splits = load_splits(from_files(paths[0], f"data.validation_path={paths[1]}", f"data.test_path={paths[2]}"), seed=0)
    assert prompts(splits, "train") == everything


def test_sizes_limit_each_split(write):
    path = write("a.jsonl", [f"prompt {i}" for i in range(200)])
    limits = ("data.train_size=7", "data.validation_size=3", "data.test_size=5")
    splits = load_splits(from_files(path, *limits), seed=0)
    assert [len(prompts(splits, name)) for name in SPLITS] == [7, 3, 5]


def test_files_that_share_a_task_are_refused(write):
    train, test = write("a.jsonl", [f"prompt {i}" for i in range(50)]), write("b.jsonl", ["new", "prompt 7"])
    validation = write("c.jsonl", ["v"])
    overrides = (f"data.validation_path={validation}", f"data.test_path={test}")
    with pytest.raises(ConfigError, match="1 tasks are in both train and test, such as 'prompt 7'"):
        load_splits(from_files(train, *overrides), seed=0)


def test_what_a_limit_leaves_out_does_not_overlap(write):
    """What counts is what is used: a task that the limit leaves out of training may be tested."""
    train, test = write("a.jsonl", [f"prompt {i}" for i in range(50)]), write("b.jsonl", ["prompt 40"])
    overrides = (f"data.validation_path={write('c.jsonl', ['v'])}", f"data.test_path={test}", "data.train_size=10")
    assert prompts(load_splits(from_files(train, *overrides), seed=0), "test") == ["prompt 40"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no tasks"), ("\n\n", "no tasks"), ("{", "line 1"), ('{"answer": 1}\n', '"messages" is missing')],
)
def test_a_file_without_usable_tasks_is_a_clear_error(tmp_path, text, message):
    path = tmp_path / "tasks.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_splits(from_files(path), seed=0)


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.jsonl: no such file"):
        load_splits(from_files(tmp_path / "nowhere.jsonl"), seed=0)


def test_a_file_too_small_to_hold_anything_out_says_what_to_do(write):
    with pytest.raises(ConfigError, match=r"too few tasks to hold out a .* split; set data\."):
        load_splits(from_files(write("a.jsonl", ["one"])), seed=0)


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_below_one_is_refused_and_never_a_slice_from_the_end(write, size):
    path = write("a.jsonl", [f"prompt {i}" for i in range(100)])
    with pytest.raises(ConfigError, match=rf"data\.train_size must be at least 1, not {size}"):
        load_splits(from_files(path, f"data.train_size={size}"), seed=0)


def test_a_run_refuses_contaminated_tasks_only_where_it_is_told_to_look(write):
    prompts = [f"Box {i} holds {3 * i + 2} red pens and {i * i} blue ones. How many pens?" for i in range(40)]
    train = write("train.jsonl", prompts)
    held_out = [write(f"{name}.jsonl", [f"{prompts[i]} Think."]) for i, name in enumerate(("validation", "test"))]
    paths = [f"data.{path.stem}_path={path}" for path in held_out]
    assert len(load_splits(from_files(train, *paths), seed=0).train.tasks) == 40
    load_splits(from_files(train, *paths, "data.contamination=0.05"), seed=0)
    with pytest.raises(
        ConfigError, match=r"2 of 40 training rows .* train/1 holds validation/1: 'Box 0 holds"
    ) as error:
        load_splits(from_files(train, *paths, "data.contamination=0.04"), seed=0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_what_is_tolerated_is_a_share(share):
    with pytest.raises(ConfigError, match=r"data\.contamination must be a share"):
        load_splits(config(*SMALL, f"data.contamination={share}"), seed=0)


def test_own_tasks_are_clean():
    load_splits(config(*SMALL, "data.contamination=0"), seed=0)
