"""An artefact is taken from where it is cheapest, made once, and put where it is looked for."""

import hashlib
import importlib.machinery
import os
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest
from build_stand_ins import wasm

from infinite_rl.runtimes.build import __main__ as command
from infinite_rl.runtimes.build import obtain as module
from infinite_rl.runtimes.build import python_artefact, store
from infinite_rl.runtimes.build.fetch import FetchError
from infinite_rl.runtimes.build.obtain import BuildError, Order, Workshop, obtain
from infinite_rl.runtimes.build.recipe import DISTRIBUTIONS, LANGUAGES, recipe_hash
from infinite_rl.runtimes.build.release import Release, ReleaseClient, ReleaseError

ROOT = Path(command.__file__).parents[2]
RECIPE = "5" * 64  # stands in for the hash of the real one


class Builders:
    """Stand-ins for the builders, and what they were asked."""

    def __init__(self):
        self.made = []
        self.node = True

    def python(self, work, report, optimizer=None):
        report("merging")
        self.made.append("python")
        return wasm("python", RECIPE, "optimized" if optimizer else "plain", salt=str(len(self.made)))

    def javascript(self, work, report, sources):
        report("compiling")
        assert (sources / "quickjs.c").is_file()
        assert work.is_dir()
        self.made.append("javascript")
        return wasm("javascript", RECIPE)


