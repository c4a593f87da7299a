"""Run one job in a worker process with a private folder and environment (spec §13.2).

The worker gets a private folder, a cleaned environment without credentials, and no network by the
libraries' own switches. This is a guardrail, not a sandbox: code in the worker runs as the user.
The worker writes JSON lines to its standard output; the output of libraries goes to a log file,
which is removed with the folder.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    LyrikstoreError,
    RunFailedError,
    VerificationError,
    storage_errors,
)
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.train.task import folder_of_task
from lyrikstore.train.worker.errors import (
    BASE_MODEL,
    bad_model,
    from_event,
    mentions_memory,
    out_of_memory,
)
from lyrikstore.train.worker.staging import TOKENIZING, Staging

PROGRAM = (sys.executable, "-P", "-s", "-m", "lyrikstore.train.worker.main")
"""The command of a worker, without its argument: the file with the job."""

_KEPT = frozenset(
    {
        "CUDA_DEVICE_ORDER",
        "CUDA_VISIBLE_DEVICES",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "PATH",
        "SYSTEMROOT",
        "TZ",
    }
)
_MAX_LINE = 1 << 20
_KILLED = (
    "nothing was stored; if the system's log shows that memory ran out, use a machine with more, "
    "or a smaller batch_size or max_tokens; else run it again"
)
_FAILED = (
    "nothing was stored; correct the config or the data if the message names them, and run it "
    "again; --json has the end of the worker's log in details, -v prints all of it"
)
_LOG_BYTES = 1 << 16
"""Bytes that are read from the end of a worker's log: a library may have warned at every step."""
_TRACE = re.compile(r"\(most recent call (first|last)\)")
_GRACE = 5.0  # seconds between asking a worker to stop and killing it


