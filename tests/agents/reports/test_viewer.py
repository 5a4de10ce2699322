"""The viewer: what is read, what a page may hold, and a page in a real browser that hostile text does not rule."""

import json
import re
import time
from pathlib import Path

import pytest

from infinite_rl import cli
from infinite_rl.agents.reports import transcripts
from infinite_rl.agents.reports.transcripts import read_view
from infinite_rl.agents.reports.viewer import embedded, make_page

HOSTILE = (
    "</script><script>document.title = 'ruled'</script><!--<script>]]><img src=http://evil.example/x onerror=alert(1)>"
    "<svg onload=alert(2)><iframe src=javascript:alert(3)></iframe><meta http-equiv=refresh content=0> \"' onload='x' "
    "@data@ @script@ ${1} \\u003c &lt;b&gt; __proto__ \x00\x1b[31m\x9b\u202e\u2066\u2028\ufeff\ud800"
)
SEEN = "␀␛[31m⟨U+009B⟩⟨U+202E⟩⟨U+2066⟩⟨U+2028⟩⟨U+FEFF⟩⟨U+D800⟩"


def write(folder: Path, **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        stem, _, ending = name.rpartition("_")
        rows = content if isinstance(content, list) else [content]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{stem}.{ending}").write_text(text, encoding="utf-8")
    return folder


def sample(number: int, text: str = "", **changes: object) -> dict[str, object]:
    text = text or f"answer {number}"
    row = {
        "task_id": f"task-{number // 2}", "task_index": number // 2, "sample": number % 2, "domain": "sums",
        "status": "scored", "reward": float(number % 2), "passed": bool(number % 2), "error_msg": "",
        "components": {"correctness": float(number % 2), "format": 1.0}, "answer": "42", "turns": 1,
        "prompt_tokens": 30, "completion_tokens": 4, "finish_reason": "stop", "seconds": 0.5,
        "messages": [{"role": "user", "content": f"question {number // 2}"}, {"role": "assistant", "content": text}],
    }  # fmt: skip
    return row | changes


def results(folder: Path, rows: list[dict[str, object]]) -> Path:
    run = {"env": {"id": "InfiniteRL/Math-v0", "split": "test"}, "model": {"name": "model"}, "sampling": {"n": 2}}
    scores = {"pass@1": {"value": 0.5, "se": 0.1, "low": 0.3, "high": 0.7}}
    return write(folder, run_json=run, result_json={"scores": scores}, samples_jsonl=rows)


def tokens(texts: list[str], advantages: list[float] | None, turns: list[int] | None = None) -> dict[str, object]:
    logprobs = [-0.5 * i for i in range(len(texts))]
    return {"texts": texts, "logprobs": logprobs, "turns": turns or [0] * len(texts), "advantages": advantages}


# What is read


def test_an_evaluation_is_read_by_its_contract(tmp_path):
    view = read_view(results(tmp_path / "results", [sample(0), sample(1, status="timeout")]))
    assert view.facts == [
        ("model", "model"), ("environment", "InfiniteRL/Math-v0"), ("split", "test"), ("n", "2"),
        ("pass@1", "0.500 (0.300 to 0.700)"),
    ]  # fmt: skip
    first, second = view.samples
    assert (first["answer"], first["expected"], first["passed"], first["sample"]) == ("42", "", False, 0)
    assert second["status"] == "timeout"
    assert ("tokens written", "4") in first["facts"]
    assert view.notes == []


def test_a_run_is_read_with_its_training_steps_and_tokens(tmp_path):
    row = sample(1, tokens=tokens(["answer", " 1"], [0.5, -0.5]))
    folder = write(
        tmp_path / "run",
        summary_json={"model": "tiny", "env": "InfiniteRL/Math-v0", "test_before": 0.2, "test_before_se": 0.01},
        transcripts_jsonl=[row | {"when": "before"}, row | {"when": "after"}],
        training_samples_jsonl=[row | {"step": 7}],
    )
    view = read_view(folder)
    assert [one["when"] for one in view.samples] == ["before", "after", "step 7"]
    assert view.samples[2]["tokens"]["advantages"] == [0.5, -0.5]
    assert view.samples[0]["expected"] == "42"
    assert ("test before", "20.0% ± 1.0%") in view.facts


@pytest.mark.parametrize(
    "row",
    [
        {}, {"messages": 3, "components": [], "reward": "x", "passed": "yes", "tokens": [1]},
        {"messages": [3, None, {"content": {"a": 1}}], "reward": float("nan"), "sample": "x", "seconds": {}},
        {"tokens": {"texts": ["a"], "logprobs": [1, 2], "turns": [0]}},
        {"tokens": {"texts": [1], "logprobs": [None], "turns": ["x"], "advantages": [float("inf")]}},
        {"task_id": 10**400, "components": {"a": 10**400, "b": None}},
    ],
)  # fmt: skip
def test_rows_of_any_kind_make_a_page(tmp_path, row):
    view = read_view(write(tmp_path / "r", samples_jsonl=[row]))
    assert len(view.samples) == 1
    assert "NaN" not in make_page(view)


def test_broken_lines_and_missing_files_are_told(tmp_path):
    folder = write(tmp_path / "r", samples_jsonl=[sample(0)])
    with (folder / "samples.jsonl").open("a") as file:
        file.write('{"task_id": "cu')
    notes = read_view(folder).notes
    assert any("run.json is missing" in note for note in notes)
    assert any("the evaluation was cut short" in note for note in notes)
    assert any("samples.jsonl, line 2" in note for note in notes)


def test_a_page_holds_only_so_much_and_says_what_it_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(transcripts, "MOST_CHARACTERS", 3000)
    view = read_view(results(tmp_path / "r", [sample(i, "x" * 500) for i in range(20)]))
    assert 0 < len(view.samples) < 5
    assert any(f"holds {len(view.samples)} samples; {20 - len(view.samples)} more" in note for note in view.notes)


def test_of_what_an_evaluation_asked_again_the_later_line_counts(tmp_path):
    rows = [sample(0, status="endpoint_error"), sample(1), sample(0, "again")]
    found = read_view(results(tmp_path / "r", rows)).samples
    assert [(one["sample"], one["status"]) for one in found] == [(0, "scored"), (1, "scored")]
    assert found[0]["messages"][1]["text"] == "again"


def test_samples_that_are_no_json_are_an_error_and_make_no_page(tmp_path, capsys):
    from infinite_rl import cli

    folder = results(tmp_path / "r", [])
    assert cli.main(["view", str(folder)]) == 0, "an evaluation that has just begun has none yet"
    (folder / "transcripts.html").unlink()
    (folder / "samples.jsonl").write_text("no JSON\n", encoding="utf-8")
    capsys.readouterr()
    assert cli.main(["view", str(folder)]) == 2
    assert "samples.jsonl: no line of it is a JSON object" in capsys.readouterr().err
    assert not (folder / "transcripts.html").exists()


def test_a_text_beyond_all_measure_is_cut_and_that_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(transcripts, "LONGEST_TEXT", 100)
    (found,) = read_view(results(tmp_path / "r", [sample(0, "x" * 150)])).samples
    assert found["messages"][1]["text"] == "x" * 100 + " … 50 more characters are left out"


# What a page may hold


def test_data_holds_no_letter_that_html_knows():
    text = embedded({HOSTILE: [HOSTILE]})
    assert not set("<>&") & set(text)
    assert text.isascii()
    assert json.loads(text) == {HOSTILE: [HOSTILE]}


def test_hostile_text_changes_nothing_but_the_data_and_the_title(tmp_path):
    def skeleton(text: str) -> str:
        page = make_page(read_view(results(tmp_path / "results", [sample(0, text, task_id=text, error_msg=text)])))
        return re.sub(r'(?<=id="data">).*?(?=</script>)', "", page, flags=re.S)

    assert skeleton(HOSTILE) == skeleton("fine")


def test_the_policy_names_the_one_script_and_the_one_style(tmp_path):
    page = make_page(read_view(results(tmp_path / "results", [sample(0)])))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#x27;", "'")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"\son\w+=|style=|innerHTML|eval\(", page)


def test_the_command_says_where_the_page_is_and_what_is_wrong(tmp_path, capsys):
    folder = results(tmp_path / "results", [sample(0)])
    assert cli.main(["view", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}/transcripts.html: 1 sample\n"
    assert cli.main(["view", str(folder / "samples.jsonl"), "--out", str(tmp_path / "x.html")]) == 0
    assert (tmp_path / "x.html").is_file()
    page = tmp_path / "x.html"
    before = page.read_bytes()
    for place, says in (
        (tmp_path / "none", "no such folder"),
        (tmp_path, "no transcripts there"),
        (page, "no line of it is a JSON object"),
    ):
        assert cli.main(["view", str(place)]) == 2
        assert says in capsys.readouterr().err
    assert page.read_bytes() == before
    assert cli.main(["view", str(folder), "--out", str(tmp_path / "no" / "folder" / "x.html")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_page_takes_the_place_of_pages_alone(tmp_path, capsys):
    folder = results(tmp_path / "results", [sample(0)])
    file = folder / "samples.jsonl"
    before = file.read_bytes()
    for command in (
        ["view", str(folder)],
        ["view", str(file)],
        ["report", str(write(tmp_path / "run", summary_json={}))],
    ):
        assert cli.main([*command, "--out", str(file)]) == 2
        assert capsys.readouterr().err == (
            f"infinite-rl: {file} is no page, and would be lost: give --out another name, such as page.html\n"
        )
        assert cli.main([*command, "--out", str(tmp_path)]) == 2
        assert "is no file" in capsys.readouterr().err
        assert file.read_bytes() == before
        for _ in range(2):
            assert cli.main([*command, "--out", str(tmp_path / "page.html")]) == 0
        (tmp_path / "page.html").write_bytes(b"")


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    folder = results(tmp_path / "results", [sample(i) for i in range(4)])
    assert make_page(read_view(folder)) == make_page(read_view(folder))


# In a browser


@pytest.fixture
def opened(browser, tmp_path):
    """Opens the page of some samples."""

    def show(rows, *, width=1280, height=800, phone=False, fragment=""):
        browser.resize(width, height, phone=phone)
        browser.prefer("light")
        folder = results(tmp_path / "results", rows)
        assert cli.main(["view", str(folder)]) == 0
        browser.open((folder / "transcripts.html").as_uri() + fragment)
        return browser

    return show


def quiet(browser) -> None:
    """Nothing was asked for but the page, and nothing went wrong or was forbidden."""
    assert [url for url in browser.requests() if not url.startswith("file:///")] == []
    assert browser.messages() == []


def test_hostile_text_is_seen_and_acts_nowhere(opened):
    everywhere = dict.fromkeys(("task_id", "domain", "status", "error_msg", "answer", "finish_reason"), HOSTILE)
    messages = [{"role": HOSTILE, "content": HOSTILE, "reasoning_content": HOSTILE, "tool_calls": [HOSTILE]}]
    messages.append({"role": "assistant", "content": HOSTILE})
    page = opened(
        [
            sample(0, **everywhere, components={HOSTILE: 1}, messages=messages, tokens=tokens([HOSTILE], [1.0])),
            sample(1),
        ]
    )
    for _ in range(3):
        assert page.run("return document.title") == "results · transcripts"
        assert page.count("img, iframe, svg, object, embed, link, base, a") == 0
        assert page.run("return document.scripts.length") == 2
        assert SEEN in page.text("#sample")
        assert "</script><script>document.title" in page.text("#sample")
        assert not re.search("[\x00\x1b\x9b\u202e\u2066\u2028\ufeff]", page.text("body"))
        page.press("t")
    quiet(page)


def test_a_script_that_got_in_would_not_run(opened):
    page = opened([sample(0)])
    made = "const one = document.createElement('script'); one.append('document.title = 1'); document.body.append(one)"
    with pytest.raises(RuntimeError, match="TrustedHTML"):
        page.run("document.body.innerHTML = '<b>x</b>'")
    page.run("const one = document.createElement('img'); one.src = 'http://evil.example/x'; document.body.append(one)")
    page.run(made)
    assert page.run("return document.title") == "results · transcripts"
    told = page.messages()
    assert any("img-src" in message for message in told)
    assert any("script-src" in message or "TrustedScript" in message for message in told)


def test_keys_and_buttons_go_through_the_samples(opened):
    page = opened([sample(i) for i in range(6)])
    assert page.text("#place") == "1 / 6"
    assert "answer 0" in page.text("#sample")
    page.press("j", "right")
    assert page.text("#place") == "3 / 6"
    assert "answer 2" in page.text("#sample")
    assert page.run("return location.hash") == "#3"
    page.press("k")
    assert page.text("#place") == "2 / 6"
    page.press("left", "left", "left")
    assert page.text("#place") == "1 / 6"
    page.click("#next")
    assert page.text("#place") == "2 / 6"
    page.click(".siblings button:first-of-type")
    assert page.text("#place") == "1 / 6", "the other sample of the task"
    page.click("#list .row:nth-child(4)")
    assert "answer 3" in page.text("#sample")
    assert page.count("#list .row[aria-current]") == 1
    quiet(page)


def test_a_link_leads_to_a_sample(opened):
    assert opened([sample(i) for i in range(6)], fragment="#5").text("#place") == "5 / 6"


def test_filters_leave_the_samples_that_are_like_that(opened):
    rows = [
        sample(i, domain=("sums", "logic")[i // 4 % 2], status="timeout" if i % 8 == 0 else "scored") for i in range(16)
    ]
    rows[3]["reward"] = 0.5
    rows[3]["passed"] = False
    page = opened(rows)

    def choose(id: str, value: str) -> str:
        page.run(
            "const one = document.getElementById(arguments[0]); one.value = arguments[1];"
            "one.dispatchEvent(new Event('change', {bubbles: true}))", id, value
        )  # fmt: skip
        return page.text("#count")

    assert page.text("#count") == "16 of 16"
    assert choose("domain", "=logic") == "8 of 16"
    assert choose("result", "=full") == "4 of 16"
    assert choose("domain", "") == "7 of 16"
    assert choose("result", "=part") == "1 of 16"
    assert choose("result", "") == "16 of 16"
    assert choose("status", "=timeout") == "2 of 16"
    assert choose("status", "") == "16 of 16"
    assert choose("least", "0.4") == "8 of 16"
    assert choose("most", "0.9") == "1 of 16"
    choose("least", "")
    choose("most", "")
    page.press("/")
    page.press(*"answer 15")
    page.wait("document.getElementById('count').textContent === '1 of 16'")
    assert "answer 15" in page.text("#sample")
    assert page.run("return document.getElementById('search').value") == "answer 15", "e unfolds nothing there"
    page.press("escape")
    page.wait("document.getElementById('count').textContent === '16 of 16'")
    page.type("#search", "nothing is like this")
    page.wait("document.getElementById('count').textContent === '0 of 16'")
    assert page.text("#sample") == "No sample is like this."
    quiet(page)


def test_tokens_wear_their_log_probs_and_advantages(opened):
    texts = ["one", " two", "\n", "three"]
    page = opened([sample(0, "one two\nthree", tokens=tokens(texts, [1.0, -1.0, 0.5, 0.0])), sample(1)])
    assert page.count(".token") == 0
    page.press("t")
    colours = "return [...document.querySelectorAll('.token')].map((one) => one.style.backgroundColor)"
    assert [float(one.split("/")[1].rstrip(")")) for one in page.run(colours)] == pytest.approx([0, 0.06, 0.12, 0.18])
    page.click(".token:nth-child(2)")
    assert page.text("#told") == "token 2, log-prob −0.5 (60.7%), advantage −1"
    page.press("t")
    sides = [re.search("--(\\w+)\\) / ([0-9.]+)", one).groups() for one in page.run(colours)]
    assert [(side, float(share)) for side, share in sides] == [
        ("above", 0.6), ("below", 0.6), ("above", 0.3), ("below", 0.0)
    ]  # fmt: skip
    assert page.text(".message.assistant .words") == "one two↵\nthree"
    page.press("j")
    assert page.count(".ways") == 0, "of the other sample no tokens are known"
    page.press("k", "t")
    assert page.count(".token") == 0
    quiet(page)


def test_a_line_of_a_megabyte_is_folded_and_unfolds_piece_by_piece(opened):
    start = time.monotonic()
    page = opened([sample(0, "<b>" + "x" * 1_000_000 + "🦜" * 40_000 + "the end"), sample(1)])
    assert "x" * 100 in page.text("#sample")
    assert "the end" in page.text("#sample"), "answers stand at the end"
    assert int(page.run("return document.getElementById('sample').innerText.length")) < 6000
    assert page.text(".fold") == "… show 50,000 of 1,076,211 more characters"
    for _ in range(3):
        page.press("e")
    assert int(page.run("return document.querySelector('.assistant .words').textContent.length")) > 150_000
    page.press("j", "k")
    assert page.text("#place") == "1 / 2"
    while page.count(".fold"):
        page.run("document.querySelector('.fold').click()")
    whole = "return document.querySelector('.assistant .words').textContent.length"
    assert page.run(whole) == 3 + 1_000_000 + 80_000 + 7
    assert page.run("return document.querySelector('.assistant .words').textContent.isWellFormed()")
    assert time.monotonic() - start < 60
    quiet(page)


def test_on_a_phone_everything_fits_and_the_list_is_a_page_of_its_own(opened):
    page = opened([sample(i, "word " * 200 + "w" * 300) for i in range(20)], width=360, height=700, phone=True)
    fits = "return document.documentElement.scrollWidth <= window.innerWidth"
    assert page.run(fits)
    assert page.count("#list .row") == 0
    page.click("#index")
    assert page.count("#list .row") == 20
    assert page.count(".message") == 0
    assert page.run(fits)
    assert page.count("#filters select") > 0
    page.click("#list .row:nth-child(3)")
    assert page.count("#filters select, #facts") == 0, "the screen is for the sample"
    assert page.count("#list .row") == 0
    assert page.text("#place") == "3 / 20"
    assert int(page.run("return document.getElementById('next').getBoundingClientRect().height")) >= 32
    page.resize(1280, 800)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_in_light_and_dark(opened, scheme):
    page = opened([sample(0, error_msg="wrong", tokens=tokens(["a"], [1.0])), sample(1)])
    page.prefer(scheme)
    contrast = """
        const channel = (x) => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
        const light = (text) => text.match(/[0-9.]+/g).slice(0, 3)
            .reduce((sum, x, i) => sum + [0.2126, 0.7152, 0.0722][i] * channel(x), 0);
        const behind = (one) => {
            const colour = getComputedStyle(one).backgroundColor;
            return colour === "rgba(0, 0, 0, 0)" && one.parentElement ? behind(one.parentElement) : colour;
        };
        const texts = "dt, dd, h1, h2, h3, .words, .error, .chip, .kind, .row span, label, kbd, button";
        return [...document.querySelectorAll(texts)]
            .filter((one) => one.checkVisibility() && !one.disabled)
            .map((one) => {
                const [a, b] = [light(getComputedStyle(one).color), light(behind(one))];
                return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.className || one.tagName];
            }).sort((a, b) => a[0] - b[0])[0];
    """
    least, where = page.run(contrast)
    assert least >= 4.5, where
    lightness = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (lightness == "rgb(20, 22, 25)") == (scheme == "dark")


def test_a_thousand_samples_are_listed_as_far_as_they_are_looked_at(opened):
    page = opened([sample(i) for i in range(1000)])
    assert page.count("#list .row") == 400
    page.run("document.querySelector('.more').click()")
    assert page.count("#list .row") == 800
    page.run("location.hash = '#990'")
    page.wait("document.getElementById('place').textContent === '990 / 1000'")
    assert page.run(
        "const row = document.querySelector('[aria-current=true].row').getBoundingClientRect();"
        "return row.top >= 0 && row.bottom <= window.innerHeight"
    ), "the list follows"
