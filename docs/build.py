"""Writes the pages of environments, families, algorithms, measurements, the trainer's configuration, and commands.

They come from the classes' docstrings, the registration table, the floors that ``benchmarks/floors.py`` has measured,
the values in ``config/``, and the parsers of the command line. Run ``python docs/build.py`` after changing any of them;
a test compares the pages with what this makes.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

from omegaconf import OmegaConf

from infinite_rl.agents.algorithms import metrics as metric_names
from infinite_rl.agents.config import TrainConfig
from infinite_rl.agents.runs.load_config import CONFIG_DIR, load_config
from infinite_rl.cli import COMMANDS, EXAMPLES, make_parser
from infinite_rl.datasets.coding.families import FAMILIES as CODING
from infinite_rl.datasets.reasoning.families import DOMAINS, FAMILIES
from infinite_rl.envs.registration import ENVIRONMENTS, Row

sys.path.append(str(Path(__file__).parent))  # where tests load this file
import algorithm_pages
import performance_page

PAGES = Path(__file__).parent / "environments"
FAMILIES_PAGE = Path(__file__).parent / "families.md"
CONFIGURATION_PAGE = Path(__file__).parent / "configuration.md"
METRICS_PAGE = Path(__file__).parent / "metrics.md"
COMMANDS_PAGE = Path(__file__).parent / "commands.md"
# Folders of config/ whose files people name on the command line.
GROUPS = ("algorithm", "env", "model", "data", "replay", "experiments")
# What a cell of a table may not hold as it is.
CELL = str.maketrans({"|": "\\|", "<": "&lt;"})
# An entry of a docstring's list of attributes.
ENTRY = r"(?ms)^    (\w+): (.*?)(?=^    \w+: |\Z)"
FLOORS: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "benchmarks" / "results" / "floors.json").read_text("utf-8")
)
POLICIES = ("empty", "copy", "constant", "majority", "random")

TEMPLATE = """\
<!-- Made by docs/build.py from the docstring of {environment}; change it there. -->
# {id}

{text}

| | |
|---|---|
| make | `gymnasium.make("{id}")` after `import infinite_rl` |
| many at once | `gymnasium.make_vec("{id}", num_envs=16)` |
| observation, action | text, as in every [text environment](../envs.md) |
| render modes | {render_modes} |
| reward threshold | {reward_threshold} |
| deterministic | yes: the same seed and actions give the same episode |

What policies earn on the test split that understand nothing, as measured by `benchmarks/floors.py`: *empty* says
nothing, *copy* repeats the prompt or a part of it, *constant* always gives the answer that earns most in training,
*majority* the most common solution of training, *random* that of some training task (see [families](../families.md)).

| level | tasks | empty | copy | constant | majority | random |
|---|---|---|---|---|---|---|
{floors}
"""

FAMILIES_TEMPLATE = """\
<!-- Made by docs/build.py from the families' docstrings and benchmarks/results/floors.json; change it there. -->
# Families of tasks

{count} families: {counts}. `ReasoningSource` and `CodingSource` draw from them (see [datasets](datasets.md)).

Each is judged by value (`math`), as text (`eq`), as a choice (`multiple_choice`), by the family itself where there are
many right answers (`family`), or by hidden tests (`coding`). *Chance* is what a family declares: the most that luck
earns at each level. The other columns are mean rewards, measured by `python benchmarks/floors.py` on tasks of the test
split: of empty answers; of copies of the prompt, its first line or its end; of the constant that earns most in
training; of the most common solution; and of another task's solution. Four numbers are those of levels 1 to 4; one
number holds at all levels. They are means of {least} to {most} tasks, so that luck may move them by a few hundredths.

{tables}
"""


CONFIGURATION_TEMPLATE = """\
<!-- Made by docs/build.py from agents/config.py and config/; change it there. -->
# Configuration of the trainer

Every key of `python -m agents.train`, with its value in the default job, and where it is another, that with `model=hf`:
a model of yours. `critic` is there with `algorithm=ppo`, `model.lora` with `model=lora`, which also takes
`actor.lr=1e-5` and `model.weights=bfloat16`; `buffer.replay` with `replay=policy_gradient`, `buffer.anchors` with
`replay=anchors`, `upgrade` with `experiment=upgrade`. `KEY=VALUE` on the command line overrides a value;
`algorithm=NAME`, `env=NAME` and so on override several at once, by the files of `config/`:
{choices}.
`sampler=NAME` is `buffer.sampler=NAME`; any other `experiment` just names the run. See [training](training.md).

{sections}
"""


METRICS_TEMPLATE = """\
<!-- Made by docs/build.py from agents/algorithms/metrics.py; change it there. -->
# Metrics of a training run

The numbers of `metrics.jsonl`, by name; [running](running.md) tells where else they go, and what `timing.jsonl` has.
{text}

