"""The configuration: every key is known, read by code, and explained where it is wrong."""

import ast
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from omegaconf import OmegaConf

from infinite_rl.agents import config as schema
from infinite_rl.agents import losses
from infinite_rl.agents.algorithms.recipes import find_recipe, make_recipe
from infinite_rl.agents.config import KL_ESTIMATORS, POLICY_LOSSES, ConfigError, TrainConfig
from infinite_rl.agents.runs.check_config import REPLAY_SAMPLERS
from infinite_rl.agents.runs.load_config import (
    CONFIG_DIR,
    has_recipe,
    known_keys,
    load_config,
    reload_config,
    save_config,
)
from infinite_rl.buffers.laws import REPLAY_PRESETS

AGENTS = Path(schema.__file__).parent
FILES = sorted(CONFIG_DIR.rglob("*.yaml"))


def leaves(value, prefix=""):
    """The dotted keys of a YAML file's values; an environment's arguments and domains are its own affair."""
    for key, inner in value.items():
        name = f"{prefix}{key}"
        nested = isinstance(inner, dict) and key not in ("env_arguments", "arrivals")
        yield from leaves(inner, name + ".") if nested else (name,)


def keys_of_file(path):
    values = OmegaConf.to_container(OmegaConf.load(path))
    values.pop("defaults", None)
    everywhere = path.parent == CONFIG_DIR or "# @package _global_" in path.read_text("utf-8")
    return list(leaves(values, "" if everywhere else f"{path.parent.name}."))


def sections(section=TrainConfig, prefix=""):
    """Each dataclass of the schema with the dotted prefix of its keys."""
    yield section, prefix
    for name, hint in get_type_hints(section).items():
        for inner in (hint, *get_args(hint)):
            if is_dataclass(inner):
                yield from sections(inner, f"{prefix}{name}.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_key_of_every_file_is_known(path):
    assert not set(keys_of_file(path)) - set(known_keys())


def test_every_known_key_has_a_value_in_the_files():
    written = {key for path in FILES for key in keys_of_file(path)}
    parents = {key.rsplit(".", 1)[0] for key in written if "." in key}
    assert not {key for key in known_keys() if key not in written and key not in parents and "." in key}


def test_every_key_is_read_by_code():
    """Some module other than the schema's own reads an attribute of that name."""
    read = set()
    for path in AGENTS.rglob("*.py"):
        if path.name not in ("config.py", "load_config.py", "check_config.py"):
            read |= {
                node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)
            }
    names = {prefix + field.name for section, prefix in sections() for field in fields(section)}
    assert not {name for name in names if name.rsplit(".", 1)[-1] not in read}


def test_every_section_documents_its_keys():
    """A key is in its class's docstring; shapes that say everything in their name are exempt."""
    for section, _ in sections():
        if section.__name__ in ("TinyConfig", "TrainConfig"):
            continue
        for field in fields(section):
            assert field.name in (section.__doc__ or ""), f"{section.__name__}.{field.name}"


def test_the_default_configuration():
    config = load_config()
    assert (config.experiment, config.seed, config.model.name) == ("grpo", 0, None)
    assert config.model.tiny is not None
    assert config.actor.lr == 4e-4
    assert config.data.env_arguments["operations"] == ["add"]
    assert isinstance(config.data.env_arguments["operations"], list)


def test_a_large_model_is_asked_in_words():
    assert load_config(overrides=["model=hf", "model.name=m"]).data.env_arguments == {"level": 2}


@pytest.mark.parametrize("key", ["env", "data.env"])
def test_our_environments_are_named_without_their_namespace_as_everywhere(key):
    assert load_config(overrides=[f"{key}=Math-v0"]).data.env == "InfiniteRL/Math-v0"


@pytest.mark.parametrize("key", ["env", "data.env"])
def test_an_environment_named_by_its_id_starts_without_another_s_arguments(key):
    config = load_config(overrides=[f"{key}=InfiniteRL/Search-v0", "data.env_arguments.level=3"])
    assert (config.data.env, config.data.env_arguments) == ("InfiniteRL/Search-v0", {"level": 3})


