import hashlib
import json
import pickle
import random
import re
import sys
from copy import deepcopy
from functools import cache, partial
from pathlib import Path

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec
from hypothesis import given
from hypothesis import strategies as st

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.conversation.environment import ConversationEnv, ConversationVectorEnv
from infinite_rl.envs.conversation.scenarios import SCENARIOS
from infinite_rl.envs.conversation.slots import DAYS
from infinite_rl.envs.conversation.source import ConversationSource
from infinite_rl.envs.conversation.user import ScriptedUser
from infinite_rl.rewards import Status

sys.path.insert(0, str(Path(__file__).parents[1] / "runtimes"))
from chat_server import serving

LEVELS = (1, 2, 3, 4)
COUNT = 200


def tagged(answer):
    return f"<answer>{answer if isinstance(answer, str) else json.dumps(answer)}</answer>"


@cache
def tasks_of(level, split="test"):
    source = ConversationSource(level=level, split=split)
    return TaskList([source.task(index) for index in range(COUNT)])


def slots_of(observation):
    """The details that the instructions name, with their forms."""
    return dict(re.findall(r"^- (\w+): (.*)$", observation, re.M))


def understand(form, said, literal=False):
    """The value in the user's sentence; ``literal``: only where it is named as it is."""
    if form.startswith("a day"):
        day = DAYS.index(re.search("|".join(DAYS), said)[0])
        steps = 0 if literal else (2 if "Two days" in said else 1) * (("after" in said) - ("before" in said))
        return DAYS[(day + steps) % 7]
    if form.startswith("a time"):
        if found := re.search(r"\d\d:\d\d", said):
            return found[0]
        quarter, hour, part = re.search(r"At (quarter past |half past |quarter to |)(\d+) in the (\w+)", said).groups()
        minutes = 60 * (int(hour) % 12) + {"": 0, "quarter past ": 15, "half past ": 30, "quarter to ": -15}[quarter]
        minutes = minutes % 720 + (0 if part == "morning" else 720)
        return f"{hour}:00" if literal else f"{minutes // 60:02}:{minutes % 60:02}"
    if form.startswith("a whole"):
        numbers = [int(number) for number in re.findall(r"\d+", said)]
        return numbers[0] if literal else sum(numbers)
    if form.startswith("one of"):
        options = form.removeprefix("one of ").split(", ")
        named = [option for option in options if re.search(rf"\b{option}\b", said.split(": ")[-1].split("but ")[-1])]
        return named[0] if literal or "anything but" not in said else (set(options) - set(named)).pop()
    letters = said.rstrip(".").split(" is ")[-1].split(", ")
    return "".join(letters if literal else letters[::-1])


def play(env, index, literal=False):
    """Asks for one detail after the other, then hands in what was understood; returns the last step."""
    observation, _ = env.reset(options={"task_index": index})
    forms, known = slots_of(observation), {}
    for name, form in forms.items():
        said, _, terminated, _, _ = env.step(f"Please tell me the {name}.")
        assert not terminated
        said, _, changed = said.partition(" Sorry, I have changed my mind about the ")
        sentences = re.split(r"(?<=[.]) (?=On |At |The |Two |As )", said)
        mine = [sentence for sentence in sentences if name in sentence or " the " not in sentence.lower()]
        known[name] = understand(form, (mine or sentences)[-1] if len(sentences) > 1 else said, literal)
        if changed:
            other, _, said = changed.partition(". ")
            known[other] = understand(forms[other], said, literal)
    return env.step(tagged(known))


def mean_reward(level, literal=False, count=60):
    env = ConversationEnv(tasks_of(level))
    return sum(play(env, index, literal)[1] for index in range(count)) / count


@pytest.mark.parametrize("level", LEVELS)
def test_a_policy_that_asks_and_understands_earns_everything(level):
    assert mean_reward(level) == 1.0


def test_taking_every_sentence_literally_fails_where_users_talk_in_a_roundabout_way():
    assert mean_reward(1, literal=True) == mean_reward(2, literal=True) == 1.0
    assert mean_reward(3, literal=True) <= 0.15
    assert mean_reward(4, literal=True) <= 0.15


