from collections import Counter

import pytest

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.multi_domain import MultiDomainEnv, MultiDomainVectorEnv, all_domains
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


NARROW = {
    "arithmetic": {"operations": ["add"], "digits": [2, 1], "template": "{expression}="},
    "math": {"families": "linear_equation"},
    "logic": {"families": ["nim", "countdown"], "level": 2},
    "coding": {"families": ["print_arithmetic"], "template": "print {expression}:", "language": "javascript"},
}


def test_a_domains_source_is_told_what_overrides_the_common_arguments():
    source = all_domains(sources=NARROW, level=1, language="python")
    tasks = [source.task(index) for index in range(300)]
    assert {task.domain for task in tasks if not task.domain.startswith("text/")} == {
        *("arithmetic/add", "math/linear_equation", "logic/nim", "logic/countdown", "coding/print_arithmetic")
    }
    for task in tasks:
        domain = task.domain.split("/")[0]
        assert task.metadata["level"] == NARROW.get(domain, {}).get("level", 1)
        if domain == "arithmetic":
            assert task.prompt == task.metadata["expression"] + "="
        if domain == "coding":
            assert task.prompt.startswith("print ")
            assert "console.log" in task.metadata["solution"]
    with_nothing = all_domains(sources={}, level=2, seed=3)
    assert [with_nothing.task(i) for i in range(20)] == [all_domains(level=2, seed=3).task(i) for i in range(20)]


def test_no_problem_of_sources_is_in_two_splits_and_no_prompt_in_two_domains():
    seen = {}
    domains = {}
    for split in ("train", "validation", "test"):
        source = all_domains(sources=NARROW, split=split, seed=4)
        for task in map(source.task, range(400)):
            assert seen.setdefault(task.metadata["key"], split) == split
            assert domains.setdefault(task.prompt, task.domain) == task.domain


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"cooking": {}}, "sources must be of arithmetic, math, logic, text, coding, not 'cooking'"),
        ({"arithmetic": {"operation": ["add"]}}, "sources.arithmetic must be of .*'operation'. Did you mean 'operat"),
        ({"text": {"split": "test"}}, "sources.text must be of seed, level, families, closing, not 'split'"),
        (
            {"logic": {"families": ["number_words"]}},
            "sources.logic.families must be of seating_.*'number_words'",
        ),
        (
            {
                "arithmetic": {"template": "{expression}="},
                "coding": {"families": "print_arithmetic", "template": "{expression}="},
            },
            "the same template, '{expression}='",
        ),
    ],
)
def test_sources_that_nobody_knows_or_that_ask_alike_are_refused(sources, message):
    with pytest.raises(ValueError, match=message):
        MultiDomainEnv(sources=sources)