def test_the_tasks_of_a_file_come_without_arguments_for_procedural_ones():
    overrides = ["env=coding", "data=file", "data.train_path=t.jsonl", "data.env_arguments.timeout=2"]
    assert load_config(overrides=overrides).data.env_arguments == {"timeout": 2}


def test_the_hugging_face_variant():
    config = load_config(overrides=["model=hf", "model.name=some/model"])
    assert config.model.name == "some/model"
    assert config.model.tiny is None
    assert config.model.warm_start.max_steps == 0
    assert config.actor.lr == 1e-6
    assert config.rollout.max_new_tokens == 512


def test_who_gives_all_that_the_tiny_model_has_may_name_another_without_the_variant():
    assert load_config(overrides=["model.name=m", "model.tiny=null"]).model.name == "m"


def test_the_variant_with_adapters():
    config = load_config(overrides=["model=lora", "model.name=some/model", "model.lora.r=4"])
    assert (config.model.lora.r, config.model.lora.alpha, config.model.weights) == (4, 32, "bfloat16")
    assert (config.model.gradient_checkpointing, config.rollout.max_new_tokens) == (True, 512)


def test_the_file_variant():
    config = load_config(overrides=["data=file", "data.train_path=tasks.jsonl", "data.test_size=null"])
    assert config.data.train_path == "tasks.jsonl"
    assert config.data.test_size is None


def test_both_variants_together():
    config = load_config(overrides=["data=file", "data.train_path=t.jsonl", "model=hf", "model.name=m"])
    assert (config.data.train_path, config.model.name) == ("t.jsonl", "m")


