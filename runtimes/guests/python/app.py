"""The Python guest: runs a program as a script and calls its functions, inside one WebAssembly instance.

componentize-py imports this module once and keeps the interpreter's memory as a snapshot; every instance starts from
it. So everything here that takes time (importing the standard library, warming it, replacing what needs a host)
happens at import, and `run` stays lean.

The host reads results from four buffers at fixed addresses. CONTROL holds little-endian 32-bit words: 2 state,
3 exit code, 4 and 5 the lengths of standard output and error, 6 the reply's length, 7 truncation bits.
"""

import gc
import os
import sys

import clock

clock.install()  # first: other modules take `time.monotonic` and friends by name

import preload  # noqa: E402

preload.import_standard_library()

# The guest has 32 bits. Programs take this for infinity, and their numbers are larger.
sys.maxsize = (1 << 63) - 1

# From here on nothing is imported from files any more, but for the guest's own modules.
import calls  # noqa: E402
import denied  # noqa: E402
import errnos  # noqa: E402
import events  # noqa: E402
import files  # noqa: E402
import missing  # noqa: E402
import objects  # noqa: E402, F401
import randomness  # noqa: E402
import script  # noqa: E402
import streams  # noqa: E402
import trusted  # noqa: E402
import wide  # noqa: E402
import wit_world  # noqa: E402

for replacement in (errnos, randomness, events, denied, files, wide, missing):
    replacement.install()

# Made last, so that they lie at the end of memory: 9 MiB of zeros that a snapshot need not hold.
CONTROL = bytearray(64)
STDOUT = bytearray(streams.CAPACITY)
STDERR = bytearray(streams.CAPACITY)
REPLY = bytearray(calls.REPLY_CAPACITY)
streams.connect(CONTROL, STDOUT, STDERR)
calls.connect(REPLY, wit_world.exchange, trusted.run, trusted.proxy)

AS_MODULE = 1 << 31  # in the word of the output limit

GUEST_MODULES = """
asking borrowed calls changes clock denied equality errnos events fetching files lent missing objects operations preload
raised randomness script stand_ins standard_types streams trusted usage values wide app wit_world
"""


def seal() -> None:
    """Take back what the warm-up left: called once, after the last warm-up run and before the snapshot."""
    script.forget()
    randomness.reset()
    clock.reset()
    for name in GUEST_MODULES.split():  # a program must get ModuleNotFoundError for `import values`, as natively
        sys.modules.pop(name, None)
    gc.collect()
    gc.freeze()


class WitWorld(wit_world.WitWorld):
    """The exports of the world `sandbox`."""

    def run(self, program: bytes, stdin: bytes, output_limit: int) -> int:
        """Run a program as `solution.py`; return its exit code."""
        clock.reset()
        streams.open_standard_streams(stdin, output_limit & ~AS_MODULE)
        return script.run(program, bool(output_limit & AS_MODULE))

    def call(self, request: bytes) -> int:
        """Call a function of the last program; return the length of the reply in REPLY."""
        return calls.answer(request)


# Programs are short and memory is limited anyhow: natively, with 2,000, sets and lists of a million tuples cost three
# times as much, most of it in the collector.
gc.set_threshold(20_000, 10)
os.environ.clear()
script.forget()
gc.collect()
gc.freeze()