Rows of phase `eval` hold those of the rollout for a held-out `split`, and `standard_error`, that of the pass rate.
Rows of phase `warmup` hold `loss` and `validation_loss`, of the demonstrations in training and of the validation split,
and `validation_pass_rate`. Rows of phase `curriculum` come with the evaluations of the validation split and tell, for
each domain that has come in, what is known of it and how it was practised: see [buffers](buffers.md).
"""


COMMANDS_TEMPLATE = """\
<!-- Made by docs/build.py from cli.py and the commands' parsers; change it there. -->
# Commands

`infinite-rl COMMAND`, or `python -m infinite_rl.cli COMMAND`; `--help` after any of them says what stands here, and
`--version` before them the version. Training has a command of its own, `python -m agents.train`; see
[configuration](configuration.md).

The exit code is 0; 1 where a command found what it looks for, or did not reach its aim; 2 where an argument is wrong,
with one line that says what to do; 130 where Ctrl-C breaks work off. Servers (`serve`, `search-service`) and a person
who plays end by Ctrl-C as they should, with 0. Results go to standard output, errors and progress to standard error.

```bash
{examples}
```

| command | does |
|---|---|
{table}

{sections}
"""


def page(row: Row) -> str:
    """The page of one environment, Markdown."""
    environment = row.load()
    return TEMPLATE.format(
        id=row.id,
        environment=environment.__name__,
        text=markdown(inspect.getdoc(environment) or ""),
        render_modes=", ".join(f"`{mode}`" for mode in environment.metadata["render_modes"]),
        reward_threshold="none" if row.reward_threshold is None else row.reward_threshold,
        floors="\n".join(
            line(level, of["count"], *(f"{of[policy]:.3f}" for policy in POLICIES))
            for level, of in sorted(FLOORS.get(row.id, {}).items())
        ),
    )


def families() -> str:
    """The page of all families, Markdown."""
    domains = {domain: [*names] for domain, names in DOMAINS.items()} | {"coding": [*CODING]}
    tables = [f"## {domain.capitalize()}\n\n{table(domain, names)}" for domain, names in domains.items()]
    tasks = [of["count"] for levels in FLOORS.values() for of in levels.values()]
    return FAMILIES_TEMPLATE.format(
        least=min(tasks),
        most=max(tasks),
        count=sum(map(len, domains.values())),
        counts=", ".join(f"{len(names)} of {domain}" for domain, names in domains.items()),
        tables="\n\n".join(tables),
    )


def configuration() -> str:
    """The page of the trainer's configuration, Markdown."""
    values = OmegaConf.structured(load_config())
    named = ["algorithm=ppo", "model.name=NAME"]
    others = [OmegaConf.structured(load_config(overrides=[*named, f"model={model}"])) for model in ("hf", "lora")]
    upgrade = ["experiment=upgrade", "model.name=NAME", "buffer.arrivals.NAME=0"]
    ways = (["replay=policy_gradient"], ["replay=anchors", "buffer.arrivals.NAME=1"], upgrade)
    replays = [OmegaConf.structured(load_config(overrides=way)) for way in ways]
    folders = {
        folder.removesuffix("s"): sorted(path.stem for path in (CONFIG_DIR / folder).glob("*.yaml"))
        for folder in GROUPS
    }
    return CONFIGURATION_TEMPLATE.format(
        choices="; ".join(f"`{name}`: " + ", ".join(f"`{n}`" for n in names) for name, names in folders.items()),
        sections="\n\n".join(
            section(name, schema, values, replays if name.startswith(("buffer.", "upgrade")) else others)
            for name, schema in sections()
        ),
    )


def sections(schema: type = TrainConfig, prefix: str = "") -> Iterator[tuple[str, type]]:
    """The dotted name of each section of the configuration, and its class."""
    yield prefix, schema
    for name, kind in get_type_hints(schema).items():
        for one in (kind, *get_args(kind)):
            if is_dataclass(one):
                yield from sections(cast(type, one), f"{prefix}.{name}" if prefix else name)


def section(name: str, schema: type, values: Any, others: list[Any]) -> str:
    """The table of one section."""
    text, _, entries = (inspect.getdoc(schema) or "").partition("Attributes:")
    meanings = {key: " ".join(meaning.split()) for key, meaning in re.findall(ENTRY, entries)}
    other_way = "when on" if OmegaConf.select(values, name or "seed") is None else "with `model=hf`"
    rows = [line("key", "value", other_way, "meaning"), line(*["---"] * 4)]
    hints = get_type_hints(schema)
    for field in fields(schema):
        if any(is_dataclass(kind) for kind in (hints[field.name], *get_args(hints[field.name]))):
            continue
        key = f"{name}.{field.name}" if name else field.name
        shown = select(values, key)
        # Of a section that is null without it: with ``model=lora``.
        other = next((found for one in others if (found := select(one, key)) != "null"), "null")
        meaning = meanings.get(field.name, "").replace("``", "`").replace("|", "\\|")
        rows.append(line(f"`{key}`", f"`{shown}`", "" if other == shown else f"`{other}`", meaning))
    title = f"## {name}" if name else "## The run"
    return "\n".join([title, "", " ".join(text.replace("``", "`").split()), "", *rows])