def test_an_override_comes_last_whatever_the_variant_says():
    config = load_config(overrides=["actor.lr=1e-5", "model=hf", "model.name=m", "rollout.max_new_tokens=7"])
    assert config.actor.lr == 1e-5
    assert config.rollout.max_new_tokens == 7


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["actor.learning_rate=1"], "unknown configuration key 'actor.learning_rate'"),
        (["actor.lrr=1"], "did you mean 'actor.lr'?"),
        (["rollout.temprature=1"], "did you mean 'rollout.temperature'?"),
        (["sed=1"], "did you mean 'seed'?"),
        (["+new=1"], "unknown configuration key 'new'"),
        (["++actor.new=1"], "unknown configuration key 'actor.new'"),
        (["+actor.lrr=1"], "did you mean 'actor.lr'?"),
        (["seed"], "has no value"),
        (["actor.lr=fast"], "actor.lr"),
        (["seed=1.5"], "seed"),
        (["trainer.progress=perhaps"], "trainer.progress"),
        (["trainer.steps=null"], "trainer.steps"),
        (["data.env_arguments=3"], "data.env_arguments"),
        (
            ["env=maths"],
            "there is no such configuration; choose from coding, math, multi_domain, self_verification, the id",
        ),
        (["env=Maths-v0"], "data.env=Maths-v0: no environment Maths-v0; did you mean InfiniteRL/Math-v0?"),
        (["actor.learning_rate=1"], "did you mean 'actor.lr'?"),
        (["learning_rate=1"], "did you mean 'actor.lr'?"),
        (["steps=5"], "did you mean 'trainer.steps'?"),
        (["rollout.top_p=0.9"], "did you mean 'evaluation.top_p'?"),
        (["data.responses_per_prompt=1"], "must be at least 2, not 1: adv.estimator=group compares them"),
        (["data.responses_per_prompt=1", "algorithm=reinforce", "adv.filter_groups=true"], "must be at least 2"),
        (["env=any"], "data.env needs a value"),
        (["actor=3"], "actor"),
        (["model.tiny=3"], "model.tiny"),
        (["model=hf"], "model.name needs a value: add model.name="),
        (["model.name=m"], "model.name=m beside the recipe of the tiny model, made for another: add model=hf"),
        (["data=file"], "data.train_path needs a value: add data.train_path="),
        (["critic.lr=1e-3"], "critic.lr: there is no critic here; it needs algorithm=ppo"),
        (["model.lora.r=8"], "model.lora.r: there is no model.lora here; it needs model=lora"),
        (["model=hf", "model.name=m", "model.tiny.layers=2"], "no model.tiny here; it needs model=tiny"),
        (["upgrade.tolerance=0.1"], "there is no upgrade here; it needs experiment=upgrade"),
        (["buffer.replay.groups=3"], "there is no buffer.replay here; it needs replay=policy_gradient"),
        (["experiment=upgrade", "model.name=m"], "an upgrade needs buffer.arrivals: its new domains"),
        (["sampler"], "override 'sampler' has no value"),
        (["model.warm_start=null", "model.warm_start.lr=1"], "it needs model=hf or model=tiny"),
        (
            ["model=lora", "model.name=m", "model.lora.target_modules=q_proj"],
            "model.lora.target_modules is a list: write model.lora.target_modules=[…]",
        ),
        (["actor.betas=0.9"], "actor.betas is a list: write actor.betas=[…]"),
        (["evaluation.top_p=2"], "evaluation.top_p must be above 0 and at most 1, not 2.0"),
        (["evaluation.min_p=2"], "evaluation.min_p must be from 0 to 1"),
        (["evaluation.top_k=0"], "evaluation.top_k must be at least 1"),
        (["env.level=2"], "unknown configuration key 'env.level': did you mean 'data.env_arguments.level'?"),
        (["model=huge"], "choose from hf, lora, tiny"),
        (["data=nothing"], "choose from file, procedural"),
        (["actor.lr=[1"], "actor.lr"),
        (["rollout.num_parallel=0"], "rollout.num_parallel must be at least 1, not 0"),
        (["actor.epochs=-1"], "actor.epochs must be at least 1"),
        (["actor.lr=-1"], "actor.lr must be at least 0"),
        (["actor.lr=nan"], "actor.lr"),
        (["rollout.temperature=0"], "rollout.temperature must be above 0"),
        (["rollout.temperature=nan"], "rollout.temperature"),
        (["model.dtype=float16"], "model.dtype must be one of auto, float32, bfloat16, not 'float16': take bfloat16"),
        (["model.weights=float16"], "model.weights must be one of float32, bfloat16"),
        (["actor.optimizer=adam"], "actor.optimizer must be one of adamw, adafactor, sgd"),
        (["actor.scheduler=step"], "actor.scheduler must be one of constant, linear, cosine"),
        (["actor.decay_steps=null"], "actor.scheduler=linear needs actor.decay_steps"),
        (["actor.scheduler=constant"], "actor.scheduler=constant needs no actor.decay_steps, but there are 250"),
        (["actor.warmup_ratio=0.1", "actor.warmup_steps=3"], "actor.warmup_ratio is a share of actor.decay_steps"),
        (["actor.warmup_ratio=1.5"], "actor.warmup_ratio must be from 0 to 1"),
        (["actor.warmup_steps=250"], "actor.warmup_steps=250 must be below decay_steps=250"),
        (["actor.betas=[0.9]"], "actor.betas must be two numbers"),
        (["actor.betas=[0.9,1.0]"], "actor.betas must be two numbers"),
        (["model=lora", "model.name=m", "actor.ref_period=2"], "actor.ref_period: with model.lora"),
        (["model=hf", "model.name=m", "model.warm_start.path=x"], "set how many steps"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(overrides, message):
    with pytest.raises(ConfigError) as error:
        load_config(overrides=overrides)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "override",
    [
        "actor.clip=-0.1",
        "actor.clip=nan",
        "actor.max_grad_norm=0",
        "actor.max_grad_norm=-1",
        "actor.max_grad_norm=nan",
        "actor.weight_decay=-1",
        "actor.lr=inf",
        "rollout.temperature=inf",
        "rollout.max_length=0",
        "rollout.patience=0",
        "rollout.deadline=0",
        "evaluation.temperature=-1",
        "model.warm_start.tool_share=2",
        "model.warm_start.batch_size=0",
        "model.warm_start.check_every=0",
        "model.warm_start.lr=-1",
        "model.tiny.hidden_size=0",
    ],
)
def test_values_that_no_run_can_use_are_refused(override):
    """``clip=-0.1`` clamps ratios to nonsense, ``max_grad_norm=0`` learns nothing, ``check_every=0`` divides by it."""
    with pytest.raises(ConfigError, match=override.split("=")[0]):
        load_config(overrides=[override])


def test_an_unknown_configuration_name_lists_those_there_are():
    with pytest.raises(ConfigError, match="choose from grpo"):
        load_config("nothing")


