"""The pages of a leaderboard in a real browser, opened from a file."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from board_browser import CHROMIUM, DRIVER, MISSING, Browser
from board_results import make_results, make_run, play, write_results

from infinite_rl.agents.leaderboard.board import read_board
from infinite_rl.agents.leaderboard.pairs import compare
from infinite_rl.agents.leaderboard.site import write_site

pytestmark = pytest.mark.skipif(not (DRIVER and CHROMIUM), reason=MISSING)

LONG = "0123456789" * 100_000
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script><!--",
    "<img src=x onerror=alert(3)><svg onload=alert(4)>",
    "javascript:alert(5) ${alert(6)} {{7*7}} \u2028 alert(7)//",
    "\u202egnp.live\u202c \u2066x\u2069 \u200e \x00 \x1b[31mred\x1b[0m \x07",
    "\ud800 lone, &lt;b&gt; &amp; \\u003cscript\\u003e",
    LONG,
]
EVIL = '<script>alert("name")</script>'


def hostile(index, number, words):
    return f"{HOSTILE[(4 * index + number) % len(HOSTILE)]} {words if number else ''}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("board")
    for name, skill, backend in (("strong", 0.8, "endpoint"), ("middling", 0.5, "vllm"), ("weak", 0.2, "vllm")):
        make_results(place / name, model=name, skill=skill, tasks=30, backend=backend)
    make_results(place / "harder", model="strong", skill=0.4, tasks=5, level=2)
    run = make_run(model=EVIL, tasks=7, level=2)
    run["declarations"]["contamination"] = EVIL
    samples = play(run, 0.5, say=hostile)
    for sample in samples[:3]:
        sample |= {"task_id": EVIL, "domain": EVIL, "error_msg": EVIL, "answer": EVIL}
    write_results(place / "evil", run, samples)
    (place / "evil" / "card.md").write_text(f"# Hello {EVIL}\n\n![x](https://example.org/x.png)\n")
    (place / "broken").mkdir()
    (place / "broken" / "run.json").write_text('{"schema": "<b>bold</b>"}')
    return place


@pytest.fixture(scope="module")
def site(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "site"
    write_site(folder, out)
    return out


@pytest.fixture(scope="module")
def running():
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(running, site):
    """On the first page, in a window of a desk; no test may leave an error on the console."""
    running.resize(1280, 900)
    running.errors()
    running.open(address(site))
    yield running
    assert running.errors() == []


def address(site, fragment=""):
    return f"{(site / 'index.html').as_uri()}{fragment}"


def entry(browser, model, tasks):
    """The address's name of an entry."""
    found = browser.js(
        "return board.data.entries.find((one) => one.model === arguments[0] && one.tasks === arguments[1]).id",
        model,
        tasks,
    )
    return str(found)


def models(browser):
    return browser.js("return [...document.querySelectorAll('.entries tbody th a')].map((one) => one.textContent)")


def choose(browser, name, text):
    browser.js(
        "const select = document.querySelector(`select[name=${arguments[0]}]`);"
        "select.value = [...select.options].find((one) => one.textContent === arguments[1]).value;"
        "select.dispatchEvent(new Event('change'))",
        name, text,
    )  # fmt: skip


def benchmark(browser, tasks):
    return browser.js("return board.data.benchmarks.find((one) => one.tasks === arguments[0]).name", tasks)


def test_headers_sort_by_mouse_and_by_keyboard_and_tell_the_order(browser):
    choose(browser, "env", benchmark(browser, 30))
    order = "return document.querySelector(`[data-key=${arguments[0]}]`).parentNode.getAttribute('aria-sort')"
    assert models(browser) == ["strong", "middling", "weak"]
    assert browser.js(order, "pass1") == "descending"
    browser.click("[data-key=pass1]")
    assert models(browser) == ["weak", "middling", "strong"]
    assert browser.js(order, "pass1") == "ascending"
    browser.js("document.querySelector('[data-key=model]').focus()")
    browser.press("\ue007")
    assert models(browser) == ["middling", "strong", "weak"]
    assert (browser.js(order, "model"), browser.js(order, "pass1")) == ("ascending", "none")
    # The focus stays on the header, though the table is new.
    browser.press("\ue007")
    assert models(browser) == ["weak", "strong", "middling"]


def test_filters_by_environment_backend_and_words_work_together(browser):
    assert len(models(browser)) == 5
    choose(browser, "backend", "vllm")
    assert sorted(models(browser)) == ["middling", "weak"]
    browser.type("input[name=text]", "WEA")
    assert models(browser) == ["weak"]
    browser.type("input[name=text]", " nobody")
    assert browser.text(".notice h2") == "Nothing matches"
    # The address holds the choice.
    assert "backend=vllm" in browser.js("return location.hash")
    browser.post("/refresh", {})
    browser.wait("return !!document.querySelector('main[data-shown]')")
    assert browser.text(".notice h2") == "Nothing matches"


