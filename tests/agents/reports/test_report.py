"""The report: right figures, bounded size, and no text from a run that acts on the page."""

import json
import os
import re
import shutil
from html.parser import HTMLParser

import pytest

from infinite_rl import cli
from infinite_rl.agents.reports.report import write_report
from infinite_rl.spaces.visible import visible

HOSTILE = (
    "<script>alert(1)</script></pre></div></style></svg></textarea>--><img src=http://evil.example/x onerror=alert(2)>"
    "\"' onload='x' {{ 7*7 }} {% raw %} [bold]rich[/] $\\frac{$ &lt;b&gt; \x00\x08\x1b[31m\u202e\u2028\ud800"
)


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.pieces = [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.pieces.append(data)

    @property
    def text(self):
        return "".join(self.pieces)


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def transcript(when, task, response, reward=1.0, **changes):
    messages = [{"role": "user", "content": f"question {task}"}, {"role": "assistant", "content": response}]
    row = {"when": when, "task_id": task, "domain": "sums", "messages": messages, "answer": "42", "reward": reward}
    return {**row, "status": "scored", "error_msg": "", **changes}


def make_run(folder, *, names="sums", text="fine"):
    """A small whole run. All its names and texts can be chosen."""
    folder.mkdir(parents=True)
    train = [
        {
            "step": step, "phase": "train", "reward": step / 10, "pass_rate": step / 20, "kl": 0.01, names: 3.5,
            f"reward/{names}": 0.5, f"failures/{names}": 1, f"pass_rate/{names}": 0.5, "pass_rate/other": 0.25,
        }
        for step in range(1, 11)
    ]  # fmt: skip
    held_out = [
        {"step": step, "phase": "eval", "split": split, "pass_rate": 0.1 + step / 20, "standard_error": 0.02}
        for split in ("validation", "test", names)
        for step in (0, 10)
    ]
    warmup = [{"step": step, "phase": "warmup", "loss": 3.0 - step} for step in (1, 2)]
    write_lines(folder / "metrics.jsonl", warmup + held_out[:3] + train + held_out[3:])
    times = {"seconds": 2.0, "cpu_seconds": 3.0, "tokens_per_second": 900.0, f"{names}_seconds": 1.0}
    write_lines(folder / "timing.jsonl", [{"step": step, "phase": "train", **times} for step in range(1, 11)])
    write_lines(
        folder / "transcripts.jsonl",
        [transcript(when, names, text, answer=text, status=text[:30], error_msg=text) for when in ("before", "after")],
    )
    (folder / "config.yaml").write_text(
        f"seed: 3\nmodel:\n  name: {json.dumps(visible(text))}\ndata:\n  env: InfiniteRL/Math-v0\n", encoding="utf-8"
    )
    summary = {
        "status": text[:60], "steps": 10, "seed": 3, "test_before": 0.1, "test_before_se": 0.03, "test_after": 0.6,
        "test_after_se": 0.04, "gain": 0.5, "cpu_seconds": 30.0, "seconds": 20.0, "parameters": 421000,
        "versions": {names: text},
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def page_of(folder):
    return write_report(folder).read_text(encoding="utf-8")


# Safety


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory):
    name = HOSTILE.replace("/", "∕").replace("\x00", "").replace("\ud800", "")[:80]
    return Page(page_of(make_run(tmp_path_factory.mktemp("runs") / name, names=HOSTILE, text=HOSTILE)))


def test_hostile_text_adds_no_element_that_an_ordinary_run_has_not(hostile_page, tmp_path):
    ordinary = Page(page_of(make_run(tmp_path / "run")))
    assert {tag for tag, _ in hostile_page.elements} <= {tag for tag, _ in ordinary.elements} | {"b"}
    assert not {"script", "img", "iframe", "object", "link", "base", "form", "a"} & {
        tag for tag, _ in hostile_page.elements
    }
    assert hostile_page.open == []


def test_no_attribute_runs_or_loads_anything(hostile_page):
    for _, attributes in hostile_page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"src", "srcset", "action", "data", "srcdoc"}
            if name.endswith("href"):
                assert value.startswith("#")
            if name == "style":
                assert set(re.findall(r"url\(.", value)) <= {"url(#"}
                assert "evil" not in value