def guess(observation, rng):
    """A result of the right form, without a question."""
    found = {}
    for name, form in slots_of(observation).items():
        if form.startswith("one of"):
            found[name] = rng.choice(form.removeprefix("one of ").split(", "))
        elif form.startswith("a day"):
            found[name] = rng.choice(DAYS)
        elif form.startswith("a time"):
            found[name] = f"{rng.choice(range(8, 22)):02}:{rng.choice(('00', '15', '30', '45'))}"
        else:
            found[name] = rng.randint(2, 9) if form.startswith("a whole") else "".join(rng.choices("ACDEF346", k=5))
    return tagged(found)


def first(observation):
    return guess(observation, FirstChoice())


class FirstChoice(random.Random):
    """Always the first one."""

    def choice(self, options):
        return next(iter(options))

    def randint(self, low, high):
        return low


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "policy",
    [
        lambda observation: "",
        lambda observation: observation,
        lambda observation: tagged(observation),
        lambda observation: tagged("{}"),
        lambda observation: tagged({"time": "19:00", "day": "Monday", "guests": 2}),
        first,
        lambda observation: guess(observation, random.Random(observation)),
    ],
)
def test_policies_that_never_ask_earn_nothing(policy, level):
    vector = ConversationVectorEnv(COUNT, tasks=tasks_of(level), autoreset_mode="Disabled", max_turns=1)
    observations, _ = vector.reset(options={"task_index": list(range(COUNT))})
    assert vector.step(tuple(map(policy, observations)))[1].mean() <= 0.002


def test_the_majority_of_each_detail_earns_nothing():
    for level in LEVELS:
        seen = {}
        for task in tasks_of(level, "train").tasks:
            for name, value in task.answer.items():
                seen.setdefault((task.domain, name), []).append(value)
        most = {key: max(set(values), key=values.count) for key, values in seen.items()}
        env, total = ConversationEnv(tasks_of(level)), 0
        for index, task in enumerate(tasks_of(level).tasks):
            env.reset(options={"task_index": index})
            total += env.step(tagged({name: most.get((task.domain, name)) for name in task.answer}))[1]
        assert total / COUNT <= 0.02


SCRIPT = {
    "patience": 2,
    "slots": {
        "day": {"value": "Friday", "says": "On Friday.", "keywords": ["day", "when"], "values": ["friday", "monday"]},
        "guests": {"value": 4, "says": "We are 4.", "keywords": ["guest", "many"], "values": ["3", "4", "5"]},
        "area": {"value": "bar", "says": "At the bar.", "keywords": ["area", "where"], "values": ["bar", "garden"]},
    },
    "change": {"slot": "day", "after": 3, "value": "Monday", "says": "On Monday."},
}


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("When do you come?", "On Friday."),
        ("GUESTS?", "We are 4."),
        ("How many guests are you, and when do you want to come?", "On Friday. We are 4."),
        ("Day, guests, area?", "On Friday. We are 4. One thing after the other, please."),
        ("In the garden?", "No, that is wrong. At the bar."),
        ("Garden or bar?", "At the bar."),
        ("So 5 guests?", "No, that is wrong. We are 4."),
        ("Is it 5?", "I don't understand. What do you want to know?"),
        ("", "I don't understand. What do you want to know?"),
        ("<think>When, where, how many?</think>Hello!", "I don't understand. What do you want to know?"),
    ],
)
def test_the_user_answers_what_is_asked(message, reply):
    assert ScriptedUser(SCRIPT).reply(message) == reply


def test_the_user_changes_one_wish_once_and_then_stands_by_it():
    user = ScriptedUser(SCRIPT)
    assert "changed" not in user.reply("Day? Where?")
    assert user.reply("Guests?") == "We are 4. Sorry, I have changed my mind about the day. On Monday."
    assert user.reply("Which day?") == "On Monday."
    assert user.reply("On Friday, then?") == "No, that is wrong. On Monday."
    assert user.reply("Thank you!") == "I have told you everything."


def test_a_user_who_has_told_everything_has_told_of_the_change():
    for task in tasks_of(4).tasks:
        user = ScriptedUser(task.metadata["user"])
        replies = [user.reply(f"What is the {name}?") for name in task.answer]
        assert sum("changed my mind" in reply for reply in replies) == 1
        changed = task.metadata["user"]["change"]
        assert (
            task.answer[changed["slot"]] == changed["value"] != task.metadata["user"]["slots"][changed["slot"]]["value"]
        )


