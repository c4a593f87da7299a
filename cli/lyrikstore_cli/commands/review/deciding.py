"""Deciding the records of a folder at a terminal: reads keys, shows records, saves after each."""

import codecs
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lyrikstore.api.commands import DecidingSession, save
from lyrikstore_cli.output.screen import Screen

_SHOWN: Final = 9
_MAX_NOTE: Final = 2000
_MAX_TEXT: Final = 10_000
_ENTER, _ESCAPE, _DELETE = ("\r", "\n"), "\x1b", ("\x7f", "\x08")
_WORDS: Final = {"a": "accept", "r": "reject", "x": "cannot-say"}
_KEY: Final = re.compile(r"\x1b[\[O][0-?]*[ -/]*[@-~]|.", re.DOTALL)
_Part = tuple[str, str]


class Desk:
    """A reviewer at a terminal.

    Args:
        session: What is decided so far.
        path: The folder.
        screen: The terminal; every text of a record is escaped there.
        key: Reads one key.
    """

    def __init__(
        self, session: DecidingSession, path: Path, screen: Screen, key: Callable[[], str]
    ) -> None:
        self._session = session
        self._path = path
        self._screen = screen
        self._key = key
        self._note = ""
        self._since = 0.0
        self._asked = session.opened.folder.questions

    def work(self) -> None:
        """Ask about each open item, until all are decided or the reviewer quits."""
        with suppress(KeyboardInterrupt, EOFError):
            while self._session.item is not None:
                self._note, self._since = "", time.monotonic()
                self._show()
                while (step := self._step(self._key())) == "again":
                    pass
                if step == "quit":
                    return

    def _step(self, key: str) -> str:
        session, labels = self._session, self._asked.labels
        if key in ("q", "\x04"):
            return "quit"
        if key == "s":
            session.skip()
        elif key == "u":
            if not session.undo():
                self._say("nothing to undo")
                return "again"
            save(session, self._path)
        elif key == "n":
            self._note = self._line("note", _MAX_NOTE) or self._note
            return "again"
        elif key in ("r", "x"):
            self._decide(_WORDS[key], ())
        elif key == "a":
            if not session.shows_candidate:
                self._say("blind: give your own value first")
                return "again"
            self._decide("accept", ())
        elif key in _ENTER and session.answered:
            return self._value(session.answered)
        elif key in ("c", "/") or (key.isdigit() and key != "0" and labels):
            return self._change(key)
        else:
            return "again"
        return "next"

    def _change(self, key: str) -> str:
        """Take a value by its number, or from the list that is filtered by typing."""
        labels = self._asked.labels
        if not labels:
            text = self._line("text", _MAX_TEXT)
            values: tuple[str, ...] = (text,) if text else ()
        elif key.isdigit() and not self._asked.several:
            values = labels[int(key) - 1 : int(key)]
        else:
            values = self._pick(labels, several=self._asked.several, first=key)
        if not values:
            self._say("nothing was chosen")
            return "again"
        return self._value(values)

    def _value(self, values: Sequence[str]) -> str:
        """Take a value as the blind answer, or as the decision; say whether to go on."""
        session = self._session
        if not session.shows_candidate:
            session.answer(values, self._ms())
            save(session, self._path)
            self._say(f"your value: {', '.join(values)}")
            self._show_candidate()
            self._say("enter keeps your value · a accept · c change · r reject · x cannot say")
            return "again"
        item = session.item
        same = item is not None and tuple(sorted(values)) == tuple(sorted(item.candidate))
        self._decide("accept" if same else "change", values)
        return "next"

    def _decide(self, decision: str, values: Sequence[str]) -> None:
        took = self._ms()
        reason = ""
        if decision != "accept" and self._asked.reasons:
            self._say("reason (enter: none):")
            reason = next(iter(self._pick(self._asked.reasons, several=False)), "")
        answers = {}
        for further in self._asked.questions:
            self._say(f"{further.asks} (enter: no answer)")
            for chosen in self._pick(further.choices, several=False):
                answers[further.id] = chosen
        self._session.decide(
            decision,  # type: ignore[arg-type]
            took,
            value=values,
            reason=reason,
            note=self._note,
            answers=answers,
        )
        save(self._session, self._path)
        self._screen.result(f"✓ {decision}{': ' if values else ''}{', '.join(values)}")

    def _pick(self, choices: Sequence[str], *, several: bool, first: str = "") -> tuple[str, ...]:
        """Return what is chosen: keys 1 to 9 take what is shown, other characters filter it."""
        chosen: list[str] = []
        typed, key = "", first
        while True:
            found = [one for one in choices if typed.casefold() in one.casefold()]
            if key.isdigit() and 0 < int(key) <= min(len(found), _SHOWN):
                one = found[int(key) - 1]
                if not several:
                    return (one,)
                chosen = [*chosen, one] if one not in chosen else [x for x in chosen if x != one]
            elif key in _ENTER:
                if several or not typed or len(found) != 1:
                    return tuple(chosen)
                return (found[0],)
            for line in _numbered(found, chosen):
                self._screen.result(line)
            if typed:
                self._say(f"filter: {typed}")
            key = self._key()
            if key == _ESCAPE:
                return ()
            if key in _DELETE:
                typed, key = typed[:-1], " "
            elif len(key) == 1 and key.isprintable() and not key.isdigit():
                typed, key = typed + key, " "

    def _line(self, what: str, limit: int) -> str:
        """Return one line that is typed; empty if it was left."""
        self._say(f"{what} (enter ends it, escape leaves it):")
        typed = ""
        while (key := self._key()) not in _ENTER:
            if key == _ESCAPE:
                return ""
            if key in _DELETE:
                typed = typed[:-1]
            elif key.isprintable():
                typed = (typed + key)[:limit]
        self._screen.result(f"  {typed}")
        return typed.strip()

    def _show(self) -> None:
        session, screen = self._session, self._screen
        item, folder = session.item, session.opened.folder
        if item is None:
            return
        count = len(folder.items)
        pace = f" · {session.mean_ms / 1000:.1f} s each" if session.decided else ""
        screen.result()
        screen.result(f"record {session.position} of {count} · {session.decided} decided{pace}")
        for name, text in folder.fields_of(item):
            screen.result(f"{name}:", "bold")
            marks = [one[:2] for one in item.spans] if name == folder.text else []
            for parts in marked(text, marks, self._asked.highlight):
                screen.styled([("  │ ", "dim"), *parts])
        screen.result(self._asked.asks or f"is the {folder.field} right?", "bold")
        if session.shows_candidate:
            self._show_candidate()
        else:
            screen.result("  candidate hidden until you gave a value (blind)")
        for line in _numbered(self._asked.labels, session.answered):
            screen.result(line)
        self._say(
            "1-9 label · c change, type to filter · a accept · r reject · x cannot say · n note"
            " · s skip · u undo · q quit"
        )

    def _show_candidate(self) -> None:
        item = self._session.item
        if item is None:
            return
        by = f", by {item.by}" if item.by else ""
        self._screen.result(f"  candidate{by}: {', '.join(item.candidate) or '(none)'}")
        for given in item.given:
            self._screen.result(f"  a reviewer: {', '.join(given)}")

    def _ms(self) -> int:
        return int((time.monotonic() - self._since) * 1000)

    def _say(self, line: str) -> None:
        self._screen.say(f"  {line}", "dim")