def test_an_environment_shows_its_bounds_curves_and_intervals(browser):
    choose(browser, "env", benchmark(browser, 30))
    assert "Work out a math problem" in browser.text(".benchmark")
    rows = browser.texts(".columns .plain tr")
    assert len(rows) == 6
    assert "random" in rows[4]
    assert "3.9" in rows[4]
    assert browser.js("return document.querySelectorAll('.chart .curve').length") == 3
    told = browser.js("return document.querySelector('.entries .bar').getAttribute('aria-label')")
    low, high = browser.js("const score = board.data.entries.find((e) => e.rank === 1 && e.tasks === 30).pass1;"
                           "return [score.low, score.high]")  # fmt: skip
    assert f"interval {100 * low:.1f} to {100 * high:.1f}" in told


def test_a_click_leads_from_the_table_to_a_transcript(browser):
    choose(browser, "env", benchmark(browser, 30))
    browser.click(".entries tbody th a")
    browser.wait("return document.querySelector('h1').textContent === 'strong'")
    assert "120" in browser.text(".facts") or "30 tasks × 4" in browser.text(".facts")
    browser.click(".tasks tbody a")
    browser.wait("return !!document.querySelector('.sample')")
    assert browser.text(".opening .words").startswith("What is ")
    assert "<answer>" in browser.text(".sample .words")
    assert browser.js("return document.querySelectorAll('.sample').length") == 4
    browser.click(".steps a")
    browser.wait("return location.hash.endsWith('/task/1')")
    browser.post("/back", {})
    browser.wait("return location.hash.endsWith('/task/0')")


def test_two_entries_are_compared_by_figures_that_python_computed(browser, folder):
    choose(browser, "env", benchmark(browser, 30))
    browser.click("tr:nth-child(1) .pick input")
    browser.click("tr:nth-child(3) .pick input")
    browser.click(".comparer a")
    browser.wait("return !!document.querySelector('.versus')")
    entries = {one.source: one for one in read_board(folder, lambda entry, tasks: None).entries}
    pair = compare(entries["strong"], entries["weak"])
    assert browser.text(".figure").startswith(f"+{100 * pair.difference:.1f}")
    assert browser.texts(".balance-legend b") == [str(pair.wins), str(pair.ties), str(pair.losses)]
    assert "strong is ahead of weak" in browser.text(".headline")
    assert browser.texts(".facts dd")[2] == ("< 0.001" if pair.p < 0.001 else f"{pair.p:.3f}")
    assert len(browser.texts(".tasks tbody tr")) == min(30, pair.wins + pair.losses)
    browser.click(".tasks tbody a")
    browser.wait("return document.querySelectorAll('.side').length === 2")
    assert browser.js("return document.querySelectorAll('.side .sample').length") == 8


def pages(browser):
    strong, weak, evil = entry(browser, "strong", 30), entry(browser, "weak", 30), entry(browser, EVIL, 7)
    return [
        "#/", f"#/?env={browser.js('return board.data.benchmarks[0].key')}", f"#/entry/{strong}", f"#/entry/{evil}",
        f"#/entry/{evil}/task/0", f"#/entry/{evil}/task/1", f"#/compare/{strong}/{weak}",
        f"#/compare/{strong}/{weak}/3", "#/entry/nobody",
    ]  # fmt: skip


