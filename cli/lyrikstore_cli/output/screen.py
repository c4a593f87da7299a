"""Output to the terminal: results, messages, progress meters.

The rules: results go to standard output, everything else to standard error. Lower case, no full
stop, no log levels. ``error: what failed, with the name the user typed``, then
``hint: a command that can be pasted``. The last line is the most important one. The symbols
``✓ ✗ – !`` always precede a word. Ids are printed as 12 hex digits and are whole in JSON; sizes are
printed in binary units and are bytes in JSON. Text from credentials, cards and file names is
untrusted: control and direction-changing characters never reach the terminal.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.progress import Progress
from lyrikstore.canon.text import escape_control, pluralize

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID
    from rich.text import Text

_MISTAKES = 20
"""How many mistakes in one file are shown; --json has all."""

_STYLE = {"✓": "green", "✗": "bold red", "!": "yellow", "?": "yellow", "–": "dim"}


def short_did(did: str) -> str:
    """Return the start of a did:key or a long DID; other DIDs whole."""
    shown = escape_control(did)
    return f"{shown[:20]}…" if did.startswith("did:key:") or len(shown) > 60 else shown


def json_text(document: object, *, indent: int | None = None) -> str:
    """Return ``document`` as JSON without characters that control a terminal.

    JSON escapes only the first 32 control characters; but U+009B also begins an escape sequence,
    and U+202E reverses the direction of a line. For a program the document is the same.
    """
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return "".join(char if char == "\n" or char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


def size(count: int) -> str:
    """Return a byte count in binary units, such as ``18.4 MiB``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError  # the loop always returns


def formula_warning(cells: int) -> str:
    """Return the warning for a table with cells that a spreadsheet program could run."""
    begin = pluralize(cells, "cell begins like a formula", "cells begin like formulas")
    return f"! {begin}: import the columns as text"


def defused_note(cells: int) -> str:
    """Return the note that some cells of a table got an apostrophe, so that none is a formula."""
    begin = pluralize(cells, "cell begins like a formula", "cells begin like formulas")
    return f"! {begin}: each got an apostrophe, so that no spreadsheet runs it"


