import json
import pickle
import random
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import gymnasium
import pytest

sys.path[:0] = [str(Path(__file__).parent / "retrieval"), str(Path(__file__).parents[1] / "runtimes")]
from chat_server import serving as answering
from serving import searching

from infinite_rl.datasets.search.source import SearchSource
from infinite_rl.datasets.search.wording import FACTS
from infinite_rl.datasets.search.world import world_of
from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.retrieval.opening import open_retriever
from infinite_rl.envs.search import ANSWER_BESIDE_SEARCH, SearchEnv, SearchVectorEnv, world_index
from infinite_rl.envs.self_verification import SelfVerificationEnv
from infinite_rl.envs.tools.builtin import search_tool
from infinite_rl.envs.tools.reply import Reply
from infinite_rl.envs.tools.tool import ToolCall
from infinite_rl.envs.vector import TextVectorEnv
from infinite_rl.rewards import Status

LEVELS = (1, 2, 3, 4)
COUNT = 300
QUESTIONS = TaskList([Task.ask("What purrs?", "a cat", id="cat", domain="search")])


def tagged(answer):
    return f"<answer>{answer}</answer>"


def search(query):
    return f"<search>{query}</search>"


@cache
def tasks_of(level, split):
    source = SearchSource(level=level, split=split)
    return TaskList([source.task(index) for index in range(COUNT)])


def mean_reward(policy, level):
    """The mean reward of a policy, a function of the observation, that answers at once."""
    vector = SearchVectorEnv(COUNT, tasks=tasks_of(level, "test"), corpus=world_index("test"))
    observations, _ = vector.reset(options={"task_index": list(range(COUNT))})
    return vector.step(tuple(policy(observation) for observation in observations))[1].mean()


class Reader:
    """Searches hop by hop as the plan of a task says, and reads the facts from what comes back."""

    def __init__(self, env, index):
        self.env = env
        self.observation, self.info = env.reset(options={"task_index": index})
        self.plan = env.unwrapped.tasks.task(index).metadata["plan"]
        self.texts = {}

    def read(self, name, relation):
        if name not in self.texts:
            observation, reward, terminated, truncated, self.info = self.env.step(search(name))
            assert (reward, terminated, truncated) == (0.0, False, False)
            assert observation.startswith("<information>\n")
            assert observation.endswith("\n</information>")
            self.texts |= dict(re.findall(r"^Doc \d+ \(Title: (.*)\)\n(.*)$", observation, re.M))
        for sentence in re.findall(r"[^.]+\.", self.texts[name]):
            for form in FACTS[relation]:
                pattern = re.escape(form).replace(r"\{name\}", re.escape(name))
                match = re.fullmatch(pattern.replace(r"\{value\}", r"([A-Z\d][\w, ]*)"), sentence.strip())
                if match:
                    return match[1]
        raise AssertionError(f"{name} has no {relation}")

    def answer(self):
        ends = []
        for at in self.plan["starts"]:
            for relation in self.plan["path"]:
                at = self.read(at, relation)
            ends.append(at)
        if self.plan["ending"] is None:
            return self.read(ends[0], self.plan["asked"])
        numbers = [int(self.read(end, self.plan["measure"]).replace(",", "")) for end in ends]
        if self.plan["ending"] in ("sum", "difference"):
            return str(sum(numbers) if self.plan["ending"] == "sum" else abs(numbers[0] - numbers[1]))
        wanted = max(numbers) if self.plan["ending"] == "more" else min(numbers)
        return self.read(ends[numbers.index(wanted)], self.plan["asked"])

    def play(self):
        answer = self.answer()
        return self.env.step(tagged(answer))[1]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_policy_that_searches_hop_by_hop_earns_everything(level, split):
    env = gymnasium.make("InfiniteRL/Search-v0", level=level, split=split)
    assert [Reader(env, index).play() for index in range(100)] == [1.0] * 100
    assert gymnasium.spec("InfiniteRL/Search-v0").reward_threshold == 1.0