def select(values: Any, key: str) -> str:
    """The value of a key, as JSON."""
    value = OmegaConf.select(values, key)
    return json.dumps(OmegaConf.to_container(value) if OmegaConf.is_config(value) else value)


def table(domain: str, names: Iterable[str]) -> str:
    """What the families of one domain ask, how they are judged, and what their floors are."""
    coding = domain == "coding"
    rows = [line("family", "asks", "level" if coding else "judged by", "chance", *POLICIES), line(*["---"] * 9)]
    for name in names:
        family = CODING[name] if coding else FAMILIES[name]
        asks = (inspect.getdoc(type(family)) or "").split("\n\n")[0].replace("\n", " ")
        floors = FLOORS.get(f"{domain}/{name}", {})
        measured = [numbers([of[policy] for _, of in sorted(floors.items())]) for policy in POLICIES]
        kind, chance = (CODING[name].level, (0.0,)) if coding else (f"`{FAMILIES[name].grader}`", FAMILIES[name].chance)
        rows.append(line(f"`{name}`", asks.replace("|", "\\|").replace("``", "`"), kind, numbers(chance), *measured))
    return "\n".join(rows)


def numbers(values: Iterable[float]) -> str:
    """Numbers by level, or the one that all are."""
    texts = [f"{value:.2f}" for value in values]
    return " ".join(texts if len(set(texts)) > 1 else texts[:1]) or "not measured"


def line(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def markdown(docstring: str) -> str:
    """A docstring's ``Name: text`` entries as a list, its double backquotes as single ones."""
    entries = re.sub(r"\n(?=[A-Z]\w*: )", "\n- ", docstring.replace("``", "`"))
    return re.sub(r"^- (\w+): ", r"- **\1**: ", entries, flags=re.MULTILINE)


def metrics() -> str:
    """The page of metrics, Markdown."""
    text = inspect.cleandoc(metric_names.__doc__ or "").partition("\n\n")[2]
    text = re.sub(r"^(?=\S)(.*)$", r"\n\1\n", text, flags=re.MULTILINE)  # what stands above a list
    text = re.sub(r"^ {4}(?=``)", "- ", text, flags=re.MULTILINE)
    return METRICS_TEMPLATE.format(text=re.sub(r"\n{3,}", "\n\n", text.replace("``", "`")))


def commands() -> str:
    """The page of the commands, Markdown."""
    subparsers = next(one for one in make_parser()._actions if isinstance(one, argparse._SubParsersAction))
    return COMMANDS_TEMPLATE.format(
        examples=EXAMPLES,
        table="\n".join(line(f"[`{name}`](#{name})", command.help) for name, command in COMMANDS.items()),
        sections="\n\n".join(command_section(name, parser) for name, parser in subparsers.choices.items()),
    )


def command_section(name: str, parser: argparse.ArgumentParser) -> str:
    """What one command does, its arguments, and examples."""
    help, _, examples = COMMANDS[name]
    rows = []
    for group in parser._action_groups:
        if group.title not in ("positional arguments", "options"):
            rows.append(line(f"**{group.title}**", group.description or ""))
        for action in group._group_actions:
            if action.dest != "help":
                rows.append(line(f"`{written(action)}`", told(action)))
    parts = [f"## {name}", f"{help[0].upper()}{help[1:]}."]
    parts += ["\n".join([line("argument", "meaning"), line("---", "---"), *rows])] if rows else []
    parts += [f"```bash\n{examples}\n```"] if examples else []
    return "\n\n".join(parts)


def written(action: argparse.Action) -> str:
    """How an argument is written on the command line."""
    names = action.metavar or "\\|".join(map(str, action.choices or ())) or action.dest.upper()
    value = names if isinstance(names, str) else " ".join(names)
    value = {"*": f"[{value} ...]", "+": f"{value} ..."}.get(str(action.nargs), value)
    if not action.option_strings:
        return value
    return ", ".join(action.option_strings) + (f" {value}" if action.nargs != 0 else "")


def told(action: argparse.Action) -> str:
    """What an argument means."""
    text = " ".join((action.help or "").replace("%%", "%").split())
    return (f"{text} (required)" if action.required and action.option_strings else text).translate(CELL)


def path_of(row: Row) -> Path:
    """Where the page lies: ``Math-v0`` is ``math.md``."""
    return PAGES / f"{row.name.rsplit('-v', 1)[0].lower()}.md"


def main() -> None:
    """Writes every page."""
    PAGES.mkdir(exist_ok=True)
    for row in ENVIRONMENTS:
        path_of(row).write_text(page(row), encoding="utf-8")
    FAMILIES_PAGE.write_text(families(), encoding="utf-8")
    CONFIGURATION_PAGE.write_text(configuration(), encoding="utf-8")
    METRICS_PAGE.write_text(metrics(), encoding="utf-8")
    COMMANDS_PAGE.write_text(commands(), encoding="utf-8")
    performance_page.PAGE.write_text(performance_page.page(), encoding="utf-8")
    algorithm_pages.PAGES.mkdir(exist_ok=True)
    for path, text in algorithm_pages.pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
