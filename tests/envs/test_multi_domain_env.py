from collections import Counter

import pytest

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.multi_domain import MultiDomainEnv, MultiDomainVectorEnv
from infinite_rl.rewards import Status


def test_every_domain_is_judged_by_its_own_grader():
    count = 120
    vector = MultiDomainVectorEnv(count, level=2)
    _, infos = vector.reset(options={"task_index": list(range(count))})
    tasks = [vector.env.tasks.task(index) for index in range(count)]
    assert len(Counter(domain.split("/")[0] for domain in infos["domain"])) == 5

    def answer(task):
        solution = task.metadata.get("solution", task.answer)
        return (
            f"<answer>```python\n{solution}\n```</answer>" if "cases" in task.answer else f"<answer>{solution}</answer>"
        )

    assert vector.step(tuple(map(answer, tasks)))[1].tolist() == [1.0] * count
    vector.reset(options={"task_index": list(range(count))})
    wrong = tuple(map(answer, tasks[1:] + tasks[:1]))
    assert vector.step(wrong)[1].mean() < 0.05


def test_weights_choose_the_domains():
    env = MultiDomainEnv(weights={"logic": 1})
    assert {env.tasks.task(index).domain.split("/")[0] for index in range(30)} == {"logic"}
    everything = MultiDomainEnv()
    assert everything.reset(seed=1, options={"domain": "text"})[1]["domain"].startswith("text/")
    with pytest.raises(ValueError, match="weights names 'cooking'"):
        MultiDomainEnv(weights={"cooking": 1})


def test_tasks_from_a_file_name_their_grader():
    tasks = [
        Task.ask("Capital of France?", "Paris", id="a", domain="x"),
        Task.ask("1/2 + 1/2?", "1", id="b", domain="x", grader="math"),
        Task.ask("Which?", "B", id="c", domain="x", grader="no such"),
    ]
    env = MultiDomainEnv(TaskList(tasks))
    for index, (given, status) in enumerate([("paris", "scored"), ("2/2", "scored"), ("B", "error")]):
        env.reset(options={"task_index": index})
        _, reward, _, truncated, info = env.step(f"<answer>{given}</answer>")
        assert (reward, truncated, info["status"]) == (float(status == "scored"), status == "error", Status(status))