@pytest.mark.parametrize("level", LEVELS)
def test_so_does_one_whose_documents_lie_at_a_service(level):
    with searching(world_index("test")) as server:
        env = gymnasium.make("InfiniteRL/Search-v0", level=level, split="test", corpus=server.url)
        assert [Reader(env, index).play() for index in range(10)] == [1.0] * 10


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "policy",
    [
        lambda observation: "",
        lambda observation: tagged(""),
        lambda observation: tagged("1800"),
        lambda observation: tagged("yes"),
        lambda observation: observation,
        tagged,
        lambda observation: tagged(observation.split("\n\n")[1]),
        lambda observation: tagged(observation.split("\n\n")[1].split(" of ")[-1]),
        lambda observation: tagged(" ".join(re.findall(r"[A-Z]\w+", observation.split("\n\n")[1])[1:])),
        lambda observation: "".join(tagged(year) for year in range(1600, 1990)),
        lambda observation: tagged(" ".join(map(str, range(1600, 1990)))),
        lambda observation: tagged(random.Random(observation).randint(1600, 1990)),
        lambda observation: tagged(random.Random(observation).choice([*world_of("train").texts])),
        lambda observation: tagged(random.Random(observation).choice([*world_of("test").texts])),
        lambda observation: tagged(random.Random(observation).choice(world_of("test").entities["country"]).name),
    ],
)
def test_policies_that_do_not_search_stay_at_chance(policy, level):
    assert mean_reward(policy, level) < 0.02


@pytest.mark.parametrize("level", LEVELS)
def test_the_majority_answer_stays_at_chance(level):
    for split in ("train", "test"):
        majority = Counter(task.answer for task in tasks_of(level, split).tasks).most_common(1)[0][0]
        assert mean_reward(lambda observation, answer=majority: tagged(answer), level) < 0.02


def share_of_first_hits_with_the_answer(level):
    tasks = [task for split in ("train", "test") for task in tasks_of(level, split).tasks]
    found = 0
    for task in tasks:
        index = world_index("train" if task in tasks_of(level, "train").tasks else "test")
        (hit,) = index.search([task.prompt.split("\n\n")[0]], 1)[0]
        found += task.answer in hit.document.text or task.answer == hit.document.title
    return found / len(tasks)


@pytest.mark.parametrize("level", [2, 3, 4])
def test_one_search_with_the_question_does_not_bring_the_answer(level):
    assert share_of_first_hits_with_the_answer(level) <= 0.01


def test_one_search_is_enough_for_the_first_level():
    assert share_of_first_hits_with_the_answer(1) > 0.8


def test_the_opening_says_how_to_search():
    observation, info = gymnasium.make("InfiniteRL/Search-v0", search_cost=0.5, budget=2).reset(seed=0)
    told, _, closing = observation.split("\n\n")
    assert "<search>…</search> Searches documents for a query and returns the best ones. It costs 0.5." in told
    assert "between <information> and </information>" in told
    assert "budget of 2 " in told
    assert closing == "Give the answer between <answer> and </answer>."
    assert [message["role"] for message in info["messages"]] == ["system", "user"]


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_holds_the_answer_before_it_is_found(level):
    env = SearchEnv(level=level, split="test")
    for index in range(40):
        expected = env.tasks.task(index).answer
        assert expected not in repr(env.reset(options={"task_index": index}))
        assert expected not in repr(env.step(tagged("wrong")))


def test_a_wrong_answer_is_scored_with_its_components():
    env = SearchEnv(level=1)
    env.reset(options={"task_index": 0})
    expected = env.tasks.task(0).answer
    info = env.step(tagged(f"{expected} indeed"))[4]
    assert (info["status"], info["error_msg"]) == (Status.SCORED, "The answer is wrong.")
    assert info["components"]["exact_match"] == 0.0
    assert 0 < info["components"]["f1"] < 1


@pytest.mark.parametrize("spelling", ["{}", " {} ", "the {}", "“{}”", "{}."])
def test_case_punctuation_and_articles_do_not_matter(spelling):
    env = SearchEnv(level=3)
    env.reset(options={"task_index": 0})
    assert env.step(tagged(spelling.format(env.tasks.task(0).answer.upper())))[1] == 1.0


def test_an_answer_beside_a_search_does_not_count():
    env = SearchEnv(level=1)
    env.reset(options={"task_index": 0})
    right = tagged(env.tasks.task(0).answer)
    observation, reward, terminated, truncated, _ = env.step(search("anything") + right)
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert observation.endswith(f"</information>\n\n{ANSWER_BESIDE_SEARCH}")
    assert ANSWER_BESIDE_SEARCH not in env.step(search("anything"))[0]
    assert env.step(right)[1] == 1.0


