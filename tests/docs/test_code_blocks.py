"""Every Python block of README and docs runs as it stands, and no block escapes the tests; for commands see
test_commands.py.
"""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from doc_pages import PAGES, TUTORIAL, blocks, named, prose, split

PYTHON = [
    pytest.param(block.code, id=named(page, block))
    for page in PAGES
    for block in blocks(page)
    if block.language == "python" and page != TUTORIAL
]
# What the extra `test` does not install: a block that needs it runs where it is there, and elsewhere its imports do.
MISSING = [name for name in ("mcp", "openenv") if find_spec(name) is None]

# Runs each file as a program in the folder where it lies, and writes what was raised beside it.
RUNNER = """
import os, runpy, sys, traceback
for path in sys.argv[1:]:
    os.chdir(os.path.dirname(path))
    try:
        runpy.run_path(path, run_name="__main__")
        raised = ""
    except BaseException:
        raised = traceback.format_exc()
    with open("raised", "w") as file:
        file.write(raised)
"""


@pytest.fixture(scope="module")
def raised(tmp_path_factory):
    """What each block raised, empty where it ran, by its text. All run in one process, which imports torch once."""
    codes = [param.values[0] for param in PYTHON]
    folders = [tmp_path_factory.mktemp("block") for _ in codes]
    for code, folder in zip(codes, folders, strict=True):
        (folder / "block.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-c", RUNNER, *(str(folder / "block.py") for folder in folders)]
    subprocess.run(command, capture_output=True, timeout=600, check=True)
    return {code: (folder / "raised").read_text("utf-8") for code, folder in zip(codes, folders, strict=True)}


@pytest.mark.parametrize("code", PYTHON)
def test_a_python_block_runs(code, raised):
    for name in MISSING:
        if re.search(rf"\n\w+Error: .*(No module named '{name}'|infinite-rl\[{name}\]).*\n$", raised[code]):
            ours = [line for line in code.splitlines() if re.match(r"(from|import) infinite_rl\b", line)]
            exec("\n".join(ours), {})
            pytest.skip(f"{name} is not installed")
    assert raised[code] == ""


@pytest.mark.slow
@pytest.mark.parametrize("code", [one for one in PYTHON if not any(f"{name} " in one.values[0] for name in MISSING)])
def test_a_python_block_needs_no_other_to_run_before_it(code, tmp_path):
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def test_blocks_are_of_languages_that_a_test_runs_or_reads():
    """Texts are drawings, and what commands print: tests of these compare it."""
    used = {(block.language, named(page, block)) for page in PAGES for block in blocks(page)}
    assert [one for one in used if one[0] not in ("python", "bash", "json", "text")] == []


def test_json_is_json():
    for page in PAGES:
        for block in blocks(page):
            if block.language == "json":
                json.loads(block.code)


def test_no_code_stands_outside_of_a_fence():
    """Markdown takes what is indented by four after an empty line for code, too, and no test would run it."""
    found = []
    for page in PAGES:
        before, last = "", 0
        for number, line in prose(page):
            follows = number == last + 1 and before.strip() and not before.startswith("#")
            if "<pre" in line or (re.match(r"(> ?)*( {4}|\t)", line) and not follows):
                found.append(f"{page.name}:{number} {line}")
            before, last = line, number
    assert found == [], "code that no test sees: put it between ``` and ```"


def test_blocks_are_found_wherever_they_stand():
    page = "- a\n\n    ```bash\n    ls\n    ```\n\n> ```python\n> if a:\n>     b\n> ```\n~~~~text\n~~~\n~~~~\nend\n"
    found, others = split(page)
    assert found == [("bash", "ls\n", 3), ("python", "if a:\n    b\n", 7), ("text", "~~~\n", 11)]
    assert others == [(1, "- a"), (2, ""), (6, ""), (14, "end")]


def text_of(page: Path) -> str:
    return "\n".join(line for _, line in prose(page))


def headings(page: Path) -> set[str]:
    """The anchors of a page, as code hosts make them of its headings."""
    found = re.findall(r"^#+ (.+)$", text_of(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text_of(page)):
            place = page.parent / target if target else page
            assert place.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in headings(place), f"{page.name} links to {target}#{anchor}"
