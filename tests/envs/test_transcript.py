import pytest

from infinite_rl.datasets.task import Task, TaskList
from infinite_rl.envs.text_env import TextEnv
from infinite_rl.rewards.score import RewardFunctionScore

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07 [red]markup[/red] [link=http://example.org]x[/link] [/] \x9b31m \u202eabc \ud800 a\rb\x00"
)


class EchoEnv(TextEnv):
    def grade(self, task, response):
        return RewardFunctionScore.no_answer(f"no answer in {response}")


@pytest.fixture
def tasks():
    return TaskList([Task.ask("Say [b]hello[/b].", "hello", id="t", domain="d")])


def test_ansi_is_the_transcript_as_text(tasks):
    env = EchoEnv(tasks, render_mode="ansi")
    env.reset()
    assert env.render() == "[user]\nSay [b]hello[/b]."
    env.step("Hello\nyou")
    assert env.render() == (
        "[user]\nSay [b]hello[/b].\n\n[assistant]\nHello\nyou\n\n"
        "[score] correctness 0, format 0, no_answer: no answer in Hello\nyou"
    )


def test_human_prints_each_message_once_as_it_comes(tasks, capsys):
    env = EchoEnv(tasks, render_mode="human")
    env.reset()
    assert "Say [b]hello[/b]." in capsys.readouterr().out
    assert env.render() is None
    assert capsys.readouterr().out == ""
    env.step("Hello")
    printed = capsys.readouterr().out
    assert "Say" not in printed
    assert "Hello" in printed
    assert "[score] correctness 0" in printed


@pytest.mark.parametrize("mode", ["ansi", "human"])
def test_hostile_text_cannot_steer_the_terminal(tasks, mode, capsys):
    env = EchoEnv(tasks, render_mode=mode)
    env.reset()
    env.step(HOSTILE)
    shown = env.render() or capsys.readouterr().out
    shown.encode()
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r", "\x00"} & set(shown)
    assert "[red]markup[/red] [link=http://example.org]x[/link] [/]" in shown


def test_rendering_without_a_mode_warns_and_returns_nothing(tasks):
    env = EchoEnv(tasks)
    env.reset()
    with pytest.warns(UserWarning, match="render mode"):
        assert env.render() is None