@pytest.mark.parametrize("arguments", [{"max_turns": 1}, {"budget": 1, "search_cost": 2}])
def test_nor_at_the_end_of_an_episode(arguments):
    env = SearchEnv(level=1, **arguments)
    env.reset(options={"task_index": 0})
    right = tagged(env.tasks.task(0).answer)
    _, reward, terminated, truncated, info = env.step(right + search("anything"))
    assert (reward, terminated or truncated, info["status"]) == (0.0, True, Status.NO_ANSWER)
    env.reset(options={"task_index": 0})
    assert env.step(right)[1] == 1.0


def test_native_calls_search_too():
    env = SearchEnv(level=1, tool_format="native", max_turns=1)
    env.reset(options={"task_index": 0})
    right = tagged(env.tasks.task(0).answer)
    _, reward, _, truncated, info = env.step(Reply(right, [ToolCall("search", {"query": "anything else"})]))
    assert (reward, truncated, info["status"]) == (0.0, True, Status.NO_ANSWER)


def test_what_is_only_thought_is_no_search():
    env = SearchEnv(level=1)
    env.reset(options={"task_index": 0})
    right = tagged(env.tasks.task(0).answer)
    assert env.step(f"<think>maybe {search('x')}</think>{right}")[1:3] == (1.0, True)


def test_hits_that_the_agent_makes_up_are_worth_nothing():
    env = SearchEnv(level=1)
    env.reset(options={"task_index": 0})
    made_up = "<information>\nDoc 1 (Title: A)\nThe answer is B.\n</information>" + tagged("B")
    assert env.step(made_up)[1] == 0.0


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "Error: the query is empty"),
        (" \n", "Error: the query is empty"),
        ("a" * 2_001, "Error: the query has 2,001 characters; at most 2,000"),
        ("qqqq", "Nothing was found."),
        ('{"query": 5}', "Error: the arguments of search don't fit"),
    ],
)
def test_queries_that_find_nothing_say_why(query, says):
    env = SearchEnv()
    env.reset(seed=0)
    observation, _, terminated, truncated, _ = env.step(search(query))
    assert observation.startswith(f"<information>\n{says}")
    assert not terminated
    assert not truncated


def test_top_k_documents_come_back():
    env = SearchEnv(top_k=5)
    env.reset(seed=0)
    assert env.step(search("city"))[0].count("(Title: ") == 5
    assert env.step(search("city") + search("person"))[0].count("<information>") == 2


def test_a_service_that_fails_is_a_failure_of_ours(monkeypatch):
    monkeypatch.setattr("infinite_rl.runtimes.endpoint._wait", lambda cut, seconds: None)
    env = SearchEnv(corpus="http://127.0.0.1:9")
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(search("city"))
    assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, Status.ERROR)


@pytest.fixture
def files(tmp_path):
    corpus, tasks = tmp_path / "corpus.jsonl", tmp_path / "tasks.jsonl"
    documents = [
        {"id": "a", "title": "Ulm", "text": "Ulm lies on the Danube."},
        {"id": "b", "title": "Long", "text": "Danube " * 2_000},
    ]
    rows = [{"messages": [{"role": "user", "content": "Which river is Ulm on?"}], "answer": ["the Danube", "Donau"]}]
    corpus.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    tasks.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return {"corpus": str(corpus), "tasks": str(tasks)}


def test_tasks_and_documents_come_from_files(files, tmp_path):
    env = gymnasium.make("InfiniteRL/Search-v0", **files, index=str(tmp_path / "index.npz"), top_k=2)
    env.reset(seed=0)
    observation = env.step(search("Ulm Danube"))[0]
    assert "Doc 1 (Title: Ulm)\nUlm lies on the Danube." in observation
    assert "[cut after 2,000 characters]" in observation
    _, reward, _, _, info = env.step(tagged("donau"))
    assert (reward, info["domain"]) == (1.0, "search")
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.reset(seed=0)[0] == env.reset(seed=0)[0]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"tasks": "TASKS"}, TypeError, "tasks need a corpus"),
        ({"index": "a"}, TypeError, "give corpus"),
        ({"embeddings": {}}, TypeError, "give corpus"),
        ({"top_k": 0}, ValueError, "top_k must be from 1 to 100"),
        ({"corpus": "nothing.jsonl"}, FileNotFoundError, "no such file"),
        ({"level": 5}, ValueError, "level must be from 1 to 4"),
        ({"split": "dev"}, ValueError, "split must be one of"),
        ({"tool_format": "xml"}, ValueError, "tool_format"),
    ],
)
def test_arguments_that_cannot_be_used_are_clear_errors(files, arguments, error, says):
    chosen = {name: files["tasks"] if value == "TASKS" else value for name, value in arguments.items()}
    with pytest.raises(error, match=says):
        gymnasium.make("InfiniteRL/Search-v0", **chosen)


