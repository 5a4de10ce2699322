import hashlib
import json
import random
from contextlib import suppress
from functools import cache
from itertools import combinations, permutations, product

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.adapters.rows import task_rows
from infinite_rl.envs.local_search.bin_packing import first_fit
from infinite_rl.envs.local_search.environment import (
    LocalSearchEnv,
    LocalSearchVectorEnv,
    UnreadableError,
    read_numbers,
)
from infinite_rl.envs.local_search.problem import InfeasibleError
from infinite_rl.envs.local_search.source import PROBLEMS, LocalSearchSource, write
from infinite_rl.rewards import Status
from infinite_rl.wrappers import TurnLimit

LEVELS = (1, 2, 3, 4)
COUNT = 100
every_problem = pytest.mark.parametrize("name", PROBLEMS)

# One instance a problem, small enough to know by hand.
SMALL = {
    "tsp": {"cities": [[0, 0], [0, 4], [3, 4], [3, 0]]},
    "knapsack": {"capacity": 10, "weights": [6, 5, 5], "values": [7, 5, 5]},
    "bin_packing": {"capacity": 10, "sizes": [5, 4, 6, 5]},
    "graph_colouring": {"vertices": 4, "edges": [[1, 2], [2, 3], [3, 4]]},
    "max_cut": {"vertices": 3, "edges": [[1, 2, 5], [2, 3, 4], [1, 3, 1]]},
}


def tagged(answer):
    return f"<answer>{answer}</answer>"


@cache
def tasks_of(level, split="test", problems=None):
    source = LocalSearchSource(level=level, split=split, problems=problems)
    return TaskList([source.task(index) for index in range(COUNT if problems is None else 10)])


def mean_reward(tasks, policy, turns=8):
    """The mean reward of ``policy``, a function of the first observation and the task."""
    vector = LocalSearchVectorEnv(COUNT, tasks=tasks, turns=turns, autoreset_mode="Disabled")
    observations, _ = vector.reset(options={"task_index": list(range(COUNT))})
    for _ in range(turns):
        pairs = zip(observations, tasks.tasks, strict=True)
        _, rewards, terminated, truncated, _ = vector.step(tuple(policy(*pair) for pair in pairs))
    assert terminated.all()
    assert not truncated.any()
    return rewards.mean()


def small_env(name, **arguments):
    problem, instance = PROBLEMS[name], SMALL[name]
    baseline = problem.value(instance, problem.baseline(instance))
    best = baseline - 1 if problem.minimise else baseline + 1
    answer = {"problem": name, "instance": instance, "baseline": baseline, "best": best}
    env = LocalSearchEnv(TaskList([Task.ask("Go.", answer, id="t", domain="local_search")]), **arguments)
    env.reset(seed=0)
    return env


@every_problem
@pytest.mark.parametrize("level", LEVELS)
def test_the_best_solution_earns_everything_and_the_baseline_nothing(name, level):
    tasks, problem = tasks_of(level, problems=(name,)), PROBLEMS[name]
    env = LocalSearchEnv(tasks)
    for index in range(8):
        task = tasks.task(index)
        env.reset(options={"task_index": index})
        observation, reward, terminated, _, _ = env.step(tagged(write(problem.baseline(task.answer["instance"]))))
        assert observation.startswith("Feasible")
        assert (reward, terminated) == (0.0, False)
        assert env.step(tagged("done"))[1:3] == (0.0, True)
        env.reset(options={"task_index": index})
        env.step(tagged(task.metadata["solution"]))
        env.step(tagged("99 99"))
        _, reward, terminated, truncated, info = env.step(tagged("done"))
        assert (reward, terminated, truncated, info["components"]["solved"]) == (1.0, True, False, 1.0)
        assert info["components"]["feasible"] == 0.5


@every_problem
def test_the_best_value_is_the_best_of_all_solutions(name):
    problem, rng = PROBLEMS[name], random.Random(0)
    for level in (1, 2):
        for task in tasks_of(level, problems=(name,)).tasks:
            instance = task.answer["instance"]
            for _ in range(300):
                value = problem.value(instance, random_feasible(name, instance, rng))
                assert not problem.better(value, task.answer["best"])


