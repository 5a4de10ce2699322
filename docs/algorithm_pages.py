"""The pages of algorithms, from ``config/algorithm/``, docstrings and ``benchmarks/results/algorithms.json``."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from infinite_rl.agents.config import ActorConfig, AdvConfig, CriticConfig
from infinite_rl.agents.credit.estimators import ESTIMATORS
from infinite_rl.agents.losses.aggregation import sequence_weights
from infinite_rl.agents.losses.policy import POLICY_LOSSES
from infinite_rl.agents.losses.terms import KL_ESTIMATORS, value_loss
from infinite_rl.agents.runs.load_config import CONFIG_DIR

ROOT = Path(__file__).resolve().parents[1]
PAGES = Path(__file__).parent / "algorithms"
RESULTS: list[dict[str, Any]] = json.loads((ROOT / "benchmarks/results/algorithms.json").read_text("utf-8"))
SCHEMAS = {"actor": ActorConfig, "adv": AdvConfig, "critic": CriticConfig}
ENTRY = r"(?ms)^    (\w+): (.*?)(?=^    \w+: |\Z)"
# Names as papers write them, and when one would take each, in the order of the overview.
ALGORITHMS = {
    "grpo": (
        "GRPO",
        "The place to begin: no critic, one update from fresh samples, few keys. It needs tasks that are solved "
        "sometimes: a group whose rewards are all equal teaches nothing.",
    ),
    "dr_grpo": (
        "Dr. GRPO",
        "Where responses get longer without getting better, or easy and impossible tasks pull too hard: GRPO's "
        "division by lengths favours long wrong answers, that by standard deviations tasks that are nearly always "
        "or nearly never solved.",
    ),
    "dapo": (
        "DAPO",
        "For long reasoning, and where many groups are all right or all wrong: those are drawn anew, so that every "
        "step learns from full groups, at the price of more samples; unlikely tokens may grow faster, and responses "
        "that come near the limit are punished softly.",
    ),
    "gspo": (
        "GSPO",
        "For mixtures of experts and long responses, where ratios of single tokens are noisy: the trust region is that "
        "of whole sequences, and hundreds of times narrower.",
    ),
    "cispo": (
        "CISPO",
        "With several updates from the same samples, or old ones: tokens that clipping would silence (rare ones, which "
        "often matter) keep their gradient.",
    ),
    "rloo": (
        "RLOO",
        "The plain, unbiased policy gradient with a baseline from the other responses; with a KL penalty, where the "
        "policy should stay near its start.",
    ),
    "reinforce": (
        "REINFORCE",
        "The baseline of baselines, and for groups of one response: the mean of the batch is the baseline.",
    ),
    "reinforce_pp": (
        "REINFORCE++",
        "Groups of one response, with a trust region and a KL penalty for each token.",
    ),
    "ppo": (
        "PPO",
        "Episodes of many turns, where a critic can tell which of them were worth something (`adv.by_turn=true` takes "
        "a turn as one action). It costs a second model with its optimizer.",
    ),
    "distillation": (
        "On-policy distillation",
        "Where a stronger model with the same tokenizer is at hand: every token is taught, and no rewards are needed. "
        "`adv.teacher=FOLDER` names it.",
    ),
}

TEMPLATE = """\
<!-- Made by docs/build.py from config/algorithm/{name}.yaml and docstrings; change it there. -->
# {title}

{what}

```bash
python -m agents.train algorithm={name}{needs}
```

**When.** {when}

## What it computes

{terms}

## Keys

What `algorithm={name}` sets, beside the values of `config/grpo.yaml`; each can be overridden on the command line, and
[configuration](../configuration.md) has all others.

| key | here | else | meaning |
|---|---|---|---|
{keys}

## What was measured

