"""The pages of a leaderboard in a real browser, opened from a file."""

import shutil

import pytest
from board_results import make_results, make_run, play, write_results

from infinite_rl.agents.leaderboard.board import read_board
from infinite_rl.agents.leaderboard.pairs import compare
from infinite_rl.agents.leaderboard.site import write_site

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
WIDTHS = "return [document.documentElement.scrollWidth, window.innerWidth]"


def hostile(index, number, words):
    return f"{HOSTILE[(4 * index + number) % len(HOSTILE)]} {words if number else ''}"


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """The site of one submission that tries everything, beside a copy of it."""
    place = tmp_path_factory.mktemp("evil")
    run = make_run(model=EVIL, tasks=7, level=2)
    run["declarations"]["contamination"] = EVIL
    samples = play(run, 0.5, say=hostile)
    for sample in samples[:3]:
        sample |= {"task_id": EVIL, "domain": EVIL, "error_msg": EVIL, "answer": EVIL}
    write_results(place / "in" / "evil", run, samples)
    (place / "in" / "evil" / "card.md").write_text(f"# Hello {EVIL}\n\n![x](https://example.org/x.png)\n")
    run["model"]["name"] = "its copy"
    write_results(place / "in" / "copy", run, [*samples[1:], samples[0]])
    write_site(place / "in", place / "site")
    return place / "site"


@pytest.fixture
def desk(browser):
    """A window of a desk in which nothing is open; no test may leave an error on the console."""
    browser.resize(1280, 900)
    browser.prefer("light")
    browser.messages()
    yield browser
    assert browser.messages() == []


@pytest.fixture
def page(desk, site):
    """On the first page."""
    show(desk, site)
    return desk


def show(page, site, fragment=""):
    page.open(f"{(site / 'index.html').as_uri()}{fragment}")
    page.wait("document.querySelector('main[data-shown]')")


def go(page, fragment):
    """Another page of the same site."""
    before = page.run("return document.querySelector('main').dataset.shown")
    page.run("location.hash = arguments[0]", fragment)
    page.wait("document.querySelector('main').dataset.shown !== arguments[0]", before)


def entry(page, model):
    """The address's name of an entry: of several that with the most tasks."""
    entries = page.run("return board.data.entries")
    return max((one["tasks"], one["id"]) for one in entries if one["model"] == model)[1]


def models(page):
    return page.run("return [...document.querySelectorAll('.entries tbody th a')].map((one) => one.textContent)")


def choose(page, name, text):
    page.run(
        "const select = document.querySelector(`select[name=${arguments[0]}]`);"
        "select.value = [...select.options].find((one) => one.textContent.startsWith(arguments[1])).value;"
        "select.dispatchEvent(new Event('change'))",
        name, text,
    )  # fmt: skip


WHOLE = "Math-v0, level 1, 30 tasks"


def test_headers_sort_by_mouse_and_by_keyboard_and_tell_the_order(page):
    choose(page, "env", WHOLE)
    order = "return document.querySelector(`[data-key=${arguments[0]}]`).parentNode.getAttribute('aria-sort')"
    assert models(page) == ["strong", "middling", "weak"]
    assert page.run(order, "pass1") == "descending"
    page.click("[data-key=pass1]")
    assert models(page) == ["weak", "middling", "strong"]
    assert page.run(order, "pass1") == "ascending"
    page.run("document.querySelector('[data-key=model]').focus()")
    page.press("enter")
    assert models(page) == ["middling", "strong", "weak"]
    assert (page.run(order, "model"), page.run(order, "pass1")) == ("ascending", "none")
    # The focus stays on the header, though the table is new.
    page.press("enter")
    assert models(page) == ["weak", "strong", "middling"]


def test_entries_of_other_tasks_stand_under_their_own_heading_however_they_are_sorted(page):
    groups = "return [...document.querySelectorAll('.entries tbody')].map((one) => one.querySelectorAll('th').length)"
    names = ["Math-v0, 6 tasks", WHOLE, "Math-v0, level 2, 5 tasks"]
    for key in ("pass1", "model", "finished"):
        page.run("document.querySelector(`[data-key=${arguments[0]}]`).click()", key)
        assert page.texts(".group a") == names
        assert page.run(groups) == [1, 3, 1]
    page.resize(390, 800, phone=True)
    assert page.count(".group a") == 3
    page.resize(1280, 900)
    page.click("tbody:nth-of-type(2) .group a")
    page.wait("document.querySelector('h1').textContent === arguments[0]", WHOLE)
    assert models(page) == ["strong", "middling", "weak"]


