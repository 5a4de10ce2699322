"""The site holds all that it needs, and works from a disk."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# What a page loads by itself.
LOADED = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>")

pytest.importorskip("material", reason="the site is built with the extra docs")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, as ``scripts/docs`` builds it: a warning would be an error."""
    (command,) = re.findall(r"python (-m mkdocs .*) --site-dir", (ROOT / "scripts" / "docs").read_text("utf-8"))
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [sys.executable, *command.split(), "--site-dir", folder],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_what_has_changed_is_a_page_of_the_navigation(site):
    page = (site / "changelog.html").read_text("utf-8")
    assert "What people notice, the newest first." in page
    assert 'href="changelog.html" class="md-nav__link"' in (site / "contributing.html").read_text("utf-8")


def test_no_page_loads_anything_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    assert {page.name: LOADED.findall(page.read_text("utf-8")) for page in pages} == {page.name: [] for page in pages}
    assert not [path for path in site.rglob("*.css") if re.search(r"url\([\"']?https?:", path.read_text("utf-8"))]


def test_what_pages_link_to_outside_of_docs_is_a_part_of_the_site(site):
    assert (site / "files/benchmarks/results/sandbox.png").read_bytes()[:4] == b"\x89PNG"
    assert "CountdownEnv" in (site / "files/examples/countdown_env.py.html").read_text("utf-8")
    assert 'href="files/examples/primitives/index.html"' in (site / "index.html").read_text("utf-8")
    for page in site.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#:?]+)[#"]', page.read_text("utf-8")):
            assert page.name == "404.html" or (page.parent / target).exists(), f"{page} leads to {target}"


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_search_works_from_a_disk(site, tmp_path):
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=5000", "--dump-dom"]
    address = (site / "environments" / "math.html").as_uri() + "?q=staleness"
    done = subprocess.run([*command, address], capture_output=True, text=True, timeout=120, check=True)
    found = re.findall(r'href="([^"]+)"[^>]*class="md-search-result__link"', done.stdout)
    assert any(re.search(r"/asynchronous\.html", address) for address in found), found