def test_exact_solvers_agree_with_trying_everything():
    from infinite_rl.envs.local_search.knapsack import most_valuable
    from infinite_rl.envs.local_search.max_cut import heaviest_cut
    from infinite_rl.envs.local_search.tsp import distances, shortest_tour

    rng = random.Random(1)
    for _ in range(20):
        cities = {"cities": [[rng.randint(0, 9), rng.randint(0, 9)] for _ in range(6)]}
        tours = [PROBLEMS["tsp"].value(cities, [1, *rest]) for rest in permutations(range(2, 7))]
        assert PROBLEMS["tsp"].value(cities, shortest_tour(distances(cities))) == min(tours)

        weights = [rng.randint(1, 9) for _ in range(7)]
        sack = {"capacity": 15, "weights": weights, "values": [rng.randint(1, 9) for _ in weights]}
        assert PROBLEMS["knapsack"].value(sack, most_valuable(sack)) == best_of_subsets("knapsack", sack, 7)

        edges = [[*pair, rng.randint(1, 9)] for pair in combinations(range(1, 8), 2) if rng.random() < 0.6]
        graph = {"vertices": 7, "edges": edges}
        assert PROBLEMS["max_cut"].value(graph, heaviest_cut(graph)) == best_of_subsets("max_cut", graph, 7)


def best_of_subsets(name, instance, count):
    values = []
    for chosen in product((False, True), repeat=count):
        try:
            values.append(PROBLEMS[name].value(instance, [i for i, taken in enumerate(chosen, 1) if taken]))
        except InfeasibleError:
            continue
    return max(values)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "policy",
    [
        lambda observation, task: "",
        lambda observation, task: observation,
        lambda observation, task: tagged(observation),
        lambda observation, task: tagged(observation.split("A baseline: ")[1].split(".")[0]),
        lambda observation, task: "".join(tagged(number) for number in range(1, 9)),
    ],
)
def test_empty_copying_and_hedging_policies_earn_nothing(policy, level):
    assert mean_reward(tasks_of(level), policy, turns=2) == 0.0


@pytest.mark.parametrize("level", LEVELS)
def test_constant_majority_and_random_policies_stay_at_the_floor(level):
    tasks, rng = tasks_of(level), random.Random(0)
    solutions = [task.metadata["solution"] for task in tasks_of(level, "train").tasks]
    majority = tagged(max(set(solutions), key=solutions.count))
    assert mean_reward(tasks, lambda observation, task: majority, turns=1) <= 0.03
    for constant in ("1", "1 2 3 4 5", write(range(1, 9)), " ".join("1234" * 4), "1 3 5 7"):
        assert mean_reward(tasks, lambda observation, task, constant=constant: tagged(constant), turns=1) <= 0.03
    drawn = mean_reward(tasks, lambda observation, task: tagged(write(random_numbers(task, rng))))
    # The page's 0.03 at level 1 is a mean over 1,500 tasks; that of 100 strays from it.
    assert drawn <= (0.09, 0.04, 0.02, 0.02)[level - 1]


def random_numbers(task, rng):
    name, instance = task.answer["problem"], task.answer["instance"]
    count = {"tsp": "cities", "knapsack": "weights", "bin_packing": "sizes"}.get(name)
    count = len(instance[count]) if count else instance["vertices"]
    if name == "tsp":
        return rng.sample(range(1, count + 1), count)
    if name in ("knapsack", "max_cut"):
        return [number for number in range(1, count + 1) if rng.random() < 0.5] or [1]
    return [rng.randint(1, count) for _ in range(count)]


def random_feasible(name, instance, rng):
    if name in ("tsp", "max_cut"):
        return random_numbers(Task.ask("", {"problem": name, "instance": instance}, id="", domain=""), rng)
    if name == "knapsack":
        room, taken = instance["capacity"], []
        for item in rng.sample(range(len(instance["weights"])), len(instance["weights"])):
            if instance["weights"][item] <= room:
                room -= instance["weights"][item]
                taken.append(item + 1)
        return taken
    if name == "bin_packing":
        return first_fit(instance, rng.sample(range(len(instance["sizes"])), len(instance["sizes"])))
    near = {vertex: set() for vertex in range(1, instance["vertices"] + 1)}
    for one, other in instance["edges"]:
        near[one].add(other)
        near[other].add(one)
    colour = {}
    for vertex in rng.sample(list(near), len(near)):
        taken = {colour.get(other) for other in near[vertex]}
        colour[vertex] = next(number for number in range(1, len(near) + 1) if number not in taken)
    return [colour[vertex] for vertex in sorted(colour)]