def test_filters_by_environment_backend_and_words_work_together(page):
    assert len(models(page)) == 5
    choose(page, "backend", "vllm")
    assert sorted(models(page)) == ["middling", "weak"]
    page.type("input[name=text]", "WEA")
    assert models(page) == ["weak"]
    page.type("input[name=text]", "wea nobody")
    assert page.text(".notice h2") == "Nothing matches"
    # The address holds the choice.
    assert "backend=vllm" in page.run("return location.hash")
    page.run("document.querySelector('main').removeAttribute('data-shown'); location.reload()")
    page.wait("document.querySelector('main[data-shown]')")
    assert page.text(".notice h2") == "Nothing matches"


def test_an_environment_shows_its_bounds_curves_and_intervals(page):
    choose(page, "env", WHOLE)
    assert "Work out a math problem" in page.text(".benchmark")
    rows = page.texts(".columns .plain tr")
    assert len(rows) == 6
    assert "random" in rows[4]
    assert "3.9%" in rows[4]
    assert page.run("return document.querySelectorAll('.chart .curve').length") == 3
    assert page.run("return document.querySelector('.chart .floor-name').textContent") == "floor 3.9%"
    assert [text.partition(":")[0] for text in page.texts(".marks > span")] == [
        "score", "95% interval", "floor", "ceiling",
    ]  # fmt: skip
    told = page.run("return document.querySelector('.entries .bar').getAttribute('aria-label')")
    score = page.run("return board.data.entries.find((e) => e.rank === 1 && e.tasks === 30).pass1")
    low, high = f"{100 * score['low']:.1f}%", f"{100 * score['high']:.1f}%"
    assert told == f"{100 * score['value']:.1f}%, interval {low} to {high}, floor 3.9%, ceiling 100.0%"
    assert page.text(".entries td.score").split("\n") == [f"{100 * score['value']:.1f}%", f"{low} – {high}"]


def test_a_click_leads_from_the_table_to_a_transcript(page):
    choose(page, "env", WHOLE)
    page.click(".entries tbody th a")
    page.wait("document.querySelector('h1').textContent === 'strong'")
    assert "30 tasks × 4" in page.text(".facts")
    assert len(page.texts(".tasks tbody tr")) == 20
    page.click(".more")
    assert (len(page.texts(".tasks tbody tr")), page.count(".more")) == (30, 0)
    page.click(".tasks tbody a")
    page.wait("document.querySelector('.sample')")
    assert page.text(".opening .words").startswith("What is ")
    assert "<answer>" in page.text(".sample .words")
    assert page.count(".sample") == 4
    page.click(".steps a")
    page.wait("location.hash.endsWith('/task/1')")
    page.run("history.back()")
    page.wait("location.hash.endsWith('/task/0')")


def test_two_entries_are_compared_by_figures_that_python_computed(page, folder):
    choose(page, "env", WHOLE)
    page.click("tr:nth-child(1) .pick input")
    page.click("tr:nth-child(3) .pick input")
    page.click(".comparer a")
    page.wait("document.querySelector('.versus')")
    entries = {one.source: one for one in read_board(folder, lambda entry, tasks: None).entries}
    pair = compare(entries["strong"], entries["weak"])
    assert page.text(".figure").startswith(f"+{100 * pair.difference:.1f}")
    assert page.texts(".balance-legend b") == [str(pair.wins), str(pair.ties), str(pair.losses)]
    assert "strong is ahead of weak" in page.text(".headline")
    assert page.texts(".facts dd")[2] == ("< 0.001" if pair.p < 0.001 else f"{pair.p:.3f}")
    differ = pair.wins + pair.losses
    for name, count in (("all tasks", 30), ("only tasks where they are alike", pair.ties),
                        ("only where weak", pair.losses), ("only tasks where they differ", differ)):  # fmt: skip
        choose(page, "which", name)
        assert len(page.texts(".tasks tbody tr")) == max(1, count)
    assert f"only tasks where they differ ({differ})" in page.texts("select[name=which] option")
    page.click(".tasks tbody a")
    page.wait("document.querySelectorAll('.side').length === 2")
    assert page.count(".side .sample") == 8
    first = page.run("return location.hash")
    page.click(".steps a")
    page.wait("location.hash !== arguments[0] && document.querySelectorAll('.steps a').length === 2", first)