def test_the_style_sheet_loads_nothing_and_the_policy_forbids_it_too(hostile_page):
    source = "".join(hostile_page.pieces)
    style = source[source.index(":root {") : source.index("@media print")]
    assert "url(" not in style
    assert "@import" not in style
    policies = [attributes["content"] for tag, attributes in hostile_page.elements if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_hostile_text_is_found_again_as_text_everywhere_it_was_put(hostile_page):
    # name, component, status of failure, domain, key, split, part of the time, task id, version key; and five texts.
    assert hostile_page.text.count(visible(HOSTILE)) >= 14
    assert "␀␈␛[31m⟨U+202E⟩⟨U+2028⟩⟨U+D800⟩" in hostile_page.text


def test_no_control_character_reaches_the_page(hostile_page):
    everything = hostile_page.text + "".join(
        str(value) for _, attributes in hostile_page.elements for value in attributes.values()
    )
    assert visible(everything) == everything


def test_all_ids_of_a_page_differ(hostile_page):
    ids = [attributes["id"] for _, attributes in hostile_page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) > 10
    links = {
        value[1:]
        for _, attributes in hostile_page.elements
        for name, value in attributes.items()
        if name.endswith("href")
    }
    assert links <= set(ids)


# The same, whole, in one step


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    first = make_run(tmp_path / "a" / "run")
    shutil.copytree(first, tmp_path / "b" / "run")
    assert write_report(first).read_bytes() == write_report(tmp_path / "b" / "run").read_bytes()
    assert write_report(first).read_bytes() == write_report(first).read_bytes()


def test_a_report_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    folder = make_run(tmp_path / "run")
    before = page_of(folder)
    write_lines(folder / "metrics.jsonl", [])

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        write_report(folder)
    assert (folder / "report.html").read_text(encoding="utf-8") == before


def test_the_command_writes_the_report_and_names_it(tmp_path, capsys):
    folder = make_run(tmp_path / "run")
    assert cli.main(["report", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert "run · training report" in (folder / "report.html").read_text(encoding="utf-8")
    assert cli.main(["report", str(folder), "--out", str(tmp_path / "other.html")]) == 0
    assert (tmp_path / "other.html").read_bytes() == (folder / "report.html").read_bytes()
    assert cli.main(["report", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused_and_left_as_it_is(tmp_path, capsys):
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    assert cli.main(["report", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "holds no training run; infinite-rl view shows evaluations" in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


# Partial runs


def test_an_empty_folder_gives_a_report_that_names_all_that_is_missing(tmp_path):
    text = Page(page_of(tmp_path)).text
    for name in ("config.yaml", "metrics.jsonl", "timing.jsonl", "transcripts.jsonl", "summary.json"):
        assert f"{name} is missing" in text
    assert "unfinished" in text
    assert "not measured" in text


@pytest.mark.parametrize(
    "missing", ["config.yaml", "metrics.jsonl", "timing.jsonl", "transcripts.jsonl", "summary.json"]
)
def test_a_report_is_written_without(tmp_path, missing):
    folder = make_run(tmp_path / "run")
    (folder / missing).unlink()
    page = Page(page_of(folder))
    assert f"{missing} is missing" in page.text
    assert page.text.count(" is missing") == 1


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        write_report(tmp_path / "nowhere")


def test_a_cut_last_line_costs_that_line_only(tmp_path):
    folder = make_run(tmp_path / "run")
    names, counts = ("metrics.jsonl", "transcripts.jsonl"), []
    for name in names:
        path = folder / name
        count = len(path.read_bytes().splitlines())
        path.write_bytes(path.read_bytes()[:-9])
        counts.append(count)
    text = Page(page_of(folder)).text
    for name, count in zip(names, counts, strict=True):
        assert f"{name}, line {count}: cut" in text
    assert "Pass rate" in text


def test_lines_that_are_no_objects_are_noted_and_passed_over(tmp_path):
    lines = [b"\xff\xfe\x00", b"[1, 2]", b"null", b"[" * 100_000, b'{"step": ' + b"9" * 5000 + b"}", b'"text"']
    folder = make_run(tmp_path / "run")
    for name in ("metrics.jsonl", "timing.jsonl", "transcripts.jsonl"):
        (folder / name).write_bytes(b"\n".join([*lines, (folder / name).read_bytes()]))
    text = Page(page_of(folder)).text
    assert text.count("line 1 and 5 more: cut or not a JSON object") == 3
    assert "question sums" in text


@pytest.mark.parametrize(
    "fields", [{"messages": None}, {"messages": [1, None, {"role": 3}]}, {"reward": "x"}, {"task_id": [1]}]
)
def test_a_transcript_of_another_shape_is_shown_as_far_as_it_goes(tmp_path, fields):
    write_lines(tmp_path / "transcripts.jsonl", [transcript("before", "t", "words", **fields), {}])
    assert "2 of 2 tasks" in Page(page_of(tmp_path)).text


def test_a_configuration_that_cannot_be_read_is_shown_as_it_is(tmp_path):
    (tmp_path / "config.yaml").write_text("model: {name: [unclosed\n\tlr: ${")
    text = Page(page_of(tmp_path)).text
    assert "config.yaml can't be read" in text
    assert "model: {name: [unclosed\n\tlr: ${" in text


# Figures


def test_the_headline_gives_both_sides_the_gain_and_its_error(tmp_path):
    text = " ".join(Page(page_of(make_run(tmp_path / "run"))).text.split())
    assert "10.0%before training± 3.0" in text
    assert "60.0%after training± 4.0" in text
    assert "+50.0points± 5.0" in text
    assert "The difference is 10.0 standard errors." in text


def test_a_gain_within_two_standard_errors_is_called_chance(tmp_path):
    summary = {"test_before": 0.5, "test_before_se": 0.03, "test_after": 0.59, "test_after_se": 0.04}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert "chance explains it as well" in Page(page_of(tmp_path)).text


def test_an_interrupted_run_is_judged_by_its_held_out_points(tmp_path):
    (tmp_path / "summary.json").write_text(
        json.dumps({"status": "interrupted", "test_before": 0.2, "test_after": None})
    )
    points = [
        {"step": step, "phase": "eval", "split": "validation", "pass_rate": rate}
        for step, rate in ((0, 0.2), (40, 0.5))
    ]
    write_lines(tmp_path / "metrics.jsonl", points)
    text = " ".join(Page(page_of(tmp_path)).text.split())
    assert "Pass rate on the validation split" in text
    assert "50.0%at step 40" in text
    assert "+30.0points" in text


def test_a_key_nobody_knows_has_a_curve_and_a_row(tmp_path):
    write_lines(
        tmp_path / "metrics.jsonl", [{"step": step, "phase": "train", "brand_new": 2.0 * step} for step in (1, 2, 3)]
    )
    page = Page(page_of(tmp_path))
    assert page.text.count("brand_new") == 2
    assert "2 → 6" in " ".join(page.text.split())


# Transcripts


def test_the_same_prompt_has_its_first_and_its_latest_response_side_by_side(tmp_path):
    rows = [
        transcript(when, task, f"{task} {when}", reward=0.0)
        for when in ("before", "step 5", "step 10")
        for task in "ab"
    ]
    write_lines(tmp_path / "transcripts.jsonl", rows)
    text = Page(page_of(tmp_path)).text
    order = [
        text.index(part) for part in ("question a", "a before", "a step 10", "question b", "b before", "b step 10")
    ]
    assert order == sorted(order)
    assert "a step 5" not in text


def test_the_mark_follows_the_reward(tmp_path):
    for reward, title in (
        (1.0, "full reward"),
        (0.0, "zero reward"),
        (0.4, "part of the reward"),
        (None, "no reward known"),
    ):
        write_lines(
            tmp_path / "transcripts.jsonl", [transcript(when, "t", "x", reward) for when in ("before", "after")]
        )
        titles = [attributes["title"] for tag, attributes in Page(page_of(tmp_path)).elements if tag == "b"]
        assert titles == [title] * 4


def test_an_agents_turns_and_tool_calls_are_shown_with_their_roles(tmp_path):
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "search"}}]}
    messages = [
        {"role": "user", "content": "who"},
        call,
        {"role": "tool", "content": "found"},
        {"role": "assistant", "content": "me"},
    ]
    write_lines(tmp_path / "transcripts.jsonl", [transcript("before", "t", "", messages=messages)])
    text = Page(page_of(tmp_path)).text
    for part in ('{"function": {"name": "search"}}', "tool", "found", "me"):
        assert part in text


def test_line_breaks_and_spaces_of_a_response_are_kept(tmp_path):
    response = "\n\n  def f():\n\treturn 1  \n"
    write_lines(tmp_path / "transcripts.jsonl", [transcript("before", "t", response)])
    assert response in Page(page_of(tmp_path)).pieces


# Size


def test_megabyte_responses_make_no_megabyte_page(tmp_path):
    long = "<&\x00" * 333_333 + "END"
    write_lines(
        tmp_path / "transcripts.jsonl", [transcript(when, t, long) for when in ("before", "after") for t in "ab"]
    )
    page = page_of(tmp_path)
    assert len(page) < 300_000
    assert Page(page).text.count(f"{len(long) - 4_000:,} characters left out") == 4
    assert "END</div>" in page
