r"""Known benchmarks: where their tasks come from, and the prompts they are asked by.

The tasks are read from the files that the authors publish, by `read_rows_with_tasks`; the prompts are ours. A prompt
style that changes what models see or how answers are found gets a new version of its benchmark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...datasets.files import Place, read_rows_with_tasks
from ...datasets.naming import did_you_mean, listed
from ...datasets.task import Task, TaskList
from ...envs.episode import Episode
from ...envs.grading import Graders
from ...envs.text_env import TextEnv
from ...rewards import RewardFunctionScore
from ...rewards.boxed import boxed_as_tagged
from ...rewards.code.extraction import fenced_blocks
from ...rewards.extraction import visible_text
from .voting import tagged_answer

# Seconds that a program may run: some of HumanEval's own solutions take long in a sandbox.
_TIMEOUT = 15.0
# Around programs that were found already; one that models don't write.
_TAG = "program-of-the-benchmark"
# Where a text model has finished its function and goes on with something else (Chen et al. 2021, section 2.2).
STOPS = ("\nclass ", "\ndef ", "\nif ", "\nprint(", "\n#", "\n@")
# Servers take four at most; the others are cut off here.
SENT_STOPS = STOPS[:4]


@dataclass(frozen=True, slots=True)
class Style:
    """How the tasks of a benchmark are asked.

    Attributes:
        name: what ``--prompt`` calls it.
        text: the prompt; members of a row stand in braces.
        answer: how answers are found: ``boxed``, ``tagged``, ``block`` (a fenced program) or ``continuation``.
        continues: whether models go on with the text, by the completions API.
    """

    name: str
    text: str
    answer: str
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: what ``--benchmark`` calls it.
        version: of the prompts and of how answers are found.
        asks: one line for people.
        hub: its tasks there, as `load_tasks` wants it.
        styles: of prompts, the usual one first.
        size: how many tasks its authors published in this split.
        data: the fingerprint of these, where it is known.
    """

    name: str
    version: str
    asks: str
    hub: str
    styles: tuple[Style, ...]
    size: int
    data: str | None = None

    @property
    def split(self) -> str:
        """The split that is evaluated on."""
        return self.hub.partition("@")[0]

    def style(self, name: str | None) -> Style:
        """A prompt style; the usual one without a name.

        Raises:
            ValueError: there is none of this name.
        """
        names = [style.name for style in self.styles]
        if name is None:
            return self.styles[0]
        if name not in names:
            raise ValueError(f"--prompt: {self.name} has no style {name!r}; it has {listed(names)}")
        return self.styles[names.index(name)]

    def load(self, file: str | Path | None, style: Style) -> BenchmarkEnv:
        """The benchmark as an environment.

        Args:
            file: its tasks; None for those of the hub.
            style: how they are asked.

        Raises:
            ValueError: a row is malformed.
        """
        rows = [*read_rows_with_tasks(self.hub if file is None else file, domain=self.name)]
        published = TaskList([task for _, _, task in rows])
        return BenchmarkEnv(TaskList([*_asked(rows, style)]), style, published)


class BenchmarkEnv(TextEnv):
    """The tasks of a benchmark, graded as its field does.

    Args:
        tasks: its tasks.
        style: how they are asked, which decides where the answer of a response stands.
        published: the tasks as they were read, in whatever style.
    """

    domain = "benchmark"

    def __init__(self, tasks: TaskList, style: Style, published: TaskList) -> None:
        super().__init__(tasks)
        self.style, self.published = style, published
        programs = style.answer in ("block", "continuation")
        self.graders = Graders(
            "math", boxed=style.answer == "boxed", answer_tag=_TAG if programs else "answer", timeout=_TIMEOUT
        )
        self._find = {"block": program_of, "continuation": continued}.get(style.answer)

    def finish(self, episodes: Sequence[Episode]) -> list[RewardFunctionScore]:
        """Judges all episodes together."""
        if self._find is None:
            return self.graders.score(episodes)
        return self.graders.score([self._tagged(episode) for episode in episodes])

    def answer_of(self, episode: Episode) -> str | None:
        """What an episode answered."""
        if self._find is not None:
            return self._find(episode.response, episode.task.metadata)
        text = episode.response
        return tagged_answer(boxed_as_tagged(text) if self.graders.boxed else text, "math")

    def _tagged(self, episode: Episode) -> Episode:
        """An episode whose response is nothing but the program, in tags."""
        assert self._find is not None
        program = self._find(episode.response, episode.task.metadata)
        content = "" if program is None else f"<{_TAG}>\n```python\n{program}\n```\n</{_TAG}>"
        return Episode(episode.task, [{"role": "assistant", "content": content}])