{measured}
"""

INDEX = """\
<!-- Made by docs/build.py from config/algorithm/*.yaml and benchmarks/results/algorithms.json; change it there. -->
# Algorithms

An algorithm is a recipe: an estimator of advantages, a policy loss, how tokens weigh, and where a KL term goes. Each
part is a pure function with its equation and paper, and `algorithm=NAME` takes a file of values for them.
[Training](../training.md#algorithms) tells what all have in common.

| algorithm | advantage | loss | tokens weigh by | KL | gain |
|---|---|---|---|---|---|
{rows}

The gain is that in pass rate on held-out tasks of the default job, the mean of three seeds, with nothing tuned for any
of them: the differences say little about other tasks, and that all learn says that the parts are right.

![Pass rates: they rise with all of them, and not with shuffled rewards](../../benchmarks/results/algorithms.png)
"""


def pages() -> dict[Path, str]:
    """All pages by where they lie."""
    found = sorted(path.stem for path in (CONFIG_DIR / "algorithm").glob("*.yaml"))
    if found != sorted(ALGORITHMS):
        raise ValueError(f"docs/algorithm_pages.py describes {sorted(ALGORITHMS)}, config/algorithm/ has {found}")
    return {PAGES / f"{name}.md": page(name) for name in ALGORITHMS} | {PAGES / "index.md": index()}


def page(name: str) -> str:
    """The page of one algorithm, Markdown."""
    title, when = ALGORITHMS[name]
    text = (CONFIG_DIR / "algorithm" / f"{name}.yaml").read_text("utf-8")
    return TEMPLATE.format(
        name=name,
        title=title,
        when=when,
        what=linked(" ".join(line[2:] for line in text.splitlines() if re.match(r"# (?!@)", line))),
        needs=" adv.teacher=path/to/teacher" if name == "distillation" else "",
        terms="\n\n".join(terms(name)),
        keys="\n".join(keys(name)),
        measured=measured(name),
    )


def values(name: str | None = None) -> Any:
    """The values of a run by this algorithm, or of one by none."""
    files = [CONFIG_DIR / "grpo.yaml", *([CONFIG_DIR / "algorithm" / f"{name}.yaml"] if name else [])]
    return OmegaConf.merge(*(OmegaConf.load(path) for path in files))


def terms(name: str) -> list[str]:
    """What it computes, part by part, in the words of their docstrings."""
    found = values(name)
    actor, adv = found.actor, found.adv
    weights = dict(re.findall(r"``(\w+)``: (.*?)(?=; ``|\.$)", entry(sequence_weights, "aggregation")))
    parts = [
        f"**Advantage**, `adv.estimator={adv.estimator}`: {prose(ESTIMATORS[adv.estimator])}",
        f"**Loss** of each token, `actor.policy_loss={actor.policy_loss}`: {prose(POLICY_LOSSES[actor.policy_loss])}",
        f"**Tokens weigh**, `actor.aggregation={actor.aggregation}`: {linked(weights[actor.aggregation])}.",
    ]
    if actor.kl_coef:
        where = "taken off the reward of each token" if actor.kl_in == "reward" else "added to the loss of each token"
        parts.append(
            f"**KL** to the reference, {where} with weight {actor.kl_coef}, `actor.kl_estimator="
            f"{actor.kl_estimator}`: {prose(KL_ESTIMATORS[actor.kl_estimator])}"
        )
    if found.critic:
        parts.append(f"**Critic**, with weight {actor.value_coef}: {prose(value_loss)}")
    extras = [key for key in ("filter_groups", "overlong_share") if adv[key]]
    parts += [f"**Besides**, `adv.{key}={str(adv[key]).lower()}`: {meaning('adv', key)}" for key in extras]
    return parts


def keys(name: str) -> list[str]:
    """The rows of the table of keys."""
    here: Any = OmegaConf.to_container(OmegaConf.load(CONFIG_DIR / "algorithm" / f"{name}.yaml"))
    others: Any = OmegaConf.to_container(values())
    rows = []
    for section, key, value in ((name, key, value) for name, given in here.items() for key, value in given.items()):
        plain = (others[section] or {}).get(key)
        told = "to be given" if value == "???" else f"`{json.dumps(value)}`"
        other = "" if plain == value else "none" if plain is None else f"`{json.dumps(plain)}`"
        rows.append(f"| `{section}.{key}` | {told} | {other} | {meaning(section, key)} |")
    return rows


def measured(name: str) -> str:
    """What ``benchmarks/algorithms.py`` found."""
    true, shuffled = (
        [r for r in RESULTS if r["algorithm"] == name and r["shuffled"] is kind] for kind in (False, True)
    )
    if not true:
        return "It is not among the runs of `benchmarks/results/algorithms.json`; tests hold its loss to closed forms."
    rows = ["| seed | steps | test before | test after | gain | CPU s |", "|---|---:|---:|---:|---:|---:|"]
    for row in [*true, *shuffled]:
        seed = f"{row['seed']}, rewards shuffled" if row["shuffled"] else row["seed"]
        error = f"{row['test_after']:.3f} ± {row['test_after_se']:.3f}"
        rows.append(
            f"| {seed} | {row['steps']} | {row['test_before']:.3f} | {error} | {row['gain']:+.3f} "
            f"| {row['cpu_seconds']:.0f} |"
        )
    return (
        "Pass rates on the test split of the default job, a tiny model that learns to add on one core "
        f"(`python benchmarks/algorithms.py --algorithms {name}`); with rewards shuffled among responses nothing is to "
        "be learnt, and nothing is:\n\n" + "\n".join(rows)
    )


def index() -> str:
    """The overview, Markdown."""
    rows = []
    for name, (title, _) in ALGORITHMS.items():
        found = values(name)
        gains = [row["gain"] for row in RESULTS if row["algorithm"] == name and not row["shuffled"]]
        term = f"`{found.actor.kl_estimator}` in the {found.actor.kl_in}" if found.actor.kl_coef else "none"
        gain = f"{sum(gains) / len(gains):+.3f}" if gains else "not measured"
        cells = (found.adv.estimator, found.actor.policy_loss, found.actor.aggregation)
        rows.append(f"| [{title}]({name}.md) | {' | '.join(f'`{cell}`' for cell in cells)} | {term} | {gain} |")
    return INDEX.format(rows="\n".join(rows))


def prose(function: Any) -> str:
    """A docstring without its lists of arguments and errors, on one line."""
    text = re.split(r"\n\n(?:Args|Returns|Raises):", inspect.getdoc(function) or "")[0]
    return linked(text)


def entry(function: Any, name: str) -> str:
    """What a docstring says of an argument."""
    return " ".join(dict(re.findall(ENTRY, inspect.getdoc(function) or ""))[name].split())


def meaning(section: str, key: str) -> str:
    """What the configuration says of a key."""
    found = dict(re.findall(ENTRY, inspect.getdoc(SCHEMAS[section]) or ""))
    return " ".join(found[key].replace("``", "`").split())


def linked(text: str) -> str:
    """Papers as links, and what Markdown would read otherwise as it stands."""
    text = " ".join(text.replace("``", "`").split()).replace("*", r"\*")
    return re.sub(r"arXiv:(\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)