@contextmanager
def keys() -> Iterator[Callable[[], str]]:
    """Read single keys from the terminal while the block runs; none that is typed ahead is lost.

    A key that sends several characters, such as an arrow, is one key.

    Yields:
        A function that waits for the next key; it raises EOFError if the terminal is gone.
    """
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    decoder, waiting = codecs.getincrementaldecoder("utf-8")("replace"), deque[str]()

    def read() -> str:
        while not waiting:
            data = os.read(descriptor, 1024)
            if not data:
                raise EOFError
            waiting.extend(_KEY.findall(decoder.decode(data)))
        return waiting.popleft()

    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        yield read
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def marked(
    text: str, spans: Sequence[tuple[int, ...]], words: Sequence[str]
) -> Iterator[list[_Part]]:
    """Yield the lines of a text in parts with a style: spans and words stand out.

    Args:
        text: The text; whoever prints a part escapes it.
        spans: Start and end of parts, in code points.
        words: Beginnings of words, in any case.
    """
    marks = set[int]()
    for span in spans:
        marks.update(range(span[0], min(span[1], len(text))))
    for word in words:
        for found in re.finditer(re.escape(word), text, re.IGNORECASE) if word else ():
            marks.update(range(*found.span()))
    at = 0
    for line in text.split("\n"):
        parts: list[_Part] = []
        start = 0
        for end in range(1, len(line) + 1):
            if end == len(line) or (at + end in marks) is not (at + start in marks):
                style = "bold underline" if at + start in marks else ""
                parts.append((line[start:end], style))
                start = end
        yield parts
        at += len(line) + 1


def _numbered(choices: Sequence[str], chosen: Sequence[str]) -> Iterator[str]:
    for number, one in enumerate(choices[:_SHOWN], 1):
        yield f"  {number} {'✓ ' if one in chosen else ''}{one}"
    if len(choices) > _SHOWN:
        yield f"  … and {len(choices) - _SHOWN} more: type to filter"