@pytest.mark.parametrize(
    ("name", "answer", "verdict"),
    [
        ("tsp", "1 2 3 4", "Feasible, with a length of 14."),
        ("tsp", "1, 3, 2, 4", "Feasible, with a length of 20."),
        ("tsp", "1 2 3", "it leaves out city 4"),
        ("tsp", "1 2 3 3", "city 3 stands twice"),
        ("tsp", "0 1 2 3", "there is no city 0; they are numbered from 1 to 4"),
        ("knapsack", "2 3", "Feasible, with a value of 10."),
        ("knapsack", "1 2", "it weighs 11; the knapsack holds 10"),
        ("knapsack", "1 1", "item 1 stands twice"),
        ("bin_packing", "[1 2 2 1]", "Feasible, with a number of bins of 2."),
        ("bin_packing", "1 1 1 2", "bin 1 holds more than 10"),
        ("bin_packing", "1 2", "it has 2 numbers; there are 4 items"),
        ("bin_packing", "1 2 3 5", "there is no bin 5"),
        ("graph_colouring", "(1,2,1,2)", "Feasible, with a number of colours of 2."),
        ("graph_colouring", "1 1 2 1", "the edge 1-2 joins two vertices of one colour"),
        ("max_cut", "2", "Feasible, with a weight of 9."),
        ("max_cut", "4", "there is no vertex 4"),
        ("max_cut", "", "it is empty"),
        ("max_cut", "1.0 2", "'1.0' is not one of the numbers"),
        ("max_cut", "-1", "'-1' is not one of the numbers"),
        ("max_cut", "1e0", "'1e0' is not one of the numbers"),
        ("max_cut", "٢", "is not one of the numbers"),
        ("max_cut", "²", "is not one of the numbers"),
        ("max_cut", "9" * 5000, "is not one of the numbers"),
        ("max_cut", "1 " * 6000, "it has more than 10,000 characters"),
    ],
)
def test_verdicts(name, answer, verdict):
    assert verdict in small_env(name).step(tagged(answer))[0]


def test_two_solutions_in_one_message_are_none():
    env = small_env("max_cut")
    assert "give exactly one solution" in env.step(tagged("2") + tagged("1"))[0]
    assert env.step("I think it is 2.")[0].startswith("That can't be read")


def test_the_best_solution_counts_not_the_last():
    env = small_env("bin_packing")
    assert PROBLEMS["bin_packing"].value(SMALL["bin_packing"], [1, 2, 3, 1]) == 3
    assert "Best so far: 2" in env.step(tagged("1 2 2 1"))[0]
    assert "Best so far: 2" in env.step(tagged("1 2 3 1"))[0]


def test_the_turns_are_the_episodes_own_end_and_max_turns_cuts_it_off():
    env = small_env("max_cut", turns=2)
    assert env.step("hm")[0].endswith("You have 1 turn left.")
    assert env.step("hm")[1:4] == (0.0, True, False)
    env = small_env("max_cut", turns=2, max_turns=1)
    assert env.step("hm")[1:4] == (0.0, False, True)


def test_the_turns_that_are_told_are_those_of_a_limit_from_outside():
    for limit, left in ((1, "0 turns"), (3, "2 turns"), (8, "7 turns"), (50, "7 turns")):
        for env in (small_env("max_cut", max_turns=limit), TurnLimit(small_env("max_cut"), limit)):
            observation, _ = env.reset()
            assert f"You have {min(limit, 8)} turn{'s' * (limit > 1)}; the best" in observation
            observation, _, _, truncated, _ = env.step("hm")
            assert observation.endswith(f"You have {left} left.")
            assert truncated == (limit == 1)
    env = small_env("max_cut")
    episode = env.begin(env.tasks.task(0), 0, max_turns=2)
    assert "You have 2 turns; the best" in episode.messages[-1]["content"]
    env.advance([episode], ["hm"])
    assert not episode.ended
    env.advance([episode], ["hm"])
    assert episode.truncated
    (row,) = task_rows(env, 1, max_turns=1)
    assert "You have 1 turn; the best" in row["prompt"][-1]["content"]


def test_an_agent_that_proposes_nothing_has_given_no_answer():
    env = small_env("max_cut")
    _, reward, terminated, _, info = env.step(tagged("done"))
    assert (reward, terminated, info["status"]) == (0.0, True, Status.NO_ANSWER)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("57", 'needs "problem"'),
        ({"problem": "sudoku", "instance": {}, "baseline": 2, "best": 1}, "the problem must be one of tsp"),
        ({"problem": "tsp", "instance": SMALL["tsp"], "baseline": 14, "best": 14}, "not better than its baseline"),
    ],
)
def test_a_file_with_impossible_tasks_is_a_clear_error(answer, message, tmp_path):
    file = tmp_path / "tasks.jsonl"
    row = {"messages": [{"role": "user", "content": "Go."}], "answer": answer}
    file.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        LocalSearchEnv(str(file)).reset(seed=0)