def test_every_slot_is_asked_by_its_name_and_values_are_words():
    for scenario in SCENARIOS:
        assert len({slot.name for slot in scenario.slots}) == len(scenario.slots) == 6
        for slot in scenario.slots:
            script = {"value": "x", "says": "This.", "keywords": [slot.name, *slot.keywords], "values": slot.values()}
            assert ScriptedUser({"slots": {slot.name: script}}).reply(f"The {slot.name.upper()}?") == "This."
            for value in slot.values():
                assert re.fullmatch(r"[a-z]+|\d+(:\d\d)?", value)


def started(**arguments):
    task = Task.ask("A table!", {"day": "Friday", "guests": 4}, id="t", domain="c", user={"slots": SCRIPT["slots"]})
    env = ConversationEnv(TaskList([task]), **arguments)
    env.reset(seed=0)
    return env


@pytest.mark.parametrize(
    ("result", "reward", "share"),
    [
        ({"day": "Friday", "guests": 4}, 1.0, 1.0),
        ({"day": " friday ", "guests": "4"}, 1.0, 1.0),
        ({"day": "Friday", "guests": 4, "area": "bar"}, 0.0, 1.0),
        ({"day": "Friday", "guests": 5}, 0.0, 0.5),
        ({"day": "Friday"}, 0.0, 0.5),
        ({"day": "Friday", "guests": 4.0}, 0.0, 0.5),
        ({"day": "Friday", "guests": True}, 0.0, 0.5),
        ({"day": ["Friday"], "guests": 4}, 0.0, 0.5),
        ("[1]", 0.0, 0.0),
        ("Friday, 4", 0.0, 0.0),
        ("[" * 100_000, 0.0, 0.0),
        ('{"day": "Monday", "day": "Friday", "guests": 4}', 0.0, 0.0),
    ],
)
def test_results_are_judged_exactly(result, reward, share):
    _, earned, terminated, truncated, info = started().step(tagged(result))
    assert (earned, terminated, truncated) == (reward, True, False)
    assert info["components"]["slots"] == share
    assert info["status"] is not Status.ERROR


def test_two_results_are_none():
    _, reward, terminated, _, info = started().step(tagged({"day": "Friday", "guests": 4}) + tagged("{}"))
    assert (reward, terminated, info["status"]) == (0.0, True, Status.NO_ANSWER)


def test_components_tell_how_it_went_and_the_turn_limit_truncates():
    env = started(max_turns=2)
    env.step("Which day?")
    _, reward, terminated, truncated, info = env.step("And?")
    assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, Status.NO_ANSWER)
    assert info["components"]["turns"] == 2.0
    assert info["components"]["told"] == pytest.approx(1 / 3)


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_no_message_crashes_a_conversation(message):
    for action in (message, tagged(message)):
        assert started(max_turns=1).step(action)[4]["status"] is not Status.ERROR


def test_long_messages_take_little_time():
    env = started(max_turns=None)
    for text in ("when " * 50_000, "<think>" * 30_000, "a" * 260_000, "1:" * 100_000):
        assert env.step(text)[1] == 0.0


def test_a_model_may_play_the_user():
    with serving(lambda request: f"heard {request['messages'][-1]['content']}") as server:
        arguments = {"user": "model", "base_url": server.url, "model": "m", "level": 4}
        vector = ConversationVectorEnv(3, autoreset_mode="Disabled", **arguments)
        vector.reset(seed=0)
        observations = vector.step(("A?", "<think>x</think>B?", "C?"))[0]
        assert [said.split() for said in observations] == [["heard", "A?"], ["heard", "B?"], ["heard", "C?"]]
        asked = server.requests[0]["messages"]
        assert [message["role"] for message in asked] == ["system", "assistant", "user"]
        answers = [task.answer for task in map(vector.env.tasks.task, vector.step(("hm",) * 3)[4]["task_index"])]
        assert any(json.dumps(answer) in asked[0]["content"] for answer in answers)
        assert vector.step(tuple(map(tagged, answers)))[1].tolist() == [1.0] * 3
        vector.close()