def test_saved_and_reloaded_it_is_the_same(tmp_path):
    config = load_config(overrides=["seed=3", "actor.lr=1e-7", "trainer.save_dir=/tmp/x"])
    save_config(config, tmp_path / "config.yaml")
    assert reload_config(tmp_path / "config.yaml") == config
    save_config(reload_config(tmp_path / "config.yaml"), tmp_path / "again.yaml")
    assert (tmp_path / "again.yaml").read_bytes() == (tmp_path / "config.yaml").read_bytes()


def test_a_resumed_run_takes_overrides(tmp_path):
    path = tmp_path / "config.yaml"
    save_config(load_config(), path)
    found = reload_config(path, ["trainer.steps=999", "evaluation.every=7"])
    expected = asdict(load_config())
    expected["trainer"]["steps"], expected["evaluation"]["every"] = 999, 7
    assert asdict(found) == expected


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["actor.lrr=1"], "did you mean 'actor.lr'?"),
        (["+new=1"], "unknown configuration key 'new'"),
        (["trainer.steps"], "trainer.steps"),
        (["trainer.steps=many"], "trainer.steps"),
        (["trainer.keep=0"], "trainer.keep must be at least 1"),
        (["actor.lr=1e-5"], "actor.lr cannot change on resume"),
        (["model=hf"], "model"),
    ],
)
def test_wrong_overrides_of_a_resumed_run_are_said_in_one_line(tmp_path, overrides, message):
    save_config(load_config(), tmp_path / "config.yaml")
    with pytest.raises(ConfigError) as error:
        reload_config(tmp_path / "config.yaml", overrides)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(ConfigError, match="not a run to resume"):
        reload_config(tmp_path / "config.yaml")


@pytest.mark.parametrize("text", ["", "a: [", "- 1\n- 2\n", "seed: 1\n", "42\n"])
def test_a_damaged_saved_configuration_is_a_clear_error(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        reload_config(path)


@pytest.mark.parametrize(
    "name", ["grpo", "dr_grpo", "dapo", "gspo", "cispo", "rloo", "reinforce", "reinforce_pp", "ppo"]
)
def test_every_algorithm_is_a_configuration_and_the_same_recipe_in_python(name):
    teacher = ["adv.teacher=x"] if name == "distillation" else []
    config = load_config(overrides=[f"algorithm={name}", *teacher])
    assert make_recipe(config.actor, config.adv) == find_recipe(name)


DISTILLATION = ["algorithm=distillation", "adv.teacher=m"]


def test_names_in_the_configuration_are_those_of_the_registries():
    assert set(POLICY_LOSSES) == set(losses.POLICY_LOSSES)
    assert set(KL_ESTIMATORS) == set(losses.KL_ESTIMATORS)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["algorithm=best"], "choose from cispo, dapo, distillation, dr_grpo, gr"),
        (["actor.policy_loss=ppo"], "actor.policy_loss must be one of clip, gspo, cispo, reinforce, not 'ppo'"),
        (["adv.estimator=gae"], "adv.estimator=gae needs a critic: take algorithm=ppo"),
        (["algorithm=ppo", "critic=null"], "adv.estimator=gae needs a critic"),
        (["algorithm=ppo", "adv.estimator=group"], "adv.estimator=group reads no critic: set critic=null"),
        (["algorithm=distillation"], "adv.estimator=distillation needs adv.teacher, a folder or hub name"),
        (["adv.teacher=x"], "adv.estimator=group reads no adv.teacher"),
        (["actor.correction_cap=0.5"], "actor.correction_cap must be at least 1, a ratio, not 0.5"),
        (["adv.overlong_share=2"], "adv.overlong_share must be from 0 to 1"),
        (["actor.dual_clip=1"], "actor.dual_clip must be above 1"),
        (["actor.kl_coef=0", "actor.ref_period=2"], "actor.ref_period=2 would do nothing"),
        (["actor.ref_update=ema"], "actor.ref_update=ema would do nothing"),
        (["parallel.critic={tp: 2}"], "there is no critic"),
        (["actor.kl_coef=0", "parallel.reference={tp: 2}"], "no KL term"),
        (["rollout.backend=vllm", "rollout.options={api_key: secret}"], "set VLLM_API_KEY"),
        (["actor.value_clip=0.5"], "actor.value_clip=0.5 would do nothing"),
        (["actor.normaliser=8"], "actor.normaliser=8 would do nothing"),
        (["algorithm=rloo", "actor.clip_high=0.3"], "actor.clip_high=0.3 would do nothing"),
        (["algorithm=cispo", "actor.dual_clip=3"], "actor.dual_clip=3.0 would do nothing"),
        (["adv.by_turn=true"], "adv.by_turn=True would do nothing"),
        (["adv.gamma=0.9"], "adv.gamma=0.9 would do nothing"),
        (["adv.whiten=false"], "adv.whiten=False would do nothing"),
        ([*DISTILLATION, "actor.kl_coef=0.1", "actor.ref_period=2"], "actor.ref_period=2 would do nothing"),
        ([*DISTILLATION, "actor.kl_coef=0.1", "actor.kl_in=reward"], "actor.kl_in=reward would do nothing"),
        ([*DISTILLATION, "adv.filter_groups=true"], "adv.filter_groups=True would do nothing"),
        ([*DISTILLATION, "adv.overlong_share=0.2"], "adv.overlong_share=0.2 would do nothing"),
        (
            ["actor.ref_period=2", "actor.ref_update=ema", "model.weights=bfloat16"],
            "actor.ref_update=ema needs model.weights=float32",
        ),
    ],
)
def test_values_of_algorithms_that_do_not_fit_are_refused_in_one_line(overrides, message):
    with pytest.raises(ConfigError) as error:
        load_config(overrides=overrides)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce", "reinforce_pp"])