def run_job(
    staging: Staging,
    job: dict[str, Any],
    *,
    name: str = "",
    reads: Iterable[str],
    threads: int,
    base_env: Mapping[str, str],
    progress: OnProgress,
    on_point: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Run one job to its end, and return the last event of the worker.

    Args:
        staging: The folder of the worker; paths in the job are relative to it.
        job: The job; ``job["job"]`` is its kind (:mod:`lyrikstore.train.worker.main`).
        name: Its name in messages and files, where several jobs have one kind; empty: the kind.
        reads: The staged files that the worker must read, each to its end; it may read no other.
        threads: CPU threads that the worker may use.
        base_env: The environment from which the few harmless variables are copied.
        progress: Progress callback, called per phase of the worker; see
            :mod:`lyrikstore.train.worker.main`.
        on_point: Called for each resume state that the worker wrote.

    Raises:
        InvalidInputError: (``bad-model``) the model cannot be loaded, or its tokenizer takes too
            long or too much memory.
        VerificationError: (``input-changed``) the worker read other bytes than were staged;
        ``details`` has ``file``, and the digests ``expected`` and ``read``.
        RunFailedError: (``out-of-memory``) memory ran out; (``worker-failed``) the worker ended
        without a result, and the message is the last line of its log, or it did not read a
        file of ``reads``.
        StorageError: The worker could not read or write; a part of the program could not be loaded.

    If the worker fails, ``details`` has ``exitCode`` and ``log``, the last lines of its log without
    tracebacks; a note of the error has the log with tracebacks, for a bug report.
    Any interruption of this call, Ctrl-C included, also stops the worker.
    """
    name = name or str(job["job"])
    staging.write(f"{name}.json", encode(job))
    staging.write(f"{name}.log", b"")
    log = staging.path / f"{name}.log"
    inputs = {file: staging.written[file] for file in (f"{name}.json", *reads)}
    unread = set(inputs)
    environment = clean_environment(
        staging.path, base_env, threads, tasks=folder_of_task(str(job.get("task", "")))
    )
    with _started(staging, name, log, environment) as child:
        result = reported = None
        for event in _events(child):
            if event.get("event") == "done":
                result = event
            elif event.get("event") == "failed":
                reported = from_event(event)
            elif event.get("event") == "read":
                # At once: hours of work on something else are of no use to anybody.
                unread.discard(_check_read(event, inputs))
            elif event.get("phase") == "point" and on_point is not None:
                on_point(event)
            else:
                progress(_to_progress(event))
        code = child.wait()
    if code != 0 or result is None:
        reported = reported or _ended_by_tokenizer(staging, code)
        raise _failure(name, code, log, reported)
    if unread:
        raise RunFailedError(
            "worker-failed", f"{name} failed: it did not read {min(unread)}", hint=_FAILED
        )
    return result


def clean_environment(
    folder: Path, base: Mapping[str, str], threads: int, *, tasks: str = ""
) -> dict[str, str]:
    """Return the environment variables of a worker, all of them.

    Hub tokens, tracker switches and proxies are not passed on: ``CLEARML_LOG_MODEL`` alone, true
    by default, would upload weights.

    Args:
        folder: The staging folder; home and temporary files go there.
        base: The environment of the caller.
        threads: CPU threads.
        tasks: The folder of the task's package; empty: this package.
    """
    kept = {name: value for name, value in base.items() if name in _KEPT}
    count = str(threads)
    return kept | {
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "HOME": str(folder / "home"),
        "MKL_NUM_THREADS": count,
        "OMP_NUM_THREADS": count,
        # Its threads spin whatever is said below: regressions over the vectors of a few hundred
        # texts took 15 to 50 times the processor time with two of them, and were no faster.
        "OPENBLAS_NUM_THREADS": "1",
        # Threads that spin while they wait starve whatever else runs on the machine.
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        # The worker must run the very sources whose digest the run records.
        "PYTHONPATH": os.pathsep.join(
            filter(None, (str(Path(__file__).resolve().parents[3]), tasks))
        ),
        "PYTHONUTF8": "1",
        "RAYON_NUM_THREADS": count,
        "TMPDIR": str(folder / "tmp"),
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_OFFLINE": "1",
    }


@contextmanager
def _started(
    staging: Staging, name: str, log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with storage_errors("starting the worker"):
        for folder in ("home", "tmp"):
            (staging.path / folder).mkdir(mode=0o700, exist_ok=True)
        with log.open("ab") as errors:
            child = subprocess.Popen(
                [*PROGRAM, f"{name}.json"],
                cwd=staging.path,
                env=dict(environment),
                stdin=subprocess.PIPE,  # its end tells the worker that we are gone
                stdout=subprocess.PIPE,
                stderr=errors,
                # Ctrl-C in a terminal goes to the whole group; this process alone shall decide.
                start_new_session=True,
                # The folder counts as in use until the worker is gone, even if we die first.
                pass_fds=(staging.lock,),
            )
    with child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(_GRACE)
                except subprocess.TimeoutExpired:
                    child.kill()


def _events(child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    if child.stdout is None:
        raise RunFailedError("worker-failed", "the worker has no standard output")
    while line := child.stdout.readline(_MAX_LINE):
        try:
            event = parse(line, max_bytes=_MAX_LINE)
        except FormatError as error:
            raise RunFailedError(
                "worker-failed", f"the output of the worker is not JSON: {error.message}"
            ) from None
        if isinstance(event, dict):
            yield event


def _check_read(event: Mapping[str, Any], inputs: Mapping[str, Digest]) -> str:
    """Return the name of a file that a worker read; raise unless it read what was staged."""
    name, read = str(event.get("file")), str(event.get("blake3"))
    wanted = inputs.get(name)
    if wanted is None:
        raise RunFailedError("worker-failed", f"the worker read {name[:80]}, which is not an input")
    if read != wanted.hex:
        # ATTACK: whoever runs as the same user rewrites the copy before it is read.
        raise VerificationError(
            "input-changed",
            f"{name} was copied for the worker and changed afterwards",
            hint="nothing was stored; another program of this user writes to the store's folder "
            "`staging`: stop it, then run this again",
            details={"file": name, "expected": str(wanted), "read": f"blake3:{read[:64]}"},
        )
    return name


def _to_progress(event: Mapping[str, Any]) -> Progress:
    known = {"event", "phase", "done", "total"}
    return Progress(
        int(event.get("done", 0)),
        int(event.get("total", 0)),
        phase=str(event.get("phase", "")),
        detail={name: value for name, value in event.items() if name not in known},
    )


def _failure(name: str, code: int, log: Path, reported: LyrikstoreError | None) -> LyrikstoreError:
    whole = _last_lines(log)
    lines = _without_tracebacks(whole)
    words = " ".join(lines[-1].split())[:300] if lines else ""
    error = reported
    if error is None and mentions_memory("\n".join(lines[-5:])):  # it had none left to say so
        error = out_of_memory(name, words)
    if error is None and code < 0:
        last = f" ({words})" if words else ""
        error = RunFailedError(
            "worker-failed", f"{name} failed: killed by {_signal_name(-code)}{last}", hint=_KILLED
        )
    if error is None:
        error = RunFailedError("worker-failed", f"{name} failed: {words or f'exit code {code}'}")
    error.hint = error.hint or _FAILED
    error.details |= {"exitCode": code, "log": lines[-50:]}
    if whole:
        error.add_note("\n".join([f"the worker's log ({name}):", *whole]))
    return error


def _ended_by_tokenizer(staging: Staging, code: int) -> LyrikstoreError | None:
    # ATTACK A100: of all that a worker runs only a tokenizer is ended so, by its own limits.
    try:
        held = (staging.path / TOKENIZING).read_text("ascii")
    except OSError:
        return None
    if code == -signal.SIGPROF:
        return bad_model(BASE_MODEL, "its tokenizer takes too long for the texts")
    if code == -signal.SIGABRT and held:
        return bad_model(BASE_MODEL, "its tokenizer takes too much memory for the texts")
    return None


def _last_lines(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_BYTES))
            return file.read(_LOG_BYTES).decode("utf-8", "replace").strip().splitlines()
    except OSError:  # how it ended is known without it
        return []


def _without_tracebacks(lines: list[str]) -> list[str]:
    # The last line of a traceback stays: it has the error.
    kept, within = [], False
    for line in lines:
        begins = _TRACE.search(line) is not None
        within = begins or (within and line[:1].isspace())
        if not within:
            kept.append(line)
    return kept


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def peak_memory_bytes() -> int:
    """Return the largest resident size this process has had, in bytes."""
    import resource

    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


def emit(descriptor: int, event: Mapping[str, Any]) -> None:
    """Write one event as a JSON line, from the worker's side."""
    os.write(descriptor, json.dumps(event, ensure_ascii=True).encode("ascii") + b"\n")