def test_an_outage_of_the_model_is_a_failure_of_ours():
    with serving(lambda request: (400, {"error": "no"}, {})) as server:
        env = ConversationEnv(user="model", base_url=server.url, model="m")
        env.reset(seed=0)
        _, reward, terminated, truncated, info = env.step("Hello?")
        assert (reward, terminated, truncated, info["status"]) == (0.0, False, True, Status.ERROR)
        assert "EndpointError" in info["error_msg"]
        env.close()


def test_tasks_survive_a_file(tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text("\n".join(task.to_json() for task in tasks_of(4).tasks[:5]), encoding="utf-8")
    env, again = ConversationEnv(tasks_of(4)), ConversationEnv(str(file))
    for index in range(5):
        assert play(env, index)[:4] == play(again, index)[:4]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": "Friday"}, "must be an object"),
        ({"answer": {"day": "Friday"}}, 'needs a "user" with "slots"'),
        ({"answer": {"day": "Friday"}, "metadata": {"user": {"slots": {"day": {"value": 1}}}}}, "the slot day"),
    ],
)
def test_a_file_with_impossible_tasks_is_a_clear_error(row, message, tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text(json.dumps({"messages": [{"role": "user", "content": "A table!"}], **row}), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        ConversationEnv(str(file)).reset(seed=0)


@pytest.mark.parametrize("copied", [deepcopy, lambda vector: pickle.loads(pickle.dumps(vector))])
@pytest.mark.parametrize("user", ["script", "model"])
def test_a_vector_environment_under_way_can_be_copied(user, copied):
    with serving(lambda request: f"heard {request['messages'][-1]['content']}") as server:
        vector = ConversationVectorEnv(3, user=user, base_url=server.url, model="m", level=4)
        vector.reset(seed=0)
        vector.step(("When?", "How many?", "Where?"))
        copy = copied(vector)
        assert copy.step(("day?", "time?", "?"))[0] == vector.step(("day?", "time?", "?"))[0]
        for one in (vector, copy):
            one.close()


def test_a_model_plays_users_in_other_processes_too():
    with serving(lambda request: f"heard {request['messages'][-1]['content']}") as server:
        arguments = {"user": "model", "base_url": server.url, "model": "m"}
        env = gymnasium.make("InfiniteRL/Conversation-v0", **arguments)
        env.reset(seed=0)
        env.step("before")  # it has a connection now
        vector = gymnasium.vector.AsyncVectorEnv([partial(deepcopy, env)] * 2, shared_memory=False, context="spawn")
        vector.reset(seed=0)
        assert vector.step(("A?", "B?"))[0] == ("heard A?", "heard B?")
        vector.close()
        env.close()


def test_an_environment_with_a_model_can_be_pickled():
    with serving(lambda request: "Hm.") as server:
        env = ConversationEnv(user="model", base_url=server.url, model="m")
        env.reset(seed=0)
        assert env.step("Hello?")[0] == "Hm."
        copy = pickle.loads(pickle.dumps(env))
        assert copy.step("Hello?")[0] == env.step("Hello?")[0] == "Hm."
        env.close()
        copy.close()


def test_the_first_tasks_are_those_of_v0():
    digest = hashlib.blake2b(digest_size=8)
    for level in LEVELS:
        for split in ("train", "validation", "test"):
            source = ConversationSource(level=level, split=split, seed=3)
            for index in range(3):
                digest.update(source.task(index).to_json().encode())
    assert digest.hexdigest() == "2e02e5eadc70ffc2"


def test_no_wish_is_in_two_splits():
    keys = {
        split: {ConversationSource(split=split, seed=s).task(i).metadata["key"] for s in (0, 1) for i in range(100)}
        for split in ("train", "validation", "test")
    }
    assert not keys["train"] & keys["test"]
    assert not keys["train"] & keys["validation"]
    assert not keys["validation"] & keys["test"]


def test_specs_with_arguments_survive_json():
    env = gymnasium.make("InfiniteRL/Conversation-v0", level=3, scenarios=["hotel"], split="test", max_turns=5)
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert env.reset(seed=1)[1] == again.reset(seed=1)[1]
    assert env.reset(seed=1)[1]["domain"] == "conversation/hotel"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"user": "me"}, "user must be script or model"),
        ({"user": "model"}, "needs base_url and model"),
        ({"scenarios": ["zoo"]}, "scenarios must be of table"),
    ],
)
def test_impossible_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConversationEnv(**arguments)
