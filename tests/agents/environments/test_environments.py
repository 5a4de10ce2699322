"""The environments people paste: what they ask, when they end, and how they combine."""

import pytest
from gymnasium.utils.env_checker import check_env

from infinite_rl.agents.environments.base import BaseEnvironment
from infinite_rl.agents.environments.create import create_environment
from infinite_rl.agents.environments.state import State, SVRLState
from infinite_rl.agents.environments.text import ConversationEnvironment, SimpleTextEnvironment
from infinite_rl.agents.environments.verification import SVRLEnvironment
from infinite_rl.datasets.task import Task
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.envs.tools.builtin import calculator
from infinite_rl.envs.tools.tool import Tool
from infinite_rl.spaces import TextSpace


class Says:
    """A policy that says what it is told to, one text after the other; it keeps the prompts."""

    def __init__(self, *texts):
        self.texts, self.asked = list(texts), []

    def generate(self, prompts, max_new_tokens=None, temperature=None):
        self.asked += prompts
        return [self.texts.pop(0) for _ in prompts]


def play(env):
    state = env.reset()
    while not env.is_terminal(state):
        state = env.step(state)
    return state


CALL = '<tool_call>{{"name": "{}", "arguments": {}}}</tool_call>'
TOOLS = {
    "double": {"cost": 2.0, "fn": lambda number: 2 * int(number)},
    "nothing": {"cost": 0.5, "fn": lambda: "empty"},
}


def call(name, arguments='"4"'):
    return CALL.format(name, arguments)


@pytest.mark.parametrize("mark", ["[DONE]", "[COMPLETE]"])
def test_a_mark_ends_an_episode(mark):
    env = SimpleTextEnvironment(Says("a", f"b {mark}", "c"), ["Go:"], max_steps=5)
    state = play(env)
    assert state.response == f"b {mark}"
    assert state.step_count == 2
    assert env.inference.asked == ["Go:", "Go:a"]


def test_one_step_is_the_default_of_simple_text():
    assert play(SimpleTextEnvironment(Says("a"), ["Go:"])).history == [("assistant", "a")]


def test_prompts_may_be_texts_mappings_and_tasks():
    task = Task.ask("1+1=", 2, id="sums/1", domain="sums")
    env = SimpleTextEnvironment(None, ["a", {"prompt": "b", "answer": 7, "level": 2}, task])
    assert [(prompt[0], prompt[1]) for prompt in env.prompts] == [("a", None), ("b", 7), ("1+1=", 2)]
    assert env.prompts[1][2] == {"level": 2}
    assert env.prompts[2][2]["domain"] == "sums"


def test_what_is_no_prompt_is_refused():
    with pytest.raises(TypeError, match="must be a list of prompts"):
        SimpleTextEnvironment(None, "Explain")
    with pytest.raises(TypeError, match="a prompt must be a text"):
        SimpleTextEnvironment(None, [7])
    with pytest.raises(ValueError, match="has no prompts"):
        SimpleTextEnvironment().reset()
    with pytest.raises(ValueError, match="max_steps must be at least 1"):
        SimpleTextEnvironment(None, ["a"], max_steps=0)
    with pytest.raises(TypeError, match="not colour"):
        SimpleTextEnvironment(None, ["a"], colour="red")


def test_a_user_answers_until_there_is_nothing_to_say():
    env = ConversationEnvironment(Says("hello", "why?", "bye"), ["hi"], ["well", "so"], system_prompt="Be kind.")
    state = play(env)
    assert state.history == [
        ("system", "Be kind."),
        ("user", "hi"),
        ("assistant", "hello"),
        ("user", "well"),
        ("assistant", "why?"),
        ("user", "so"),
        ("assistant", "bye"),
    ]
    assert env.inference.asked[1] == "System: Be kind.\nUser: hi\nAssistant: hello\nUser: well\nAssistant:"


def test_a_user_may_be_a_function_of_the_state():
    def user(state):
        return None if state.step_count == 2 else state.response.upper()

    state = play(ConversationEnvironment(Says("a", "b"), ["hi"], user))
    assert state.history[-2:] == [("user", "A"), ("assistant", "b")]
    assert play(ConversationEnvironment(Says("a"), ["hi"], user, max_steps=1)).step_count == 1


def test_a_conversation_is_one_sequence_under_a_chat_template(chatml_tokenizer):
    says = Says("one", "two")
    says.tokenizer = chatml_tokenizer
    play(ConversationEnvironment(says, ["hi"], ["go on"]))
    first, second = says.asked
    assert second.startswith(first + "one<|im_end|>")


def test_calls_are_run_paid_for_and_answered():
    env = SVRLEnvironment(Says(call("double", '{"number": "4"}'), "8"), ["4*2?"], TOOLS, budget=5.0)
    state = play(env)
    assert isinstance(state, SVRLState)
    assert (state.spent, state.budget_remaining, state.calls) == (2.0, 3.0, ["double"])
    assert "8" in state.history[1][1]
    assert state.response == "8"
    assert "a budget of 5" in env.inference.asked[0]
    assert env.inference.asked[1].count("4*2?") == 1


def test_a_call_beyond_the_budget_ends_the_episode_and_is_not_run():
    ran = []
    tools = {"ask": {"cost": 3.0, "fn": lambda text: ran.append(text) or "yes"}}
    state = play(SVRLEnvironment(Says(*[call("ask", '{"text": "x"}')] * 4), ["?"], tools, budget=7.0))
    assert len(ran) == 2
    assert state.spent == 6.0
    assert state.calls == ["ask", "ask"]
    assert state.finished


