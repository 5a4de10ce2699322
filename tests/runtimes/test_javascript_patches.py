"""The changes to QuickJS-NG's sources: made once each, and refused where the sources are not as expected."""

import pytest

from infinite_rl.runtimes.build.javascript_patches import PATCHES, Patch, patched


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "engine.c").write_text("one\ntwo\ntwo\nthree\n")
    return folder


def test_a_copy_is_changed_and_the_sources_are_not(sources, tmp_path):
    folder = patched(sources, tmp_path, (Patch("one\n", "1\n", "engine.c"), Patch("three", "3", "engine.c")))
    assert (folder / "engine.c").read_text() == "1\ntwo\ntwo\n3\n"
    assert (sources / "engine.c").read_text() == "one\ntwo\ntwo\nthree\n"


@pytest.mark.parametrize(("old", "count"), [("four", 0), ("two", 2)])
def test_a_text_that_does_not_stand_there_once_stops_the_build(sources, tmp_path, old, count):
    with pytest.raises(RuntimeError, match=f"engine.c: .* {count} times, not once: {old}"):
        patched(sources, tmp_path, (Patch(old, "", "engine.c"),))


def test_no_patch_is_empty_or_made_twice():
    assert len({patch.old for patch in PATCHES}) == len(PATCHES)
    assert all(patch.old.strip() and patch.old != patch.new for patch in PATCHES)
