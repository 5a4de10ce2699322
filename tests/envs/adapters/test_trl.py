import pytest

from infinite_rl.datasets.arithmetic import BARE
from infinite_rl.envs.adapters.rows import make_text_env, score_responses, task_rows
from infinite_rl.envs.adapters.trl import TrlTask
from infinite_rl.rewards import Status


def test_rows_hold_the_prompt_and_not_the_answer():
    # Digits by the dozen: no such answer is a part of its question by chance.
    env = make_text_env("InfiniteRL/Math-v0", operations=["multiply"], digits=[18, 18])
    rows = task_rows(env, 20, start=5)
    assert [row["task_index"] for row in rows] == list(range(5, 25))
    for row in rows:
        assert row["prompt"][0]["content"].startswith("What is")
        assert env.tasks.task(row["task_index"]).answer not in repr(row)
    right = [f"<answer>{env.tasks.task(row['task_index']).answer}</answer>" for row in rows]
    scores = score_responses(env, [row["task_index"] for row in rows], right)
    assert [score.correctness_score for score in scores] == [1.0] * 20


@pytest.mark.parametrize("arguments", [{"count": None}, {"count": 0}, {"count": 1, "start": -1}])
def test_impossible_counts_are_refused(arguments):
    with pytest.raises(ValueError, match="tasks"):
        task_rows(make_text_env("InfiniteRL/Math-v0"), **arguments)


def test_what_is_no_text_environment_is_refused():
    with pytest.raises(TypeError, match="no text environment"):
        make_text_env("CartPole-v1")


def test_the_reward_of_completions():
    task = TrlTask("InfiniteRL/Math-v0", level=2)
    answers = [task.env.tasks.task(index).answer for index in (0, 1, 2)]
    texts = [
        f"<answer>{answers[0]}</answer>",
        "no",
        [{"role": "assistant", "content": f"<answer>{answers[2]}</answer>"}],
    ]
    assert task(completions=texts, task_index=[0, 1, 2], prompts=[], domain=["x"] * 3) == [1.0, 0.0, 1.0]
    assert TrlTask(task.env, component="format")(texts, [0, 1, 2]) == [1.0, 0.0, 1.0]


def test_a_failure_of_ours_is_left_out(monkeypatch):
    task = TrlTask("InfiniteRL/Math-v0")

    def broken(episodes):
        raise OSError("no disk")

    monkeypatch.setattr(task.env, "finish", broken)
    assert score_responses(task.env, [0], ["x"])[0].status is Status.ERROR
    assert task(["x"], [0]) == [None]


def test_trl_trains_on_an_environment(tmp_path):
    trl = pytest.importorskip("trl")
    from infinite_rl.agents.config import TinyConfig
    from infinite_rl.agents.models.tiny_model import make_model, make_tokenizer

    tokenizer = make_tokenizer()
    shape = TinyConfig(hidden_size=16, layers=2, heads=2, kv_heads=1, mlp_size=32, max_positions=512)
    model = make_model(tokenizer, shape, seed=0)
    task = TrlTask("InfiniteRL/Math-v0", template=BARE)
    config = trl.GRPOConfig(
        output_dir=str(tmp_path),
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=4,
        max_steps=2,
        report_to="none",
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
    )
    trainer = trl.GRPOTrainer(
        model, reward_funcs=task, args=config, train_dataset=task.dataset(8), processing_class=tokenizer
    )
    trainer.train()
    logged = [row for row in trainer.state.log_history if f"rewards/{task.__name__}/mean" in row]
    assert len(logged) == 2
    assert all(0 <= row[f"rewards/{task.__name__}/mean"] <= 1 for row in logged)


def test_a_component_that_is_none_is_refused_and_several_turns_are_warned_of():
    with pytest.raises(ValueError, match="component is 'formt'; there are format, correctness"):
        TrlTask("InfiniteRL/Math-v0", component="formt")(["<answer>1</answer>"], [0])
    with pytest.warns(UserWarning, match="SearchEnv has several turns"):
        TrlTask("InfiniteRL/Search-v0")
