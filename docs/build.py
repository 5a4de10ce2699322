"""Writes the pages of the environments from the classes' docstrings and the registration table.

Run ``python docs/build.py`` after changing either; a test compares the pages with what this makes.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from infinite_rl.envs.registration import ENVIRONMENTS, Row

PAGES = Path(__file__).parent / "environments"

TEMPLATE = """\
<!-- Made by docs/build.py from the docstring of {environment}; change it there. -->
# {id}

{text}

| | |
|---|---|
| make | `gymnasium.make("{id}")` after `import infinite_rl` |
| many at once | `gymnasium.make_vec("{id}", num_envs=16)` |
| observation, action | text, as in every text environment (see `docs/envs.md`) |
| render modes | {render_modes} |
| reward threshold | {reward_threshold} |
| deterministic | yes: the same seed and actions give the same episode |
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
    )


def markdown(docstring: str) -> str:
    """A docstring's ``Name: text`` entries as a list, its double backquotes as single ones."""
    entries = re.sub(r"\n(?=[A-Z]\w*: )", "\n- ", docstring.replace("``", "`"))
    return re.sub(r"^- (\w+): ", r"- **\1**: ", entries, flags=re.MULTILINE)


def path_of(row: Row) -> Path:
    """Where the page lies: ``Math-v0`` is ``math.md``."""
    return PAGES / f"{row.name.rsplit('-v', 1)[0].lower()}.md"


def main() -> None:
    """Writes every page."""
    PAGES.mkdir(exist_ok=True)
    for row in ENVIRONMENTS:
        path_of(row).write_text(page(row), encoding="utf-8")


if __name__ == "__main__":
    main()