def test_what_the_policy_breaks_it_is_told():
    says = Says(call("double", '{"number": "four"}'), call("unknown", "{}"), "give up")
    state = play(SVRLEnvironment(says, ["?"], TOOLS))
    assert state.failed_calls == 2
    assert "ValueError" in state.history[1][1]
    assert "no tool 'unknown'" in state.history[3][1]
    assert state.spent == 2.0


def test_tools_may_stand_in_the_second_place_and_tasks_are_there():
    env = SVRLEnvironment(Says("12"), TOOLS, budget=10.0)
    state = play(env)
    assert set(env.toolbox.tools) == {"double", "nothing"}
    assert len(env.prompts) == 256
    assert state.answer is not None
    assert SVRLEnvironment(None, [calculator()]).toolbox.tools.keys() == {"calculator"}


def test_tools_may_be_functions_and_tools():
    env = SVRLEnvironment(None, ["?"], {"length": len, "pocket": calculator(2.0), "greet": lambda name="you": name})
    assert isinstance(env.toolbox.tools["pocket"], Tool)
    assert env.toolbox.tools["pocket"].cost == 2.0
    with pytest.raises(TypeError, match="the tool bad must be"):
        SVRLEnvironment(None, ["?"], {"bad": {"cost": 1.0}})
    with pytest.raises(ValueError, match="tool_format must be one of"):
        SVRLEnvironment(None, ["?"], TOOLS, tool_format="xml")


class Pareto(BaseEnvironment):
    """Somebody's own: notes how long each response is."""

    def update_state(self, state, response):
        state = super().update_state(state, response)
        state.metadata["lengths"] = [*state.metadata.get("lengths", []), len(response)]
        return state


class OwnReset(BaseEnvironment):
    def __init__(self, inference):
        self.inference = inference

    def reset(self):
        return State(prompt="own task")


def test_environments_combine_by_inheritance():
    class Combined(Pareto, SVRLEnvironment):
        pass

    env = Combined(Says(call("double", '{"number": "4"}'), "8"), ["4*2?"], TOOLS, budget=5.0)
    state = play(env)
    assert state.spent == 2.0
    assert state.metadata["lengths"][1] == 1


def test_a_combination_takes_the_first_class_s_reset():
    class Combined(OwnReset, SVRLEnvironment):
        def __init__(self, inference, **arguments):
            SVRLEnvironment.__init__(self, inference, **arguments)

    state = play(Combined(Says("x"), verification_tools=TOOLS, budget=3.0))
    assert isinstance(state, SVRLState)
    assert (state.prompt, state.budget) == ("own task", 3.0)


def test_an_author_s_own_init_need_not_call_another():
    env = OwnReset(Says("x [DONE]"))
    assert play(env).response == "x [DONE]"
    assert 0 <= env.np_random.random() < 1
    assert env.draw_index(env.np_random) >= 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("simple", SimpleTextEnvironment),
        ("SimpleTextEnvironment", SimpleTextEnvironment),
        ("simple_text", SimpleTextEnvironment),
        ("svrl", SVRLEnvironment),
        ("ConversationEnvironment", ConversationEnvironment),
    ],
)
def test_environments_are_made_by_name(name, kind):
    assert type(create_environment(name, Says(), prompts=["a"])) is kind


def test_registered_environments_are_made_by_their_id():
    assert isinstance(create_environment("InfiniteRL/Math-v0", level=2), TextEnv)
    with pytest.raises(ValueError, match="unknown environment 'poker': there are simple, svrl, conversation"):
        create_environment("poker")


@pytest.mark.parametrize(
    "env",
    [
        SimpleTextEnvironment(None, ["a", "b"], max_steps=2),
        ConversationEnvironment(None, ["hi"], ["well"]),
        SVRLEnvironment(None, TOOLS),
        Pareto(None, ["x"], max_steps=1),
    ],
    ids=lambda env: type(env).__name__,
)
def test_they_are_gymnasium_environments_underneath(env):
    played = env.as_gymnasium()
    assert isinstance(played.observation_space, TextSpace)
    check_env(played, skip_render_check=True)


def test_whoever_steps_the_gymnasium_environment_is_the_policy():
    env = ConversationEnvironment(None, [{"prompt": "hi", "answer": 3}], ["well"]).as_gymnasium(
        score=lambda state: len(state.history)
    )
    observation, info = env.reset(seed=0)
    assert observation == "User: hi\nAssistant:"
    assert "answer" not in info
    observation, reward, terminated, truncated, info = env.step("hello")
    assert observation.endswith("Assistant: hello\nUser: well\nAssistant:")
    assert (reward, terminated, truncated) == (0.0, False, False)
    observation, reward, terminated, truncated, info = env.step("bye")
    assert (observation, reward, terminated, truncated) == ("", 4.0, True, False)
    assert info["status"] == "scored"


def test_a_list_of_prompts_is_asked_one_by_one():
    class Two(BaseEnvironment):
        def reset(self):
            return State(prompt="x")

        def step(self, state):
            state.history = self.inference.generate(["first?", "second?"])
            state.step_count += 1
            return state

        def is_terminal(self, state):
            return state.step_count == 1

    env = Two().as_gymnasium(score=lambda state: float(state.history == ["1", "2"]))
    assert env.reset()[0] == "first?"
    assert env.step("1")[0] == "second?"
    assert env.step("2")[1:3] == (1.0, True)


def test_an_author_s_exception_is_a_failure_not_a_verdict():
    class Broken(SimpleTextEnvironment):
        def update_state(self, state, response):
            raise KeyError("typo")

    env = Broken(None, ["a"]).as_gymnasium()
    env.reset()
    _, reward, terminated, truncated, info = env.step("x")
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["status"] == "error"
    assert "typo" in info["error_msg"]