def pages(page, one, other):
    one, other = entry(page, one), entry(page, other)
    return [
        "#/", f"#/?env={page.run('return board.data.benchmarks[0].key')}", f"#/entry/{one}", f"#/entry/{one}/task/0",
        f"#/entry/{one}/task/1", f"#/compare/{one}/{other}", f"#/compare/{one}/{other}/3", "#/entry/nobody",
    ]  # fmt: skip


@pytest.mark.parametrize("names", [("strong", "weak"), (EVIL, "its copy")], ids=["plain", "evil"])
def test_no_page_is_wider_than_a_phone_and_nothing_is_loaded_but_files_beside_it(desk, site, evil, names):
    place = evil if EVIL in names else site
    show(desk, place)
    desk.resize(360, 740)
    for fragment in pages(desk, *names):
        go(desk, "#/nothing")
        go(desk, fragment)
        wide = desk.run(WIDTHS)
        assert wide[0] <= wide[1] == 360, fragment
        named = desk.run("return [...document.querySelectorAll('[src], [href]')].map((one) => one.src || one.href)")
        assert len(named) > 10
        assert all(name.startswith(place.as_uri()) for name in named)
    asked = desk.requests()
    assert len(asked) > 10
    assert all(name.startswith(place.as_uri()) for name in asked)


def test_colours_follow_the_system_until_the_reader_chooses(page, site):
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = page.run(paper)
    page.prefer("dark")
    dark = page.run(paper)
    assert light != dark
    assert page.text("#theme") == "Theme: system"
    page.click("#theme")
    assert (page.text("#theme"), page.run(paper)) == ("Theme: light", light)
    page.prefer("light")
    page.click("#theme")
    assert (page.text("#theme"), page.run(paper)) == ("Theme: dark", dark)
    show(page, site)
    assert page.run(paper) == dark
    page.click("#theme")
    assert page.run(paper) == light


def test_hostile_transcripts_are_text_and_nothing_else(desk, evil):
    show(desk, evil)
    name = entry(desk, EVIL)
    desk.run("window.alerts = 0; window.alert = () => window.alerts++")
    scripts = desk.run("return document.scripts.length")
    shown = []
    for task in range(7):
        go(desk, f"#/entry/{name}/task/{task}")
        shown += desk.run("return [...document.querySelectorAll('.sample .words')].map((one) => one.textContent)")
    go(desk, f"#/entry/{name}")
    assert EVIL in desk.text("h1")
    assert EVIL in desk.text(".card")
    for text in HOSTILE[:3]:
        assert any(text in one for one in shown), text
    assert any("⟨U+202E⟩gnp.live⟨U+202C⟩ ⟨U+2066⟩x⟨U+2069⟩ ⟨U+200E⟩ ␀ ␛[31mred␛[0m ␇" in one for one in shown)
    assert any("⟨U+D800⟩ lone, &lt;b&gt; &amp; \\u003cscript\\u003e" in one for one in shown)
    assert any("⟨U+2028⟩" in one for one in shown)
    assert desk.run("return window.alerts") == 0
    # Data scripts leave once they were read; no text has become an element.
    assert desk.run("return document.scripts.length") == scripts
    assert desk.count("img, iframe, object, embed, link:not([rel=stylesheet])") == 0


def test_the_same_replies_under_another_name_are_told_on_both_pages(desk, evil):
    show(desk, evil)
    assert desk.texts(".entries .chip") == ["100.0% same replies", "100.0% same replies"]
    for name, other in ((EVIL, "its copy"), ("its copy", EVIL)):
        go(desk, f"#/entry/{entry(desk, name)}")
        assert f"100.0% of the longer replies are word for word those of {other}" in desk.text(".warning")