class Screen:
    """The terminal: results to standard output, the rest to standard error.

    Args:
        json: Whether only JSON may reach standard output.
        quiet: Whether only results and errors are printed.
        color: Whether to use colours; ``None``: by the terminal and ``NO_COLOR``.
        verbose: Whether to print also error kinds and the notes of an error.
    """

    def __init__(self, *, json: bool, quiet: bool, color: bool | None, verbose: bool) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self._color = color

    def result(self, line: str = "", style: str = "") -> None:
        """Print one line of the result, unless the result is JSON."""
        if not self.json:
            self._print(sys.stdout, line, style)

    def styled(self, parts: Iterable[tuple[str, str]]) -> None:
        """Print one line of the result from parts of foreign text, each with its style."""
        safe = [(escape_control(text), style) for text, style in parts]
        if self.json:
            return
        if sys.stdout.isatty() and sys.stdout.fileno() in self._consoles:
            from rich.text import Text

            self._consoles[sys.stdout.fileno()].print(Text.assemble(*safe))
        else:
            self._print(sys.stdout, "".join(text for text, _ in safe), "")

    def wrote(self, paths: Iterable[object]) -> None:
        """Print one line of the result for each file that was written."""
        for path in paths:
            self.result(f"✓ wrote    {path}")

    def holds(self, what: Sequence[str]) -> None:
        """Print which parts of the data a file for outsiders contains on request."""
        if what:
            self.result(f"! holds    {' and '.join(what)} of the data, visible to every reader")

    def say(self, line: str, style: str = "") -> None:
        """Print one line to standard error, unless quiet."""
        if not self.quiet and not self.json:
            self._print(sys.stderr, line, style)

    def hint(self, line: str) -> None:
        """Print a next step."""
        self.say(f"hint: {line}", "dim")

    def error(self, error: LyrikstoreError) -> None:
        """Print an error and its hint."""
        kind = f" [{error.kind}]" if self.verbose else ""
        self._print(sys.stderr, f"error: {escape_control(error.message)}{kind}", "red")
        for line in _other_mistakes(error):
            self._print(sys.stderr, line, "red")
        if error.hint:
            self._print(sys.stderr, f"hint: {escape_control(error.hint)}", "dim")

    def notes(self, error: LyrikstoreError) -> None:
        """Print the notes of an error that help to find its cause, such as a worker's log.

        They may be long and contain tracebacks: printed before the error, only with ``--verbose``.
        """
        for note in getattr(error, "__notes__", ()):
            for line in note.splitlines():
                self._print(sys.stderr, escape_control(line), "dim")

    @contextmanager
    def progress(self, label: str) -> Iterator["Meter"]:
        """Show files, bytes, rate and remaining time while the block runs, on a terminal only."""
        if self.quiet or self.json or not sys.stderr.isatty():
            yield Meter(None, None)
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
            console=self._consoles[sys.stderr.fileno()],
            transient=True,
        )
        with bar:
            yield Meter(bar, bar.add_task(label, total=None, facts=""))

    def _print(self, stream: TextIO, line: str, style: str) -> None:
        # ATTACK: a label, a heading, a reason with an escape sequence in it. The caller escapes
        # foreign text; where it does not, this line does.
        line = escape_control(line)
        # rich takes 40 ms to load: only on a terminal.
        if stream.isatty() and stream.fileno() in self._consoles:
            self._consoles[stream.fileno()].print(_styled(line, style))
        else:
            if stream is sys.stderr:  # keep the order where both go to one file
                with suppress(OSError):  # the end of the program reports it
                    sys.stdout.flush()
            stream.write(line + "\n")

    @cached_property
    def _consoles(self) -> "dict[int, Console]":
        from rich.console import Console

        plain = self._color is False or bool(os.environ.get("NO_COLOR"))
        return {
            stream.fileno(): Console(file=stream, highlight=False, soft_wrap=True, no_color=plain)
            for stream in (sys.stdout, sys.stderr)
        }


class Meter:
    """One line of progress: items done and in all, bytes, rate."""

    def __init__(self, bar: "Bar | None", task: "TaskID | None") -> None:
        self._bar = bar
        self._task = task
        self._start = time.monotonic()

    @property
    def shows(self) -> bool:
        """Whether progress is shown, because the output is a terminal."""
        return self._bar is not None

    def __call__(self, progress: Progress) -> None:
        """Show the progress of the work."""
        if self._bar is None or self._task is None:
            return
        done, total, moved, phase, detail = progress
        facts = [f"{done}/{total}"] if total else [f"{done}"] if done else []
        if moved:
            rate = moved / max(time.monotonic() - self._start, 1e-3)
            facts += size(moved), f"{size(int(rate))}/s"
        facts += (escape_control(text) for text in (phase, figures(detail)) if text)
        self._bar.update(self._task, completed=done, total=total or None, facts="  ".join(facts))


def _other_mistakes(error: LyrikstoreError) -> Iterator[str]:
    """Yield the further mistakes of a file, or denials of rules; the message has the first."""
    found = error.details.get("mistakes", error.details.get("denied"))
    mistakes = found[1:] if isinstance(found, list) else []
    for mistake in mistakes[: _MISTAKES - 1]:
        yield f" ✗ {mistake['message']}"
    left = int(error.details.get("mistakesCount", 0)) - _MISTAKES
    if left > 0:
        yield f" – and {left} more: --json lists them"


def figures(detail: Mapping[str, object]) -> str:
    """Return figures as text: ``loss 0.31  epoch 2``."""
    return "  ".join(f"{name} {value}" for name, value in detail.items())


def _styled(line: str, style: str) -> "Text":
    from rich.text import Text

    text = Text(line, style)
    for index, char in enumerate(line[:6]):
        if char in _STYLE:
            text.stylize(_STYLE[char], index, index + 1)
    return text