@pytest.fixture
def builders(monkeypatch):
    made = Builders()
    for language in LANGUAGES:
        name = f"{language}_artefact"
        stand_in = types.SimpleNamespace(build=getattr(made, language))
        monkeypatch.setitem(sys.modules, f"infinite_rl.runtimes.build.{name}", stand_in)
        monkeypatch.setattr(sys.modules["infinite_rl.runtimes.build"], name, stand_in, raising=False)

    def tool(self, distribution, report):
        folder = self._place / "tools" / distribution.name
        (folder / "sdist" / "upstream-quickjs").mkdir(parents=True, exist_ok=True)
        (folder / "sdist" / "upstream-quickjs" / "quickjs.c").touch()
        return folder

    def optimizer(self, wanted, report):
        if wanted and not made.node:
            raise FetchError("the optimized variant cannot be made: node and npm are not installed")
        return self._place if made.node and wanted is not False else None

    monkeypatch.setattr(Workshop, "tool", tool)
    monkeypatch.setattr(Workshop, "optimizer", optimizer)
    return made


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A checkout of its own with a recipe of its own, an empty user's cache and no release."""
    for part in (module, store):
        monkeypatch.setattr(part, "recipe_hash", lambda: RECIPE)
    for name in ("RUNTIME_GITHUB_REPO", "RUNTIME_RELEASE_TAG", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INFINITE_RL_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "checkout" / "runtimes"
    folder.mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    monkeypatch.setattr(store, "PACKAGE", folder)
    return folder


def get(language="javascript", **order):
    with Workshop.open() as workshop:
        return obtain(language, Order(**order), workshop, lambda line: None)


def test_it_is_built_once_then_present_then_cached(builders, package):
    assert get().origin.startswith("built in")
    assert (package / "javascript.wasm").read_bytes() == (store.cache_folder() / "javascript.wasm").read_bytes()
    assert get().origin == "present"
    (package / "javascript.wasm").unlink()
    assert get().origin == "cache"
    assert (package / "javascript.wasm").is_file()
    assert builders.made == ["javascript"]
    assert get(force=True).origin.startswith("built in")


def test_an_artefact_of_another_recipe_is_replaced(builders, package):
    (package / "javascript.wasm").write_bytes(wasm("javascript", "0" * 64))
    assert get().artefact.recipe == RECIPE
    assert builders.made == ["javascript"]


@pytest.mark.parametrize("content", [b"", b"\0asm\x01\0\0\0", wasm("javascript", RECIPE)[:-1], wasm("python", RECIPE)])
def test_a_damaged_file_is_replaced(builders, package, content):
    store.write(store.cache_folder() / "javascript.wasm", content)
    (package / "javascript.wasm").write_bytes(content)
    get()
    assert store.read(package / "javascript.wasm", "javascript").recipe == RECIPE


def test_the_variant_is_what_was_asked_for(builders, package):
    builders.node = False
    assert get("python").artefact.variant == "plain"
    builders.node = True
    assert get("python").origin == "present"  # good enough where none was asked for
    assert get("python", optimize=True).artefact.variant == "optimized"
    assert get("python", optimize=True).origin == "present"
    assert get("python", optimize=False).artefact.variant == "plain"
    builders.node = False
    with pytest.raises(FetchError, match="node"):
        get("python", optimize=True)


def test_an_output_folder_gets_a_copy_and_the_package_nothing(builders, package, tmp_path):
    assert get(output=tmp_path / "out").path == tmp_path / "out" / "javascript.wasm"
    assert list(package.iterdir()) == []
    assert get(output=tmp_path / "other").origin == "cache"
    assert (tmp_path / "out" / "javascript.wasm").stat().st_mode & 0o777 == 0o644


def test_an_installed_package_is_left_alone_unless_it_holds_one(builders, package):
    (package.parent / "pyproject.toml").unlink()
    assert get().path == store.cache_folder() / "javascript.wasm"
    assert not (package / "javascript.wasm").exists()
    (package / "javascript.wasm").write_bytes(b"damaged")  # it would be found before the cache's
    assert get().path == package / "javascript.wasm"


def test_a_cache_that_cannot_be_written_is_no_failure(builders, package, tmp_path):
    (tmp_path / "cache").write_text("a file is in the way")
    assert get().path == package / "javascript.wasm"


def test_a_failing_step_is_named(builders, package, monkeypatch):
    def build(work, report, sources):
        report("compiling quickjs.c")
        raise RuntimeError("no space left")

    monkeypatch.setattr(sys.modules["infinite_rl.runtimes.build"].javascript_artefact, "build", build)
    with pytest.raises(BuildError, match=r"^compiling quickjs\.c: no space left"):
        get()
    assert not store.cache_folder().joinpath("javascript.wasm").exists()


def test_two_builds_at_once_make_it_once(builders, package):
    ready, told = threading.Event(), []
    original = builders.javascript

    def slow(work, report, sources):
        ready.set()
        while not told:  # goes on when the other one waits
            pass
        return original(work, report, sources)

    sys.modules["infinite_rl.runtimes.build"].javascript_artefact.build = slow
    with Workshop.open() as workshop:
        first = threading.Thread(target=obtain, args=("javascript", Order(), workshop, lambda line: None))
        first.start()
        assert ready.wait(60)
        outcome = obtain("javascript", Order(), workshop, told.append)
        first.join()
    assert told == ["another process is making it; waiting"]
    assert outcome.origin == "present"
    assert builders.made == ["javascript"]


class StandInClient:
    """A release that holds one JavaScript artefact."""

    content = wasm("javascript", "f" * 64)
    downloads = 0

    def find(self, tag):
        return Release("o/n", tag or "runtimes-9", {}, {"javascript.wasm": hashlib.sha256(self.content).hexdigest()})

    def download(self, release, name):
        if name != "javascript.wasm":
            raise ReleaseError(f"release {release.tag} has no {name}")
        self.downloads += 1
        return self.content


def test_a_named_release_goes_before_all_and_is_downloaded_once(builders, package, monkeypatch):
    get()
    client = StandInClient()
    monkeypatch.setattr(ReleaseClient, "from_environment", lambda: client)
    for _ in range(2):
        outcome = get()
        assert outcome.origin == "release runtimes-9"
        assert (package / "javascript.wasm").read_bytes() == client.content
    assert client.downloads == 1
    # It is of another recipe, so it must not pass for what this one makes.
    assert store.read(store.cache_folder() / "javascript.wasm", "javascript").recipe == RECIPE
    with pytest.raises(ReleaseError):
        get("python")
    client.content = wasm("python", "f" * 64)
    with pytest.raises(BuildError, match="holds python"):
        get()


def test_the_command_makes_all_and_tells_where(builders, package, capsys):
    assert command.main(["--plain"]) == 0
    output = capsys.readouterr()
    assert sorted(builders.made) == ["javascript", "python"]
    assert f"{package / 'python.wasm'}: Engine 1.0, optimized" in output.out
    assert "s  javascript: compiling" in output.err


def test_the_command_fails_for_one_and_still_makes_the_other(builders, package, capsys):
    builders.node = False
    assert command.main(["--plain", "--optimize"]) == 1
    output = capsys.readouterr()
    assert "error: python: the optimized variant cannot be made: node and npm are not installed\n" in output.err
    assert (package / "javascript.wasm").is_file()


def test_the_command_can_copy_without_making(builders, package, capsys, tmp_path):
    (package / "python.wasm").write_bytes(wasm("python", "0" * 64))
    assert command.main(["--only-present", "--output", str(tmp_path / "out")]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["python.wasm"]
    assert "there is no javascript.wasm" in capsys.readouterr().err
    assert builders.made == []


def test_tools_are_on_the_path_while_the_workshop_is_open_and_gone_afterwards(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "mine")
    before = list(sys.path)
    with Workshop.open() as workshop:
        place = workshop.folder("work").parent
        assert os.environ["PYTHONPATH"].endswith(f"{os.pathsep}mine")
        assert all(str(place / "tools" / tool.name) in sys.path for tool in DISTRIBUTIONS)
    assert os.environ["PYTHONPATH"] == "mine"
    assert "ZIG_GLOBAL_CACHE_DIR" not in os.environ
    assert sys.path == before
    assert not place.exists()


def test_a_second_build_of_a_process_reads_its_own_time_zones(tmp_path, monkeypatch):
    package = tmp_path / "tzdata"
    (package / "zoneinfo").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "zones").write_text("Here")
    (package / "zoneinfo" / "Here").write_bytes(b"data")
    gone = types.ModuleType("tzdata")
    gone.__path__ = [str(tmp_path / "gone" / "tzdata")]
    gone.__spec__ = importlib.machinery.ModuleSpec("tzdata", None, is_package=True)
    monkeypatch.setitem(sys.modules, "tzdata", gone)
    monkeypatch.syspath_prepend(tmp_path)
    assert python_artefact._time_zones() == "ZONES = {'Here': b'data'}\n"


def test_the_build_needs_only_the_standard_library_and_platformdirs(tmp_path):
    """As in pip's isolated build: any other import fails."""
    code = (
        "import runpy, sys, types\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        root = name.partition('.')[0]\n"
        "        if root not in sys.stdlib_module_names | {'infinite_rl', 'platformdirs', 'pip', 'setuptools'}:\n"
        "            raise ImportError(f'{name} is not there')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"package = types.ModuleType('infinite_rl'); package.__path__ = [{str(ROOT)!r}]\n"
        "sys.modules['infinite_rl'] = package\n"
        "import infinite_rl.runtimes.build.obtain\n"
        "sys.argv = ['build', '--help']\n"
        "runpy.run_module('infinite_rl.runtimes.build', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "RUNTIME_RELEASE_TAG" in done.stdout


def test_without_node_the_plain_variant_is_made_unless_the_other_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = []
    with Workshop.open() as workshop:
        assert workshop.optimizer(None, lines.append) is None
        assert workshop.optimizer(False, lines.append) is None
        with pytest.raises(FetchError, match=r"^the optimized variant cannot be made: node and npm are not installed"):
            workshop.optimizer(True, lines.append)
    assert lines == ["node and npm are not installed; making the plain variant: it behaves the same, and is slower"]


@pytest.mark.slow
def test_a_real_build_makes_both(tmp_path, monkeypatch):
    """Some minutes of CPU, and a network or a filled cache of pip's."""
    monkeypatch.setenv("INFINITE_RL_CACHE", str(tmp_path / "cache"))
    assert command.main(["--force", "--plain", "--output", str(tmp_path / "out")]) == 0
    for language in LANGUAGES:
        assert module.store.read(tmp_path / "out" / f"{language}.wasm", language).recipe == recipe_hash()
