"""Models are on the device while they work, and away while others do."""

import pytest
import torch

from infinite_rl.agents.config import ConfigError
from infinite_rl.agents.runs import places as module
from infinite_rl.agents.runs.load_config import load_config
from infinite_rl.agents.runs.places import Places
from infinite_rl.agents.runs.training import Trainer

HOST, DEVICE = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def where(monkeypatch):
    """Where each model was moved to last, and the order of moves."""
    found, moves = {}, []

    def move(model, device):
        found[id(model)] = device
        moves.append((id(model), device.type))

    monkeypatch.setattr(module, "move", move)
    found["moves"] = moves
    return found


def test_learners_and_a_copy_that_samples_take_turns_and_what_goes_goes_first(where):
    policy, critic, copied = (torch.nn.Linear(1, 1) for _ in range(3))
    places = Places(DEVICE, wanted=True)
    places.learns(policy)
    places.samples(copied)
    places.learns(critic)
    assert where["moves"] == [(id(copied), "cpu")]
    with places.sampling():
        assert where["moves"][1:] == [(id(policy), "cpu"), (id(critic), "cpu"), (id(copied), "cuda")]
    assert where["moves"][4:] == [(id(copied), "cpu"), (id(policy), "cuda"), (id(critic), "cuda")]


def test_a_policy_that_samples_itself_stays_and_its_companions_go(where):
    policy, reference = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    places = Places(DEVICE, wanted=True)
    places.learns(policy)
    places.samples(policy)
    places.learns(reference)
    with pytest.raises(KeyError), places.sampling():
        assert where["moves"] == [(id(reference), "cpu")]
        raise KeyError  # an evaluation that is left
    assert where["moves"] == [(id(reference), "cpu"), (id(reference), "cuda")]


def test_nothing_moves_unless_it_is_asked_for(where):
    places = Places(DEVICE, wanted=False)
    places.learns(torch.nn.Linear(1, 1))
    places.samples(torch.nn.Linear(1, 1))
    with places.sampling():
        pass
    assert not where["moves"]


RUN = [
    *("model.warm_start.max_steps=2", "model.warm_start.check_every=1", "trainer.progress=false", "trainer.steps=2"),
    *("data.train_size=20", "data.validation_size=4", "data.test_size=4", "evaluation.samples_per_prompt=1"),
    *("data.prompts_per_rollout=4", "data.responses_per_prompt=2", "algorithm=ppo", "actor.kl_coef=0.1"),
]


def test_in_a_run_no_model_that_is_away_is_computed(where, tmp_path):
    """All that is asked of a reference and a critic comes when they are back, and of all else nothing changes."""
    config = load_config(overrides=[*RUN, "actor.offload_models=true", f"trainer.save_dir={tmp_path}"])
    trainer = Trainer(config, tmp_path)
    settle, asked = trainer.companions.settle, []

    def watched(name, model):
        settle(name, model)

        def look(*_):
            # The CPU is the device of this test, so what was moved last says where a model is.
            at = [moved for moved, _ in where["moves"] if moved == id(model)]
            asked.append(name)
            assert len(at) % 2 == 0, f"the {name} is away"

        model.register_forward_pre_hook(look)
        for part in model.modules():
            part.register_forward_pre_hook(look)

    trainer.companions.settle = watched
    trainer.run()
    assert {"reference", "critic"} <= set(asked)
    assert len(where["moves"]) >= 8


def test_policies_that_sample_and_learn_at_once_are_refused():
    with pytest.raises(ConfigError, match=r"actor\.offload_models"):
        load_config(overrides=["actor.offload_models=true", "rollout.staleness=1"])
