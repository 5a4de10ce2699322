import pytest

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.orz import OrzEnv, OrzVectorEnv
from infinite_rl.rewards import Status


def test_boxed_and_tagged_answers_earn_the_same():
    env = OrzEnv(families=["linear_equation"])
    for index in range(10):
        observation, _ = env.reset(options={"task_index": index})
        assert observation.endswith("\\boxed{}.")
        right = env.tasks.task(index).answer
        assert env.step(f"<think>\\boxed{{0}} or so</think> It is \\boxed{{{right}}}.")[1] == 1.0
        env.reset(options={"task_index": index})
        assert env.step(f"\\boxed{{999}} <answer>{right}</answer>")[1] == 1.0
        env.reset(options={"task_index": index})
        _, reward, _, _, info = env.step(f"\\boxed{{{right} + 1}}")
        assert (reward, info["error_msg"]) == (0.0, "The answer is wrong.")


def test_all_families_of_mathematics_are_drawn_and_solved():
    count = 60
    vector = OrzVectorEnv(count, seed=4)
    _, infos = vector.reset(options={"task_index": list(range(count))})
    assert {domain.split("/")[0] for domain in infos["domain"]} == {"math"}
    solutions = [vector.env.tasks.task(index).metadata["solution"] for index in range(count)]
    assert vector.step(tuple(f"\\boxed{{{solution}}}" for solution in solutions))[1].tolist() == [1.0] * count


def test_a_problem_from_a_file_needs_no_metadata():
    env = OrzEnv(TaskList([Task.ask("How much?", "\\frac{1}{2}", id="half", domain="math")]))
    env.reset(seed=0)
    assert env.step("\\boxed{0.5}")[4]["status"] == Status.SCORED


@pytest.mark.parametrize("families", [["reverse_words"], "nothing"])
def test_families_of_other_domains_are_refused(families):
    with pytest.raises(ValueError, match="families must be of linear_equation"):
        OrzEnv(families=families)
