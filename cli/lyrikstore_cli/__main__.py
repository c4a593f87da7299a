"""The program's first module: light, so that whatever goes wrong from here on is said cleanly.

Too little memory, a signal or a closed stream can strike before the command line is even loaded.
"""

import contextlib
import gc
import io
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

INTERRUPTED = "interrupted; nothing half-made is visible, run the same command again"
OUT_OF_MEMORY = "error: out of memory\nhint: free some, or raise the limit, and run it again"
LEAST_MEMORY = 128 << 20
"""Bytes of address space below which nothing is begun: some libraries end the process when memory
runs out, without a word."""
_GARBAGE = 100_000
"""New objects after which cycles among them are looked for. A command makes few, and columns of
names by the ten thousand, which the usual pace would look through again and again."""
_SOON = 0.001
"""Seconds between the tries of an interrupt that came while a module was loaded."""
_POLITE = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def start() -> NoReturn:
    """Run the command line and exit with a code of the exit-code table."""
    gc.set_threshold(_GARBAGE)
    _open_streams()
    os.umask(os.umask(0o077) & 0o077)  # a mask must not lock us out of what we make ourselves
    for number in _POLITE:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background
            signal.signal(number, _interrupt)
    try:
        _check_memory()
        from lyrikstore_cli.main import main

        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = _last_words(INTERRUPTED, 130)
    except MemoryError:
        code = _last_words(OUT_OF_MEMORY, 1)
    except Exception as error:  # noqa: BLE001 - main() lets none out: it could not be loaded
        code = _last_words(OUT_OF_MEMORY if unmapped(error) else _unloaded(error), 1)
    for number in _POLITE:
        signal.signal(number, signal.SIG_IGN)  # it is done: nothing is left to interrupt
    # What was begun is closed by now, and standard output is flushed. To take the interpreter down
    # as well takes a tenth of a short command's time; and it remembers an interrupt that struck
    # inside exec(), and would end by SIGINT.
    sys.stderr.flush()
    os._exit(code)


def _check_memory() -> None:
    with contextlib.suppress(ImportError):  # not on this system
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY and most < LEAST_MEMORY:
            raise MemoryError


def unmapped(error: Exception) -> bool:
    """Return whether a library could not be loaded for want of memory."""
    words = str(error)
    missing = "failed to map" in words or "allocate memory" in words
    return isinstance(error, ImportError) and missing


def _unloaded(error: Exception) -> str:
    # Without what the rest of the program has for this: that may be the very thing.
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return (
        f"error: the program cannot be loaded: {reason}\n"
        "hint: run it again; if it fails again, check the disk and the limit on open files, or "
        "install lyrikstore again"
    )


def _interrupt(_number: int, frame: FrameType | None) -> None:
    for number in _POLITE:
        signal.signal(number, signal.SIG_DFL)  # whoever asks twice does not want to wait
    # Not all libraries in C survive it while they are loaded, or while they make a class. It is
    # tried again and again: one alarm alone can come just before a call that then waits.
    pause = _SOON if _is_loading(frame) and hasattr(signal, "setitimer") else 0
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _interrupt if pause else _heeded)
        signal.setitimer(signal.ITIMER_REAL, pause, pause)
    if not pause:
        raise KeyboardInterrupt


def _heeded(_number: int, _frame: FrameType | None) -> None:
    """Take an alarm that was already under way."""


def _is_loading(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _open_streams() -> None:
    # A standard stream that the caller closed must not become the number of a file of the store:
    # what a library prints would be written into it.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    sys.stdout = _text(io.FileIO(1, "w", closefd=False))
    sys.stderr = _text(_Forgiving(2, "w", closefd=False))


def _text(stream: io.FileIO) -> io.TextIOWrapper:
    # UTF-8 even under LC_ALL=C; never fail on a character.
    return io.TextIOWrapper(
        io.BufferedWriter(stream),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=stream.isatty() or isinstance(stream, _Forgiving),
    )


class _Forgiving(io.FileIO):
    # What standard error does not take is not said; the exit code still tells.
    def write(self, data: "ReadableBuffer") -> int:
        try:
            return super().write(data)
        except OSError:
            return len(bytes(data))


def _last_words(text: str, code: int) -> int:
    with contextlib.suppress(OSError):
        os.write(2, text.encode() + b"\n")
    return code


if __name__ == "__main__":
    start()