def test_tasks_survive_a_file(tmp_path):
    source = LocalSearchSource()
    file = tmp_path / "tasks.jsonl"
    file.write_text("\n".join(source.task(index).to_json() for index in range(5)), encoding="utf-8")
    env, again = LocalSearchEnv(source), LocalSearchEnv(str(file))
    for index in range(5):
        options = {"task_index": index}
        assert env.reset(options=options) == again.reset(options=options)
        for action in (tagged(source.task(index).metadata["solution"]), tagged("done")):
            assert env.step(action)[:4] == again.step(action)[:4]


@given(st.text(st.characters(codec=None, exclude_categories=())) | st.text("0123456789 ,[]-.e_", max_size=50))
def test_no_answer_crashes_a_step_and_what_is_read_is_small_whole_numbers(answer):
    for name in PROBLEMS:
        env = small_env(name, turns=1)
        assert env.step(tagged(answer))[4]["status"] is not Status.ERROR
    with suppress(UnreadableError):
        assert all(0 <= number < 10**6 for number in read_numbers(answer))


@pytest.mark.parametrize(
    "action", ["<answer>" * 30_000, tagged("1," * 100_000), tagged("9" * 260_000), "[1] " * 60_000, tagged("(" * 99)]
)
def test_hostile_answers_cost_a_turn_and_little_time(action):
    for name in PROBLEMS:
        assert small_env(name).step(action)[0].startswith("That can't be read")


def two_opt(instance, tour):
    """The first shorter tour in which one part is reversed; the tour itself if there is none."""
    problem = PROBLEMS["tsp"]
    for start, end in combinations(range(len(tour) + 1), 2):
        changed = tour[:start] + tour[start:end][::-1] + tour[end:]
        if problem.value(instance, changed) < problem.value(instance, tour):
            return changed
    return tour


@pytest.mark.parametrize("level", LEVELS)
def test_a_policy_that_improves_step_by_step_earns_much_but_not_all(level):
    tasks = tasks_of(level, problems=("tsp",))
    env, total = LocalSearchEnv(tasks), 0.0
    for index, task in enumerate(tasks.tasks):
        env.reset(options={"task_index": index})
        tour = PROBLEMS["tsp"].baseline(task.answer["instance"])
        for _ in range(8):
            tour = two_opt(task.answer["instance"], tour)
            reward = env.step(tagged(write(tour)))[1]
        total += reward
    assert 0.3 <= total / tasks.size < 1.0


def test_the_first_tasks_are_those_of_v0():
    digest = hashlib.blake2b(digest_size=8)
    for level in LEVELS:
        for split in ("train", "validation", "test"):
            source = LocalSearchSource(level=level, split=split, seed=3)
            for index in range(3):
                digest.update(source.task(index).to_json().encode())
    assert digest.hexdigest() == "3452e16625a45f63"


def test_the_expected_values_are_in_no_info():
    env = LocalSearchEnv(level=4, problems=["knapsack"], turns=1)
    for index in range(10):
        env.reset(options={"task_index": index})
        info = env.step(tagged("1"))[4]
        assert str(env.tasks.task(index).answer["best"]) not in repr((info["components"], info["error_msg"]))


def test_no_instance_is_in_two_splits_and_seeds_differ():
    keys = {
        split: {
            LocalSearchSource(split=split, seed=seed).task(index).metadata["key"]
            for seed in (0, 1)
            for index in range(40)
        }
        for split in ("train", "validation", "test")
    }
    assert not keys["train"] & keys["test"]
    assert not keys["train"] & keys["validation"]
    assert not keys["validation"] & keys["test"]
    assert len(keys["train"]) == 80


def test_specs_with_arguments_survive_json():
    env = gymnasium.make("InfiniteRL/LocalSearch-v0", turns=3, level=2, problems=["tsp"], split="test")
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert env.reset(seed=1)[1] == again.reset(seed=1)[1]
    assert env.reset(seed=1)[1]["domain"] == "local_search/tsp"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"turns": 0}, "turns"), ({"problems": ["sudoku"]}, "problems must be of tsp"), ({"problems": []}, "no problem")],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LocalSearchEnv(**arguments)