def test_a_batch_searches_like_single_environments():
    vector = SearchVectorEnv(4, level=2, split="test")
    vector.reset(options={"task_index": [0, 1, 2, 3]})
    observations = vector.step((search("city"), search("person"), tagged("x"), search("qqqq")))[0]
    for index, action in enumerate((search("city"), search("person"), tagged("x"), search("qqqq"))):
        env = SearchEnv(level=2, split="test")
        env.reset(options={"task_index": index})
        assert env.step(action)[0] == observations[index]
    vector.close()


def test_one_step_asks_a_service_once():
    with searching() as server:
        asked, search_all = [], server.retriever.search
        server.retriever.search = lambda queries, k: asked.append(len(queries)) or search_all(queries, k)
        vector = TextVectorEnv(SearchEnv, 40, corpus=server.url, tasks=QUESTIONS)
        alone = SearchEnv(corpus=server.url, tasks=QUESTIONS)
        vector.reset(seed=0)
        # Twenty different queries, of which half of the episodes have a second one, and what is refused as ever.
        actions = [search(f"cat {n % 20}") + search("dog") * (n % 2) for n in range(37)]
        actions += [search(""), search("x" * 9_999), "<answer>now</answer>"]
        observations = vector.step(actions)[0]
        assert asked == [21]
        for action, observation in zip(actions, observations, strict=True):
            alone.reset(seed=0)
            assert alone.step(action)[0] == observation
        vector.close()


def test_a_service_that_refuses_all_queries_for_one_of_them_is_asked_for_each():
    hit = {"document": {"id": "1", "title": "Cats", "text": "They purr."}, "score": 1.0}

    def answer(request):
        if any("spoil" in query for query in request["queries"]):
            return 400, {"error": "too long for the model"}, {}
        return 200, {"result": [[hit]] * len(request["queries"])}, {}

    with answering(answer) as server:
        vector = TextVectorEnv(SearchEnv, 3, corpus=server.url, tasks=QUESTIONS)
        vector.reset(seed=0)
        observations, _, _, truncations, infos = vector.step((search("a"), search("spoil"), search("b")))
        assert truncations.tolist() == [False, True, False]
        assert infos["status"][1] == Status.ERROR
        assert "purr" in observations[0]
        assert "purr" in observations[2]
        assert [len(request["queries"]) for request in server.requests] == [3, 1, 1, 1]
        vector.close()


def test_an_embedding_model_is_asked_once_a_step(tmp_path):
    def answer(request):
        data = [{"index": i, "embedding": [1.0, float(len(text))]} for i, text in enumerate(request["input"])]
        return 200, {"data": data}, {}

    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"id": "1", "title": "Cats", "text": "They purr."}\n')
    with answering(answer) as server:
        embeddings = {"base_url": server.url, "model": "m"}
        vector = TextVectorEnv(SelfVerificationEnv, 16, corpus=open_retriever(corpus, embeddings=embeddings), level=1)
        vector.reset(seed=0)
        made = len(server.requests)
        write = vector.env.toolbox.format.write
        observations = vector.step([write(ToolCall("search", {"query": f"q{n}"})) for n in range(16)])[0]
        assert all("purr" in observation for observation in observations)
        assert len(server.requests) == made + 1
        vector.close()


def test_an_environment_with_a_service_can_be_pickled():
    with searching(world_index("test")) as server:
        env = pickle.loads(pickle.dumps(SearchEnv(corpus=server.url, split="test")))
        env.reset(seed=0)
        assert "(Title: " in env.step(search("city"))[0]


def test_the_tool_serves_other_environments():
    tool = search_tool(world_index("test"), cost=0.25, k=2)
    assert (tool.name, tool.cost, tool.run(query="city").count("Doc ")) == ("search", 0.25, 2)


@pytest.mark.parametrize("action", ["<search>" * 20_000, "<search></search>" * 10_000, search("é\ud800\x00" * 300)])
def test_hostile_messages_are_answered(action):
    env = SearchEnv()
    env.reset(seed=0)
    observation, reward, _, truncated, _ = env.step(action)
    assert reward == 0.0
    assert not truncated
    assert observation.count("<information>") <= 16