def test_no_page_is_wider_than_a_phone(browser):
    browser.resize(360, 740)
    for page in pages(browser):
        browser.go("#/nothing")
        browser.go(page)
        wide = browser.js("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1] == 360, page


def test_colours_follow_the_system_until_the_reader_chooses(browser, site):
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = browser.js(paper)
    browser.resize(1280, 900, dark=True)
    dark = browser.js(paper)
    assert light != dark
    assert browser.text("#theme") == "Theme: system"
    browser.click("#theme")
    assert (browser.text("#theme"), browser.js(paper)) == ("Theme: light", light)
    browser.resize(1280, 900, dark=False)
    browser.click("#theme")
    assert (browser.text("#theme"), browser.js(paper)) == ("Theme: dark", dark)
    browser.open(address(site))
    assert browser.js(paper) == dark
    browser.click("#theme")
    assert browser.js(paper) == light


def test_hostile_transcripts_are_text_and_nothing_else(browser):
    evil = entry(browser, EVIL, 7)
    browser.js("window.alerts = 0; window.alert = () => window.alerts++")
    scripts = browser.js("return document.scripts.length")
    shown = []
    for task in range(7):
        browser.go(f"#/entry/{evil}/task/{task}")
        shown += browser.js("return [...document.querySelectorAll('.sample .words')].map((one) => one.textContent)")
    browser.go(f"#/entry/{evil}")
    assert EVIL in browser.text("h1")
    assert EVIL in browser.text(".card")
    for text in HOSTILE[:3]:
        assert any(text in one for one in shown), text
    assert any("⟨U+202E⟩gnp.live⟨U+202C⟩ ⟨U+2066⟩x⟨U+2069⟩ ⟨U+200E⟩ ␀ ␛[31mred␛[0m ␇" in one for one in shown)
    assert any("⟨U+D800⟩ lone, &lt;b&gt; &amp; \\u003cscript\\u003e" in one for one in shown)
    assert any("⟨U+2028⟩" in one for one in shown)
    assert browser.js("return window.alerts") == 0
    # Data scripts leave once they were read; no text has become an element.
    assert browser.js("return document.scripts.length") == scripts
    assert (
        browser.js("return document.querySelectorAll('img, iframe, object, embed, link:not([rel=stylesheet])').length")
        == 0
    )


def test_a_line_of_a_megabyte_is_cut_until_somebody_wants_it_whole(browser):
    evil = entry(browser, EVIL, 7)
    browser.go(f"#/entry/{evil}/task/1")
    browser.js(
        "window.found = [...document.querySelectorAll('.words')].find((one) => one.textContent.startsWith('01234567'))"
    )
    assert browser.js("return window.found.textContent.length") == 20_000
    browser.click(".sample .more")
    assert browser.js("return window.found.textContent").startswith(LONG)
    wide = browser.js("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]


def test_the_page_itself_could_not_run_what_it_was_given(running, site):
    """The second and third lock: a policy under which text can't become a script or an element."""
    running.open(address(site))
    assert running.js(
        "try { document.body.innerHTML = '<b>x</b>'; return 'allowed' } catch (error) { return error.name }"
    ) == "TypeError"  # fmt: skip
    assert running.js(
        "try { document.createElement('script').src = 'evil.js'; return 'allowed' } catch (error) { return error.name }"
    ) == "TypeError"  # fmt: skip
    assert running.js(
        "try { document.createElement('a').setAttribute('onclick', 'x()'); return 'allowed' } "
        "catch (error) { return error.name }"
    ) == "TypeError"  # fmt: skip
    with pytest.raises(RuntimeError, match=r"(?i)Content Security Policy|fetch"):
        running.js("return fetch('data/board.js')")
    assert any("Content Security Policy" in line for line in running.errors())


def test_nothing_is_loaded_but_the_files_beside_the_page(browser, site):
    named = "return [...document.querySelectorAll('[src], [href]')].map((one) => one.src || one.href)"
    for page in pages(browser):
        browser.go("#/nothing")
        browser.go(page)
        found = browser.js(named)
        assert len(found) > 10
        assert all(name.startswith(site.as_uri()) for name in found)


def test_what_can_not_be_shown_is_told(running, site, tmp_path):
    running.open(address(site, "#/entry/nobody"))
    assert "There is no such entry" in running.text(".notice")
    running.open(address(site, "#/nonsense/1/2"))
    assert "There is no such page" in running.text(".notice")
    running.open(address(site, "#/entry/%E0%A4%A"))
    assert running.text(".notice h2") == "Not shown"
    strong = entry(running, "strong", 30)
    running.open(address(site, f"#/entry/{strong}/task/999"))
    assert "There is no such task" in running.text(".notice")
    copy = shutil.copytree(site, tmp_path / "copy")
    (copy / "data" / strong / "0.js").unlink()
    running.open(address(copy, f"#/entry/{strong}/task/0"))
    assert "Was the whole folder copied?" in running.text(".notice")
    (copy / "data" / "board.js").unlink()
    running.post("/url", {"url": address(copy)})
    assert running.text(".notice h2") == "No data"
    running.errors()  # of the files that are missing


def test_an_empty_board_says_so(running, tmp_path):
    (tmp_path / "in").mkdir()
    write_site(tmp_path / "in", tmp_path / "out")
    running.open(address(tmp_path / "out"))
    assert running.text(".notice h2") == "No entries yet"
    assert running.errors() == []


def test_entries_that_were_left_out_are_listed(browser):
    browser.click(".left-out summary")
    assert "<b>bold</b>" in browser.text(".left-out")


def test_a_private_entry_shows_scores_but_no_task(running, tmp_path):
    make_results(tmp_path / "in" / "kept", model="kept", tasks=5, canary="infinite-rl-canary-" + "1" * 32)
    write_site(tmp_path / "in", tmp_path / "out")
    running.open(address(tmp_path / "out"))
    assert "private" in running.text(".entries tbody")
    running.go(f"#/entry/{entry(running, 'kept', 5)}")
    assert "its tasks and transcripts are not shown" in running.text("main")
    assert running.errors() == []


@pytest.mark.slow
def test_fifty_entries_with_fifty_thousand_samples_open_in_two_seconds(running, tmp_path):
    for number in range(50):
        make_results(
            tmp_path / "in" / f"{number}", model=f"model {number}", skill=0.02 * number, n=4, tasks=250, level=3
        )
    write_site(tmp_path / "in", tmp_path / "out")
    running.resize(1280, 900)
    running.errors()
    seconds = []
    for _ in range(3):
        running.open(address(tmp_path / "out"))
        seconds.append(running.js("return (performance.now()) / 1000"))
    assert len(models(running)) == 50
    assert min(seconds) < 2
    assert (tmp_path / "out" / "data" / "board.js").stat().st_size < 200_000
    started = "window.started = performance.now()"
    for page in (f"#/entry/{entry(running, 'model 7', 250)}", f"#/entry/{entry(running, 'model 7', 250)}/task/200"):
        running.js(started)
        running.go(page)
        assert running.js("return performance.now() - window.started") < 2_000
    assert running.errors() == []
