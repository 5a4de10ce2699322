"""Every environment in every wrapper, against hostile actions and copies."""

import copy
import pickle
from functools import partial

import gymnasium
import pytest

from infinite_rl.envs.registration import ENVIRONMENTS
from infinite_rl.envs.tools.reply import Reply
from infinite_rl.envs.tools.tool import ToolCall
from infinite_rl.rewards import Status
from infinite_rl.wrappers import (
    AuxiliaryReward,
    CurriculumDifficulty,
    FormatReward,
    MixReward,
    RecordTranscripts,
    RubricReward,
    SystemPrompt,
    TimeLimit,
    ToolUse,
    TurnLimit,
)

RUBRIC = "criteria: [{name: short, scorer: {length: {most: 100, margin: 40}}}]"
WRAPPERS = {
    "prompt": partial(SystemPrompt, text="Be brief.\ud800"),
    "mix": partial(MixReward, weights={"correctness": 0.5, "format": 0.5}),
    "format": FormatReward,
    "length": partial(AuxiliaryReward, name="length", weight=0.1, most=100),
    "rubric": partial(RubricReward, rubric=RUBRIC),
    "turns": partial(TurnLimit, turns=2),
    "time": partial(TimeLimit, seconds=600.0),
    "tools": partial(ToolUse, tools=["calculator"], budget=1.0),
    "curriculum": partial(CurriculumDifficulty, window=2),
    "all": lambda env: TimeLimit(FormatReward(RubricReward(TurnLimit(SystemPrompt(env, "s"), 3), RUBRIC)), 600.0),
}
REFUSED = {
    ("InfiniteRL/Search-v0", "tools"),
    ("InfiniteRL/SelfVerification-v0", "tools"),
}
CALL = '<tool_call>{"name": "calculator", "arguments": %s}</tool_call>'
HOSTILE = {
    "surrogates": "\ud800<answer>\udfff\0</answer>\udc00",
    "longer than allowed": "x" * 1_000_000,
    "deep calls": CALL % ('{"a":' * 10_000 + "1" + "}" * 10_000),
    "thousands of calls": CALL % '{"expression": "1+1"}' * 3_000,
    "thousands of searches": "<search>x</search>" * 9_000,
    "members twice": '<answer>{"day": "Friday", "day": "Monday"}</answer>'
    + CALL % '{"expression": "1", "expression": 2}',
    "no numbers": '<answer>{"time": NaN, "day": -Infinity}</answer>' + CALL % '{"expression": NaN}',
    "huge numbers": f"<answer>{'9' * 100_000}</answer>" + CALL % f'{{"expression": {"9" * 9_000}}}',
    "tags in tags": "<answer>" * 9_000 + "<think>" * 9_000 + "<tool_call>" * 9_000 + "</think></answer>" * 9_000,
    "native": Reply("", [ToolCall("calculator", {"expression": "1+1"}, id="\ud800")] * 40),
}


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize("env_id", [row.id for row in ENVIRONMENTS])
def test_hostile_actions_are_graded_and_copies_go_on_alike(env_id, name, tmp_path):
    env = RecordTranscripts(gymnasium.make(env_id, render_mode="ansi", disable_env_checker=True), tmp_path / "t.jsonl")
    if (env_id, name) in REFUSED:
        with pytest.raises(TypeError):
            WRAPPERS[name](env)
        return
    env = WRAPPERS[name](env)
    for what, action in HOSTILE.items():
        env.reset(seed=3)
        for _ in range(2):
            _, reward, terminated, truncated, info = env.step(action)
            assert type(reward) is float, what
            assert info.get("status") is not Status.ERROR, what
            assert env.render()
            if terminated or truncated:
                break
    env.reset(seed=3)
    copies = [env, copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    first, second, third = (repr(one.step(HOSTILE["native"])) for one in copies)
    assert first == second == third
    env.close()
