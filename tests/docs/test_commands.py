"""Every command of README and docs is executed or, where that needs a network or a GPU or takes long, parsed by its own
parser; doc_commands.py says which is which.
"""

import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "runtimes")]
from chat_server import serving
from doc_commands import World, typed
from doc_pages import PAGES, ROOT, blocks, named
from doc_world import furnish, sums

from infinite_rl.agents.evaluation import about
from infinite_rl.datasets.documents import Document
from infinite_rl.envs.http.server import HttpLimits, JsonServer
from infinite_rl.envs.retrieval.bm25 import BM25Index
from infinite_rl.envs.retrieval.service import SearchServer

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")

BASH = {named(page, block): block.code for page in PAGES for block in blocks(page) if block.language == "bash"}
# A block that starts a server of its own and asks it is run as a whole.
SESSIONS = {name: code for name, code in BASH.items() if "curl" in code and re.search(r"&$", code, re.M)}


@pytest.fixture(scope="module")
def world(tmp_path_factory, pytestconfig):
    """What the pages speak of, made once."""
    gemini = runpy.run_path(str(ROOT / "examples" / "local_gemini.py"))["Handler"]
    search = SearchServer(BM25Index([Document("a", "Cats", "They purr.")]))
    writer = JsonServer("127.0.0.1", 0, gemini, limits=HttpLimits(seconds=60))
    for server in (writer, search):
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    with serving(sums) as model, pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        patch.delenv("OPENAI_API_KEY", raising=False)
        # The code does not change during the tests; to hash it takes longer than everything else.
        for name in ("code_hash", "_parser_hash", "_runtimes_hash"):
            patch.setattr(about, name, cache(getattr(about, name)))
        servers = {
            "http://127.0.0.1:8000": model.url.removesuffix("/v1"),
            "http://localhost:8000": model.url.removesuffix("/v1"),
            "http://127.0.0.1:8080": writer.url,
            "http://127.0.0.1:8001": search.url,
        }
        folder = tmp_path_factory.mktemp("world")
        furnish(folder, servers)
        yield World(folder, tmp_path_factory.mktemp("copies"), servers, pytestconfig._parser.parse)
    for server in (writer, search):
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", [name for name in BASH if name not in SESSIONS])
def test_the_commands_of_a_block_are_executed_or_parsed(name, world, tmp_path):
    for words in typed(BASH[name], tmp_path):
        world.try_command(words)


WRONG = (AssertionError, SystemExit, ValueError, OSError, ImportError, pytest.UsageError, pytest.fail.Exception)


@pytest.mark.parametrize(
    "line",
    [
        "infinite-rl report runs/my-run --no-such-flag",
        "infinite-rl generate --no-such-flag",
        "infinite-rl repotr runs/my-run",
        "infinite-rl view no-such-folder",
        "python -m agents.train actor.learning_rate=1",
        "python -m agents.trian",
        "python -m agents.train experiment=upgrade model.name=FOLDER env=multi_domain 'buffer.arrivals={cooking: 0}'",
        "python -m agents.train experiment=upgrade model.name=FOLDER 'buffer.arrivals={add: 0}'",
        "python -m infinite_rl.runtimes.build --no-such-flag",
        "python examples/serve_tiny_policy.py --no-such-flag",
        "python examples/no_such_file.py",
        "torchrun --no_such_flag=2 -m agents.train",
        "torchrun --nproc_per_node=2 -m agents.train no.such=1",
        'pip install -e ".[no_such_extra]"',
        "pip install --no-such-flag -r requirements_dev.txt",
        "pip install -c no_such_file.txt",
        "pytest --no-such-flag",
        "vllm serve MODEL --no-such-flag",
        "scripts/vllm_cpu.sh --no-such-flag",
        "scripts/no_such_file",
        "a-program-that-nobody-knows",
    ],
)
def test_a_command_that_is_wrong_is_found_out(line, world, tmp_path):
    with pytest.raises(WRONG):
        for words in typed(line, tmp_path):
            world.try_command(words)


def test_variables_that_commands_set_are_read_by_somebody():
    names = {name for code in BASH.values() for name in re.findall(r"\b([A-Z][A-Z_]{3,})=", code)}
    assert len(names) > 3
    torch = Path(pytest.importorskip("torch").__file__).parent / "distributed" / "elastic"
    places = [
        path
        for folder in (ROOT / "agents", ROOT / "runtimes", ROOT / "datasets", torch)
        for path in folder.rglob("*.py")
    ]
    text = "\n".join(path.read_text("utf-8") for path in places)
    assert [name for name in names if name not in text] == []


@pytest.mark.parametrize("name", SESSIONS)
def test_a_block_that_asks_a_server_runs(name, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = 'infinite-rl() { exec "$PYTHON" -m infinite_rl.cli "$@"; }\nset -em\n'
    code = command + SESSIONS[name].replace("8000", str(port))
    environment = os.environ | {"PYTHON": sys.executable, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        ["bash", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '{"status": "healthy"}' in done.stdout
    assert '"status": "scored"' in done.stdout
    assert '"closed": true' in done.stdout