def program_of(response: str, metadata: Mapping[str, Any]) -> str | None:
    """The program of a chat reply: the last fenced block that defines the function, else the last one.

    The lines in front of the function in the task, its imports and helpers, are put before it, as if the reply had
    gone on from there. Thinking is left out. Takes linear time.
    """
    blocks = [block.text for block in fenced_blocks(visible_text(response)) if block.text.strip()]
    if not blocks:
        return None
    defining = [text for text in blocks if f"def {metadata['function']}(" in text]
    preamble = str(metadata["preamble"])
    return f"{preamble}\n{(defining or blocks)[-1]}" if preamble else (defining or blocks)[-1]


def continued(response: str, metadata: Mapping[str, Any]) -> str | None:
    """The program that a text model completed: the task's text, then what follows up to the function's end."""
    ends = [place for stop in STOPS if (place := response.find(stop)) >= 0]
    body = response[: min(ends, default=len(response))]
    return f"{metadata['prompt']}{body}".rstrip() if body.strip() else None


def find_benchmark(name: str) -> Benchmark:
    """A benchmark by its name.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in BENCHMARKS:
        raise ValueError(f"no benchmark {name!r}.{did_you_mean(name, BENCHMARKS)} There are {listed(BENCHMARKS)}.")
    return BENCHMARKS[name]


def _asked(rows: Iterable[tuple[Place, Any, Task]], style: Style) -> Iterator[Task]:
    seen: dict[str, str] = {}
    for place, row, task in rows:
        if task.id in seen:
            raise ValueError(f'{place.where}: "id" {task.id!r} is that of {seen[task.id]}; ids must differ.')
        seen[task.id] = place.where
        fields = {str(name).lower(): value for name, value in row.items()}
        metadata = dict(task.metadata)
        if "function" in (task.answer if isinstance(task.answer, dict) else ()):
            metadata |= _of_program(fields, task.answer["function"])
        question = fields.get("question", fields.get("problem", fields.get("text", fields.get("prompt", ""))))
        tests = "\n".join(map(str, fields.get("test_list") or ()))
        text = style.text.replace("{tests}", tests).replace(
            "{question}", str(question) if style.continues else str(question).strip()
        )
        messages: tuple[dict[str, Any], ...] = ({"role": "user", "content": text},)
        yield Task(task.id, task.domain, messages, task.answer, metadata)


def _of_program(fields: Mapping[str, Any], function: str) -> dict[str, Any]:
    """What is needed to make a program of a reply; MBPP's prompts are no code."""
    prompt = "" if "test_list" in fields else str(fields.get("prompt", ""))
    before, found, _ = prompt.partition(f"def {function}(")
    return {"function": function, "prompt": prompt, "preamble": before.rstrip() if found else ""}


_STEPS = "Reason step by step, and put the final answer into \\boxed{}."
_BOXED = Style("boxed", f"{{question}}\n\n{_STEPS}", "boxed")
_AIME = Style("boxed", f"{{question}}\n\nThe answer is an integer from 0 to 999. {_STEPS}", "boxed")
_TAGGED = Style(
    "tagged", "{question}\n\nReason step by step, and give the final answer between <answer> and </answer>.", "tagged"
)
_BLOCK = "in one fenced block of Python code. The code must run on its own, with all imports that it needs."
_CHAT = Style(
    "chat",
    f"Complete this Python function.\n\n```python\n{{question}}\n```\n\nGive the whole function {_BLOCK}",
    "block",
)
_CONTINUE = Style("continue", "{question}", "continuation", continues=True)
_PROBLEM = Style(
    "chat",
    f"{{question}}\n\nThe code must pass these tests:\n\n```python\n{{tests}}\n```\n\nGive the function {_BLOCK}",
    "block",
)

BENCHMARKS = {
    one.name: one
    for one in (
        Benchmark(
            "gsm8k",
            "v1",
            "Grade-school word problems.",
            "test@openai/gsm8k:main",
            (_BOXED, _TAGGED),
            size=1_319,
            data="78dcc23c9bfade1a",
        ),
        Benchmark(
            "math-500",
            "v1",
            "Competition problems of MATH.",
            "test@HuggingFaceH4/MATH-500",
            (_BOXED, _TAGGED),
            size=500,
        ),
        Benchmark(
            "aime-2024",
            "v1",
            "AIME I and II of 2024.",
            "train@HuggingFaceH4/aime_2024",
            (_AIME, _TAGGED),
            size=30,
        ),
        Benchmark(
            "aime-2025",
            "v1",
            "AIME I and II of 2025.",
            "test@math-ai/aime25",
            (_AIME, _TAGGED),
            size=30,
        ),
        Benchmark(
            "humaneval",
            "v1",
            "Python functions by docstring.",
            "test@openai/openai_humaneval",
            (_CHAT, _CONTINUE),
            size=164,
            data="4b23eebfe628cd50",
        ),
        Benchmark(
            "mbpp",
            "v1",
            "Small Python functions.",
            "test@google-research-datasets/mbpp:full",
            (_PROBLEM,),
            size=500,
        ),
    )
}
"""All benchmarks by name."""
