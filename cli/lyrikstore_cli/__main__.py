"""Entry point: imports little, so that failures while loading are reported cleanly.

Memory can run out, a signal can arrive or a stream can be closed before the command line is loaded.
"""

# Until the handlers are set, Python answers an interrupt with a traceback: so they are set first,
# by modules that the interpreter has already loaded.
import _signal  # type: ignore[import-not-found]  # `signal` makes enumerations, which takes time
import os
import sys

_POLITE = tuple(
    getattr(_signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(_signal, name)
)


def _leave(_number: int, _frame: object) -> None:
    # Neither the program nor lyrikstore_cli.fatal is loaded yet, and no work has begun.
    try:
        os.write(2, b"interrupted; nothing half-made is visible, run the same command again\n")
    finally:
        os._exit(130)


def _handle(handler: object) -> None:
    for number in _POLITE:
        if _signal.getsignal(number) != _signal.SIG_IGN:  # nohup, or a shell's background
            _signal.signal(number, handler)


_NAMES = ("/lyrikstore", "\\lyrikstore", "\\lyrikstore.exe")
if __name__ == "__main__" or f"/{sys.argv[0]}".endswith(_NAMES):
    _handle(_leave)

import gc  # noqa: E402 - after the handlers, as the rest
import io  # noqa: E402
import time  # noqa: E402

from lyrikstore_cli.fatal import INTERRUPTED, OUT_OF_MEMORY, unmapped  # noqa: E402

TYPE_CHECKING = False  # as of `typing`, which takes time
if TYPE_CHECKING:
    from types import FrameType

SOON = "interrupted: the command ends once a library has loaded; interrupt again to end it at once"
LEAST_MEMORY = 128 << 20
"""Bytes of address space below which no command starts: some libraries end the process without a
message when memory runs out."""
_GARBAGE = 100_000
"""New objects after which the garbage collector runs. A command makes few cycles, and columns of
many thousand names, which the default would search again and again."""
_PAUSE = 0.001
"""Seconds between two attempts to deliver an interrupt that arrived while a module was loaded."""
_UNEXPLAINED = 1.0
"""Seconds that such an interrupt may wait before the user is informed."""
_first: list[float] = []
"""When the interrupt arrived, and when the user was informed that it waits."""


def start() -> None:
    """Run the command line and exit with a code of the exit-code table."""
    _handle(_leave)
    gc.set_threshold(_GARBAGE)
    _open_streams()
    os.umask(os.umask(0o077) & 0o077)  # a mask must not lock us out of what we make ourselves
    try:
        _check_memory()
        from lyrikstore_cli.main import main

        _handle(_interrupt)
        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        code = _last_words(INTERRUPTED, 130)
    except MemoryError:
        code = _last_words(OUT_OF_MEMORY, 1)
    except Exception as error:  # noqa: BLE001 - main() raises none: it could not be loaded
        code = _last_words(OUT_OF_MEMORY if unmapped(error) else _loading_failure(error), 1)
    for number in _POLITE:
        _signal.signal(number, _signal.SIG_IGN)  # the work is done: nothing is left to interrupt
    # All files are closed by now, and standard output is flushed. An orderly end of the interpreter
    # would take a tenth of a short command's time; and it remembers an interrupt that arrived
    # inside exec(), and would end by SIGINT.
    sys.stderr.flush()
    os._exit(code)


def _check_memory() -> None:
    try:
        import resource
    except ImportError:  # not on this system
        return
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and most < LEAST_MEMORY:
        raise MemoryError


def _loading_failure(error: Exception) -> str:
    # Without the modules that usually do this: one of them may be what cannot be loaded.
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return (
        f"error: the program cannot be loaded: {reason}\n"
        "hint: run it again; if it fails again, check the disk and the limit on open files, or "
        "install lyrikstore again"
    )


def _interrupt(_number: int, frame: "FrameType | None") -> None:
    for number in _POLITE:
        _signal.signal(number, _signal.SIG_DFL)  # a second interrupt ends the process at once
    # Some C libraries crash if an exception is raised while they load or create a class. So it is
    # raised later, by repeated alarms: a single one could come just before a call that blocks.
    pause = _PAUSE if _is_loading(frame) and hasattr(_signal, "setitimer") else 0
    if hasattr(_signal, "setitimer"):
        _signal.signal(_signal.SIGALRM, _interrupt if pause else _heeded)
        _signal.setitimer(_signal.ITIMER_REAL, pause, pause)
    if not pause:
        raise KeyboardInterrupt
    _explain()


def _explain() -> None:
    # Once, and only after a long wait: most modules load in some milliseconds.
    now = time.monotonic()
    if not _first:
        _first.append(now)
    elif len(_first) == 1 and now - _first[0] > _UNEXPLAINED:
        _first.append(now)
        _say(SOON)


def _heeded(_number: int, _frame: "FrameType | None") -> None:
    """Ignore an alarm that was already under way."""


def _is_loading(frame: "FrameType | None") -> bool:
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
    # A message that standard error does not accept is dropped; the exit code still reports it.
    def write(self, data: memoryview) -> int:  # type: ignore[override]  # all that is given here
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _last_words(text: str, code: int) -> int:
    _say(text)
    return code


def _say(text: str) -> None:
    try:  # noqa: SIM105 - contextlib takes time to load
        os.write(2, text.encode() + b"\n")
    except OSError:  # the stream is closed; the exit code still reports it
        pass


if __name__ == "__main__":
    start()
