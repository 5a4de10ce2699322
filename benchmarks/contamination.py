"""Measures how well the contamination gate finds edited evaluation prompts, what it flags wrongly, and how fast it is.

Run ``python benchmarks/contamination.py`` (``--rows`` training rows for the speed, a million by default). The natural
prompts are paragraphs of the documentation in Python's standard library; the templated ones are word problems. Each of
some evaluation prompts is edited in each of nine ways and looked for. What is not in the evaluation set is flagged
wrongly: other paragraphs, and problems of the same templates with other numbers, or with other names.
"""

from __future__ import annotations

import argparse
import inspect
import json
import platform
import re
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from random import Random

import numpy as np
from rich.console import Console
from rich.table import Table

from infinite_rl.datasets.contamination.audit import contamination
from infinite_rl.datasets.contamination.normal import normal_form

RESULTS = Path(__file__).parent / "results" / "contamination.json"
MODULES = """argparse ast asyncio bisect calendar cmd collections concurrent.futures configparser contextlib copy csv
    ctypes datetime decimal difflib dis doctest email enum fractions ftplib functools gettext glob gzip heapq html
    http.client imaplib inspect io ipaddress itertools json logging mailbox math mimetypes multiprocessing numbers
    operator optparse os pathlib pdb pickle platform plistlib poplib pprint queue random re sched secrets selectors
    shelve shlex shutil smtplib socket socketserver sqlite3 ssl statistics string struct subprocess sys tarfile
    tempfile textwrap threading timeit trace traceback types typing unittest unittest.mock urllib.parse
    urllib.request uuid warnings wave xml.dom xml.etree.ElementTree xmlrpc.client zipfile numpy numpy.linalg numpy.ma
    numpy.random"""