def test_what_compares_nothing_needs_one_response_a_task(algorithm):
    config = load_config(overrides=[f"algorithm={algorithm}", "data.responses_per_prompt=1"])
    assert config.data.responses_per_prompt == 1


RECIPES = [([], True), (["env=coding"], True), (["env=multi_domain"], True), (["env=InfiniteRL/Orz-v0"], False)]


@pytest.mark.parametrize(("overrides", "known"), [*RECIPES, (["data=file", "data.train_path=x"], True)])
def test_the_tiny_model_has_recipes_for_what_it_can_learn(overrides, known):
    assert has_recipe(load_config(overrides=overrides)) == known


def test_an_experiment_with_a_file_takes_it_and_any_other_names_the_run():
    continual = load_config(overrides=["experiment=continual", "sampler=per"])
    assert (continual.experiment, continual.data.env) == ("continual", "InfiniteRL/MultiDomain-v0")
    assert continual.buffer.arrivals == {"coding": 30, "logic": 60, "text": 90}
    assert continual.buffer.sampler == "per"
    mine = load_config(overrides=["experiment=mine"])
    assert (mine.experiment, mine.data.env, mine.buffer.arrivals) == ("mine", "InfiniteRL/Math-v0", None)


def test_domains_come_in_by_dotted_names_and_as_a_mapping():
    dotted = load_config(overrides=["buffer.arrivals.coding=3", "buffer.arrivals.text/rewriting=5"])
    assert dotted.buffer.arrivals == {"coding": 3, "text/rewriting": 5}
    whole = ["buffer.arrivals={coding/caesar: 3, text: 5}"]
    assert load_config(overrides=whole).buffer.arrivals == {"coding/caesar": 3, "text": 5}
    # A mapping takes the place of the experiment's; a name changes one of them.
    assert load_config(overrides=["experiment=continual", *whole]).buffer.arrivals == {"coding/caesar": 3, "text": 5}
    one = load_config(overrides=["experiment=continual", "buffer.arrivals.coding=7"])
    assert one.buffer.arrivals == {"coding": 7, "logic": 60, "text": 90}


def test_the_samplers_of_stored_groups_are_those_that_there_are():
    assert set(REPLAY_SAMPLERS) == set(REPLAY_PRESETS) - {"anchors"}


def test_a_mapping_of_arguments_takes_the_place_of_a_file_s():
    found = load_config(overrides=["env=multi_domain", "data.env_arguments.weights={text: 2}"])
    assert found.data.env_arguments["weights"] == {"text": 2}