def test_a_line_of_a_megabyte_is_cut_until_somebody_wants_it_whole(desk, evil):
    show(desk, evil)
    go(desk, f"#/entry/{entry(desk, EVIL)}/task/1")
    desk.run(
        "window.found = [...document.querySelectorAll('.words')].find((one) => one.textContent.startsWith('01234567'))"
    )
    assert desk.run("return window.found.textContent.length") == 20_000
    desk.click(".sample .more")
    assert desk.run("return window.found.textContent").startswith(LONG)
    wide = desk.run(WIDTHS)
    assert wide[0] <= wide[1]


def test_the_page_itself_could_not_run_what_it_was_given(page):
    """The second and third lock: a policy under which text can't become a script or an element."""
    for code in (
        "document.body.innerHTML = '<b>x</b>'",
        "document.createElement('script').src = 'evil.js'",
        "document.createElement('a').setAttribute('onclick', 'x()')",
    ):
        assert page.run(f"try {{ {code}; return 'allowed' }} catch (error) {{ return error.name }}") == "TypeError"
    with pytest.raises(RuntimeError, match=r"(?i)Content Security Policy|fetch"):
        page.run("return fetch('data/board.js')")
    assert any("Content Security Policy" in line for line in page.messages())


def test_what_can_not_be_shown_is_told(desk, site, tmp_path):
    show(desk, site, "#/entry/nobody")
    assert "There is no such entry" in desk.text(".notice")
    show(desk, site, "#/nonsense/1/2")
    assert "There is no such page" in desk.text(".notice")
    show(desk, site, "#/entry/%E0%A4%A")
    assert desk.text(".notice h2") == "Not shown"
    strong = entry(desk, "strong")
    show(desk, site, f"#/entry/{strong}/task/999")
    assert "There is no such task" in desk.text(".notice")
    copy = shutil.copytree(site, tmp_path / "copy")
    (copy / "data" / strong / "0.js").unlink()
    show(desk, copy, f"#/entry/{strong}/task/0")
    assert "Was the whole folder copied?" in desk.text(".notice")
    (copy / "data" / "board.js").unlink()
    desk.open(copy / "index.html")
    assert desk.text(".notice h2") == "No data"
    desk.messages()  # of the files that are missing


def test_an_empty_board_says_so(desk, tmp_path):
    (tmp_path / "in").mkdir()
    write_site(tmp_path / "in", tmp_path / "out")
    show(desk, tmp_path / "out")
    assert desk.text(".notice h2") == "No entries yet"


def test_entries_that_were_left_out_are_listed(page):
    page.click(".left-out summary")
    assert "<b>bold</b>" in page.text(".left-out")


def test_an_entry_whose_transcripts_are_withheld_shows_scores_but_no_task(page):
    assert page.texts(".entries .chip") == ["transcripts withheld"]
    go(page, f"#/entry/{entry(page, 'secretive')}")
    assert "The submitter withholds the tasks and transcripts" in page.text(".warning")
    assert page.count(".tasks") == 0


@pytest.mark.slow
def test_fifty_entries_with_fifty_thousand_samples_open_in_two_seconds(desk, tmp_path):
    for number in range(50):
        asked = {"model": f"model {number}", "skill": 0.02 * number, "n": 4, "tasks": 250, "level": 3}
        make_results(tmp_path / "in" / f"{number}", **asked)
    write_site(tmp_path / "in", tmp_path / "out")
    seconds = []
    for _ in range(3):
        show(desk, tmp_path / "out")
        seconds.append(desk.run("return (performance.now()) / 1000"))
    assert len(models(desk)) == 50
    assert min(seconds) < 2
    assert (tmp_path / "out" / "data" / "board.js").stat().st_size < 200_000
    for fragment in (f"#/entry/{entry(desk, 'model 7')}", f"#/entry/{entry(desk, 'model 7')}/task/200"):
        desk.run("window.started = performance.now()")
        go(desk, fragment)
        assert desk.run("return performance.now() - window.started") < 2_000