NAMES = ("Ava", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jamal", "Kofi", "Leila", "Mateo")
ITEMS = ("apples", "books", "marbles", "coins", "pencils", "stickers", "shells", "cards", "stamps", "buttons")
TEMPLATES = (
    "{a} has {x} {i} and buys {y} more at the market. Later {a} gives {z} {i} to {b}. How many {i} does {a} have now?",
    "A train travels {x} kilometres in {y} hours. At the same speed, how far will it travel in {z} hours?",
    "{a} reads {x} pages every day for {y} days, then {z} pages on the last day. How many pages did {a} read in total?",
    "Compute {x} + {y} * {z}.",
    "What is {x} multiplied by {y}?",
    "Solve for x: {x}x + {y} = {z}.",
    "Write a Python function that returns the sum of the {x} largest elements of a list, ignoring values below {y}.",
    "A shop sells {i} at {x} cents each. {a} pays with {y} euros and gets {z} cents back. How many {i} did {a} buy?",
    "{a} is {x} years old and {b} is {y} years older. In how many years will {b} be {z}?",
)
SYNONYMS = {
    "returns": "gives back", "return": "give back", "function": "routine", "given": "specified", "object": "item",
    "value": "quantity", "values": "quantities", "file": "document", "used": "employed", "list": "sequence",
    "buys": "purchases", "gives": "hands", "reads": "goes through", "compute": "calculate", "travel": "go",
    "must": "has to", "should": "ought to", "if": "when", "which": "that", "default": "standard", "string": "text",
    "method": "procedure", "all": "every", "create": "make", "argument": "parameter", "solve": "work out", "called":
    "invoked", "raise": "throw", "contains": "holds", "write": "produce", "get": "obtain", "set": "put",
}  # fmt: skip
LOOK_ALIKES = str.maketrans("aeopcxAEOPCTXHKMB", "аеорсхАЕОРСТХНКМВ")
PARAPHRASES = {
    "how many": "what number of", "in order to": "so as to", "can be": "may be", "is not": "isn't", "does not":
    "doesn't", "for example": "for instance", "such as": "like", "a list of": "several", "at the same": "at an equal",
    "more at the market": "extra ones at the market", "every day": "each day", "in total": "altogether", "what is":
    "find", "have now": "have in the end", "the same": "equal", "will be": "is", "has been": "was",
}  # fmt: skip


def case_and_punctuation(text: str, rng: Random) -> str:
    """Other case; signs at the ends of words are lost."""
    text = re.sub(r"[.,;:?!](?=\s|$)", "", text)
    return rng.choice([text.upper(), text.lower(), text.title()])


def whitespace(text: str, rng: Random) -> str:
    """Other blanks, lines and emphasis."""
    words = [f"**{word}**" if rng.random() < 0.05 else word for word in text.split()]
    return "".join(word + rng.choice([" ", "  ", "\n", "\t", "\u00a0"]) for word in words)


def instructions(text: str, rng: Random) -> str:
    """Words about the task before and after it."""
    before = [
        "Please answer the following question carefully. ",
        "### Question 1\n",
        "You are a helpful assistant.\n\n",
    ]
    return rng.choice(before) + text + rng.choice([" Think step by step.", "\n\nAnswer:", " Use \\boxed{} at the end."])


def synonyms(text: str, rng: Random) -> str:
    """Other words for some."""
    return " ".join(SYNONYMS.get(word.lower(), word) if rng.random() < 0.8 else word for word in text.split())


def typos(text: str, rng: Random) -> str:
    """Letters of a tenth of the words swapped, lost or doubled."""
    words = text.split()
    for place, word in enumerate(words):
        if len(word) > 4 and word.isalpha() and rng.random() < 0.1:
            k = rng.randrange(1, len(word) - 2)
            middle = rng.choice([word[k + 1] + word[k], word[k], word[k] * 2 + word[k + 1]])
            words[place] = word[:k] + middle + word[k + 2 :]
    return " ".join(words)


def order(text: str, rng: Random) -> str:
    """Sentences and clauses in another order."""
    clauses = re.split(r"(?<=[.,;])\s+", text)
    rng.shuffle(clauses)
    return " ".join(clauses)


def embedding(text: str, rng: Random) -> str:
    """Within a longer text."""
    around = [" ".join(rng.sample(FILLER, len(FILLER))) for _ in range(2)]
    return f"{around[0]} {text} {around[1]}"


def look_alikes(text: str, rng: Random) -> str:
    """Letters of other scripts that look the same, and invisible signs."""
    return "".join(
        one.translate(LOOK_ALIKES) if rng.random() < 0.3 else one + "\u200b" * (rng.random() < 0.05) for one in text
    )


def paraphrase(text: str, rng: Random) -> str:
    """Other phrases, words added and lost, but no number."""
    for phrase, other in PARAPHRASES.items():
        text = re.sub(rf"\b{phrase}\b", other, text, flags=re.IGNORECASE)
    words = []
    for word in text.split():
        if any(letter.isdigit() for letter in word) or rng.random() > 0.06:
            words.append(word)
        if rng.random() < 0.06:
            words.append(rng.choice(["really", "also", "then", "simply", "just", "now"]))
    return " ".join(words)


EDITS: tuple[Callable[[str, Random], str], ...] = (
    case_and_punctuation, whitespace, instructions, synonyms, typos, order, embedding, look_alikes, paraphrase
)  # fmt: skip
FILLER = [
    "The weather was mild that morning, and nobody hurried.",
    "A dog slept in front of the bakery.",
    "The teacher wrote on the blackboard and waited for questions.",
    "Somebody had left the window open.",
    "On the table lay a map of the coast, two pens and a cup of tea.",
    "Later they would talk about it for weeks.",
    "It is worth reading everything before writing anything down.",
    "The bus came late, as on most days.",
]


def paragraphs() -> Iterator[str]:
    """Paragraphs of the documentation of the standard library and numpy."""
    for name in MODULES.split():
        module = import_module(name)
        things = [module, *(getattr(module, one, None) for one in dir(module))]
        things += [getattr(one, member, None) for one in things if inspect.isclass(one) for member in dir(one)]
        for thing in things:
            text = getattr(thing, "__doc__", None)
            for part in re.split(r"\n\s*\n", text if isinstance(text, str) else ""):
                line = " ".join(part.split())
                if 12 <= len(line.split()) <= 90 and line[0].isalpha() and ">>>" not in line and "---" not in line:
                    yield line


def unlike(texts: list[str], count: int, most: float = 0.4) -> list[str]:
    """The first texts that resemble none before them (Jaccard similarity of their 5-grams), so that truth is known."""
    holding: dict[str, list[int]] = defaultdict(list)
    sizes: list[int] = []
    kept: list[str] = []
    for text in texts:
        form = normal_form(text)
        own = {form[i : i + 5] for i in range(max(1, len(form) - 4))}
        common = Counter(other for gram in own for other in holding[gram])
        if all(shared < most * (len(own) + sizes[other] - shared) for other, shared in common.items()):
            for gram in own:
                holding[gram].append(len(kept))
            kept.append(text)
            sizes.append(len(own))
        if len(kept) == count:
            break
    return kept


def problem(rng: Random) -> dict[str, object]:
    """What a templated prompt is made of."""
    a, b = rng.sample(NAMES, 2)
    x, y, z = rng.sample(range(2, 100), 3)
    return {"template": rng.choice(TEMPLATES), "a": a, "b": b, "i": rng.choice(ITEMS), "x": x, "y": y, "z": z}


def written(parts: dict[str, object]) -> str:
    """The prompt."""
    return str(parts["template"]).format(**parts)


def near_misses(problems: list[dict[str, object]], rng: Random) -> Iterator[str]:
    """For each problem others of its template: with one other number, with all others, with other names."""
    for parts in problems:
        x, y, z = rng.sample(range(100, 1000), 3)
        a, b = rng.sample([name for name in NAMES if name not in (parts["a"], parts["b"])], 2)
        yield written(parts | {"x": x})
        yield written(parts | {"x": x, "y": y, "z": z})
        yield written(parts | {"x": x, "y": y, "z": z, "a": a, "b": b, "i": rng.choice(ITEMS)})
        if "{a}" in str(parts["template"]):
            yield written(parts | {"a": a, "b": b})


def quality(seed: int, natural: int = 400, templated: int = 200, clean: int = 2000) -> dict[str, object]:
    """Recall by edit, and the shares that are flagged wrongly, in percent."""
    rng = Random(seed)
    texts = list(dict.fromkeys(paragraphs()))
    rng.shuffle(texts)
    texts = unlike(texts, natural + clean)
    problems = list({written(parts): parts for parts in (problem(rng) for _ in range(templated))}.values())
    evaluation = [*texts[:natural], *map(written, problems)]
    known = set(map(normal_form, evaluation))
    recall = {edit.__name__: found(evaluation, [edit(text, rng) for text in evaluation]) for edit in EDITS}
    misses = [text for text in dict.fromkeys(near_misses(problems, rng)) if normal_form(text) not in known]
    wrong = {name: contamination(rows, evaluation) for name, rows in (("nat", texts[natural:]), ("tmpl", misses))}
    return {
        "recall_percent": {name: round(100 * value, 2) for name, value in recall.items()},
        "recall_percent_mean": round(100 * float(np.mean(list(recall.values()))), 2),
        "recall_percent_worst": round(100 * min(recall.values()), 2),
        "false_positives_percent_natural": round(100 * wrong["nat"].share, 3),
        "false_positives_percent_templated": round(100 * wrong["tmpl"].share, 3),
        "rows": {"evaluation": len(evaluation), "natural": wrong["nat"].train_rows, "templated": len(misses)},
    }


def found(evaluation: list[str], edited: list[str]) -> float:
    """The share of the edited prompts that are found to be the prompts they were made of."""
    report = contamination(edited, evaluation)
    hits = {
        pair.train.place.number
        for pair in report.pairs
        if pair.kind != "template" and pair.train.place.number == pair.evaluation.place.number
    }
    return len(hits) / len(edited)


def speed(rows: int, evaluation_rows: int) -> dict[str, float]:
    """Rows a CPU second, and the memory at its highest: short rows, one in a hundred of them contaminated."""
    rng = Random(0)
    words = sorted({word for text in paragraphs() for word in text.split()})
    weights = np.cumsum(1 / np.arange(1, len(words) + 1)).tolist()
    rng.shuffle(words)

    def prompt() -> str:
        if rng.random() < 0.3:
            return written(problem(rng))
        return " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(8, 24)))

    held_out = [prompt() for _ in range(evaluation_rows)]
    edits = [text for text in held_out if len(text) > 60]
    train = (prompt() if i % 100 else typos(edits[i // 100 % len(edits)], rng) for i in range(rows))
    made = time.process_time()
    for _ in range(min(rows, 20_000)):
        prompt()
    making = (time.process_time() - made) / min(rows, 20_000) * rows
    started = time.process_time()
    report = contamination(train, held_out)
    seconds = time.process_time() - started - making
    return {
        "training_rows": rows,
        "evaluation_rows": evaluation_rows,
        "rows_per_cpu_second": round(rows / seconds),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "contaminated": report.contaminated,
        "template": report.template,
    }


def main() -> None:
    """Measures, prints and writes the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    results: dict[str, object] = {"quality": {f"seed {seed}": quality(seed) for seed in range(3)}}
    Console().print_json(json.dumps(results))
    table = Table("training rows", "evaluation rows", "rows a CPU second", "peak MiB")
    measured = [speed(rows, 10_000)]
    for one in measured:
        table.add_row(*(f"{one[key]:,.0f}" for key in list(one)[:4]))
    Console().print(table)
    results["speed"] = measured
    results["versions"] = {"python": platform.python_version(), "numpy": np.__version__}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
