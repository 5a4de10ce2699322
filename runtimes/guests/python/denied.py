"""What a sandbox without a host cannot give: threads, processes, the network, a debugger. Each says so."""

import errno
import os
import select
import signal
import sys
import threading
import types
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import clock
import streams

NO_THREADS = "can't start new thread: threads are not available in the sandbox"
NO_PROCESSES = "processes are not available in the sandbox"
SMALLEST_STACK = 32 << 10
NO_NETWORK = "the network is not available in the sandbox"

PROCESS_FUNCTIONS = """
system popen fork forkpty kill killpg wait waitpid posix_spawn execv execve execvp execvpe execl execle execlp spawnv
spawnl nice
"""
MULTIPROCESSING = """
Manager Pipe Lock RLock Condition Semaphore BoundedSemaphore Event Barrier Queue JoinableQueue SimpleQueue Pool
RawValue RawArray Value Array
"""
NETWORK_FUNCTIONS = """
create_connection create_server socketpair getaddrinfo gethostbyname gethostbyaddr gethostbyname_ex getnameinfo fromfd
getfqdn
"""


def refusal(name: str, error: type[Exception], *arguments: object) -> Callable[..., NoReturn]:
    """A function of this name that raises an error."""

    def function(*args: Any, **options: Any) -> NoReturn:
        raise error(*arguments)

    function.__name__ = function.__qualname__ = name
    return function


class Finished:
    """What `Thread.join` and `Thread.is_alive` ask of a thread that has run to its end."""

    def __init__(self) -> None:
        self.ident = threading.get_ident()

    def is_done(self) -> bool:
        """Yes."""
        return True

    def join(self, timeout: float | None = None, /) -> None:
        """Nothing is left to wait for."""


_asked_stack = 0  # bytes


def stack_size(size: int = 0, /) -> int:
    """`threading.stack_size`: the stack that the program asks for; returns what it asked for before."""
    global _asked_stack
    if size and size < SMALLEST_STACK:
        raise ValueError(f"size not valid: {size} bytes")
    before, _asked_stack = _asked_stack, size
    return before


def start_thread(bootstrap: types.MethodType, *, handle: object = None, daemon: bool = True) -> None:
    """Start a `threading.Thread`: refused, but to a program that has asked for a larger stack.

    `threading.stack_size(1 << 27); threading.Thread(target=main).start()` is how programs get room to recurse. They
    want no concurrency: the thread runs to its end right here.
    """
    if not _asked_stack:
        raise RuntimeError(NO_THREADS)
    thread, caller = bootstrap.__self__, threading.current_thread()
    thread._os_thread_handle = Finished()
    try:
        bootstrap()
    finally:
        threading._active[threading.get_ident()] = caller


def deny_threads() -> None:
    """Starting a thread raises RuntimeError, as natively where none can be started."""
    import _thread

    start = refusal("start_new_thread", RuntimeError, NO_THREADS)
    _thread.start_new_thread = _thread.start_new = start
    _thread.start_joinable_thread = start
    threading._start_joinable_thread = start_thread
    threading._start_new_thread = start
    threading.Condition.wait = wait_alone
    _thread.stack_size = threading.stack_size = stack_size


def wait_alone(self: threading.Condition, timeout: float | None = None) -> bool:
    """`Condition.wait`, and with it events and queues, where nobody else can ever notify: time passes."""
    if not self._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    if timeout is None:
        raise RuntimeError("this would wait forever: no other thread runs in the sandbox")
    clock.advance(max(0.0, timeout))
    return False


def deny_processes() -> None:
    """Starting a process raises PermissionError."""
    import concurrent.futures.process
    import multiprocessing
    import multiprocessing.context
    import multiprocessing.process
    import subprocess

    for name in PROCESS_FUNCTIONS.split():
        setattr(os, name, refusal(name, PermissionError, errno.EPERM, NO_PROCESSES))
    subprocess.Popen.__init__ = refusal("__init__", PermissionError, errno.EPERM, NO_PROCESSES)
    subprocess.Popen.__del__ = lambda self, _maxsize=0, _warn=None: None
    pool = concurrent.futures.process.ProcessPoolExecutor
    pool.__init__ = refusal("__init__", PermissionError, errno.EPERM, NO_PROCESSES)
    multiprocessing.process.BaseProcess.start = refusal("start", PermissionError, errno.EPERM, NO_PROCESSES)
    for name in MULTIPROCESSING.split():
        denied = refusal(name, PermissionError, errno.EPERM, NO_PROCESSES)
        setattr(multiprocessing.context.BaseContext, name, denied)
        setattr(multiprocessing, name, denied)
    multiprocessing.cpu_count = os.cpu_count = os.process_cpu_count = lambda: 1


def deny_network() -> None:
    """Making a socket or looking up a name raises PermissionError."""
    import socket

    denied = refusal("socket", PermissionError, errno.EPERM, NO_NETWORK)
    socket.socket.__init__ = denied
    socket.socket.__del__ = lambda self: None
    for name in NETWORK_FUNCTIONS.split():
        setattr(socket, name, refusal(name, PermissionError, errno.EPERM, NO_NETWORK))
    socket.gethostname = lambda: "sandbox"


def _descriptor(item: Any) -> int:
    return item if isinstance(item, int) else item.fileno()


def select_alone(
    readers: Sequence[Any], writers: Sequence[Any], errors: Sequence[Any], timeout: float | None = None, /
) -> tuple[list[Any], list[Any], list[Any]]:
    """`select.select`: the standard streams are always ready, nothing else ever is, and waiting takes no time."""
    ready = [[item for item in items if _descriptor(item) in (0, 1, 2)] for items in (readers, writers)]
    if timeout and not any(ready):
        clock.advance(timeout)
    return ready[0], ready[1], []


def no_debugger(*args: object, **options: object) -> NoReturn:
    """Say why `breakpoint()` stops the program."""
    raise RuntimeError("breakpoint() is not available in the sandbox: nobody could type into the debugger")


def exit_at_once(status: int, /) -> NoReturn:
    """`os._exit`: ends the instance without clean-up, as natively."""
    streams.end_with_state(streams.EXITED, status)


def install() -> None:
    """Replace what needs threads, processes, the network or a person."""
    deny_threads()
    deny_processes()
    deny_network()
    import posix

    posix._exit = os._exit = exit_at_once
    posix.getpid = os.getpid = lambda: 1
    name = os.uname_result(("Linux", "sandbox", "6.6.0", "#1 SMP", "x86_64"))
    posix.uname = os.uname = lambda: name
    sys.platform = "linux"  # whose paths, error numbers and signals programs find here
    os.getppid = lambda: 0
    os.getlogin = lambda: "sandbox"
    os.get_terminal_size = refusal("get_terminal_size", OSError, errno.ENOTTY, "Inappropriate ioctl for device")
    select.select = select_alone
    signal.alarm = lambda seconds, /: 0  # accepted: on the virtual clock nobody would ring
    signal.setitimer = lambda which, seconds, interval=0.0, /: (0.0, 0.0)
    signal.ITIMER_REAL = 0
    sys.breakpointhook = sys.__breakpointhook__ = no_debugger
