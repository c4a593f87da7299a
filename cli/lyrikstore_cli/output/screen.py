"""Output to the terminal: results, messages, progress meters.

The rules: results go to standard output, everything else to standard error. Lower case, no full
stop, no log levels. ``error: what failed, with the name the user typed``, then
``hint: a command that can be pasted``. The last line is the most important one. The symbols
``✓ ✗ – !`` always stand with a word. Ids are 12 hex digits to people and whole in JSON; sizes are
binary units to people and bytes in JSON. Text from credentials, cards and file names is
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
"""So many mistakes in one file are shown; --json has all."""

_STYLE = {"✓": "green", "✗": "bold red", "!": "yellow", "?": "yellow", "–": "dim"}


def short_did(did: str) -> str:
    """Return a DID for a line that holds more than it: the start of a key, a name as a whole."""
    shown = escape_control(did)
    return f"{shown[:20]}…" if did.startswith("did:key:") or len(shown) > 60 else shown


def json_text(document: object, *, indent: int | None = None) -> str:
    """Return ``document`` as JSON whose lines cannot steer a terminal either.

    JSON itself escapes the first 32 control characters and no others: U+009B begins a sequence as
    well as escape does, and U+202E turns a line round. To a program it is the same document.
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
    """Return what to say of a table with cells that a spreadsheet program could run."""
    begin = pluralize(cells, "cell begins like a formula", "cells begin like formulas")
    return f"! {begin}: import the columns as text"


def defused_note(cells: int) -> str:
    """Return what to say of a table in which such cells got an apostrophe."""
    begin = pluralize(cells, "cell begins like a formula", "cells begin like formulas")
    return f"! {begin}: an apostrophe stands before, so that no spreadsheet runs it"


class Screen:
    """The terminal: results to standard output, the rest to standard error.

    Args:
        json: Nothing but JSON may reach standard output.
        quiet: Say only results and errors.
        color: ``None`` lets the terminal and ``NO_COLOR`` decide.
        verbose: Also say error kinds, and what goes with an error.
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

    def wrote(self, paths: Iterable[object]) -> None:
        """Print one line of the result for each file that was written."""
        for path in paths:
            self.result(f"✓ wrote    {path}")

    def holds(self, what: Sequence[str]) -> None:
        """Say what of the data somebody asked for in what was made for outsiders."""
        if what:
            self.result(f"! holds    {' and '.join(what)} of the data: who reads it learns them")

    def say(self, line: str, style: str = "") -> None:
        """Print one line about what is happening to standard error."""
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
        """Print what goes with an error for whoever is to find its cause, such as a worker's log.

        It may be long, and have tracebacks in it: before the error, and only where asked for.
        """
        for note in getattr(error, "__notes__", ()):
            for line in note.splitlines():
                self._print(sys.stderr, escape_control(line), "dim")

    @contextmanager
    def progress(self, label: str) -> Iterator["Meter"]:
        """Show files, bytes, rate and time left while the block runs; nothing off a terminal."""
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
        # ATTACK: a label, a heading, a reason with an escape sequence in it. Whoever composes a
        # line quotes what is foreign, so that it is known as such; what is forgotten ends here.
        line = escape_control(line)
        # rich takes 40 ms to load: only where somebody sees colours.
        if stream.isatty() and stream.fileno() in self._consoles:
            self._consoles[stream.fileno()].print(_styled(line, style))
        else:
            if stream is sys.stderr:  # where both go to one place, the order stays
                with suppress(OSError):  # whoever ends the program says it
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
    """One line of progress: how many of how many, how many bytes, how fast."""

    def __init__(self, bar: "Bar | None", task: "TaskID | None") -> None:
        self._bar = bar
        self._task = task
        self._start = time.monotonic()

    @property
    def shows(self) -> bool:
        """Whether somebody sees it."""
        return self._bar is not None

    def __call__(self, progress: Progress) -> None:
        """Show how far the work is."""
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
    """Yield what else is wrong with what an error is about; the error itself says the first."""
    found = error.details.get("mistakes")
    mistakes = found[1:] if isinstance(found, list) else []
    for mistake in mistakes[: _MISTAKES - 1]:
        yield f" ✗ {mistake['message']}"
    left = int(error.details.get("mistakesCount", 0)) - _MISTAKES
    if left > 0:
        yield f" – and {left} more: --json lists them"


def figures(detail: Mapping[str, object]) -> str:
    """Return figures for people: ``loss 0.31  epoch 2``."""
    return "  ".join(f"{name} {value}" for name, value in detail.items())


def _styled(line: str, style: str) -> "Text":
    from rich.text import Text

    text = Text(line, style)
    for index, char in enumerate(line[:6]):
        if char in _STYLE:
            text.stylize(_STYLE[char], index, index + 1)
    return text
