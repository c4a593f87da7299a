"""A reviewer's work on a folder: what is open, what was decided, undo, autosave (spec §26.6)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import read_at_most, replace_file
from lyrikstore.review.folder import OpenedFolder, check_about
from lyrikstore.verify.review.model import (
    MAX_DECISIONS_BYTES,
    MAX_MILLISECONDS,
    Decided,
    DecisionFile,
    FolderItem,
    RecordDecision,
    encoded,
    parse_decisions,
)

AUTOSAVE: Final = "decisions.json"
"""The file in a reviewer's folder that holds what is decided so far, unsigned."""


class DecidingSession:
    """What a reviewer has decided about the items of a folder, and which is next.

    Items come in the folder's order. In a blind queue an item is answered first, and the candidate
    may be shown only then.

    Args:
        opened: The folder.
        decided: Earlier decisions about it.
    """

    def __init__(self, opened: OpenedFolder, decided: Iterable[RecordDecision] = ()) -> None:
        self.opened = opened
        self._items = opened.folder.items
        self._made = {one.item: one for one in decided}
        self._open: set[int] = set()
        self._past: list[int] = [n for n, one in enumerate(self._items) if one.item in self._made]
        self._at = -1
        self._move()

    @property
    def item(self) -> FolderItem | None:
        """The item that is to be decided; None if all are."""
        return self._items[self._at] if self._at >= 0 else None

    @property
    def decided(self) -> int:
        """How many items are decided."""
        return len(self._made.keys() - self._open)

    @property
    def position(self) -> int:
        """Number of the current item in the folder, from 1; 0 if all are decided."""
        return self._at + 1

    @property
    def mean_ms(self) -> int:
        """Milliseconds that a decision took on average; 0 if there is none."""
        return sum(one.ms for one in self._made.values()) // max(len(self._made), 1)

    @property
    def shows_candidate(self) -> bool:
        """Whether the candidate of the current item may be shown."""
        return not self.opened.folder.blind or bool(self.answered)

    @property
    def answered(self) -> tuple[str, ...]:
        """The value that was given to the current item before its candidate was shown."""
        item = self.item
        made = None if item is None else self._made.get(item.item)
        return made.blind if made is not None and isinstance(made.blind, tuple) else ()

    def answer(self, values: Iterable[str], ms: int) -> None:
        """Answer the current item of a blind queue; its candidate may be shown from now on.

        ATTACK A236: who looked at the candidate leaves the session, and gives another blind answer.
        The answer is a decision at once, and undo does not remove it.

        Args:
            values: The value.
            ms: Milliseconds that it took.
        """
        item = self.item
        if item is None or self.shows_candidate:
            return
        given = tuple(sorted(set(values)))
        self._open.add(item.item)
        self._made[item.item] = _own(item, given, ms)

    def decide(
        self,
        decision: Decided,
        ms: int,
        *,
        value: Iterable[str] = (),
        reason: str = "",
        note: str = "",
        answers: dict[str, str] | None = None,
    ) -> None:
        """Decide the current item, and go on to the next that is open.

        Args:
            decision: The decision; a change to the candidate's own value is an acceptance.
            ms: Milliseconds that it took.
            value: The value, if changed.
            reason: Code of a reason; or empty.
            note: A note; or empty.
            answers: Further question → choice.
        """
        item = self.item
        if item is None:
            return
        values = tuple(sorted(set(value)))
        if decision == "change" and values == tuple(sorted(item.candidate)):
            decision = "accept"
        self._made[item.item] = RecordDecision(
            item.item,
            decision,
            _bounded(ms),
            value=values if decision == "change" else UNSET,
            blind=self.answered if self.opened.folder.blind else UNSET,
            reason=reason if reason and decision != "accept" else UNSET,
            note=note or UNSET,
            answers=answers or UNSET,
        )
        self._open.discard(item.item)
        self._past.append(self._at)
        self._move()

    def skip(self) -> None:
        """Leave the current item open, and go on; it comes again after the others."""
        self._move()

    def undo(self) -> bool:
        """Open the item that was decided last; False if there is none.

        A blind answer whose candidate was shown stays.
        """
        if not self._past:
            return False
        self._at = self._past.pop()
        item = self._items[self._at]
        made = self._made.pop(item.item)
        if isinstance(made.blind, tuple) and made.blind:
            self._open.add(item.item)
            self._made[item.item] = _own(item, made.blind, made.ms)
        return True

    def file(self) -> DecisionFile:
        """Return the decisions, unsigned, in ascending order of items."""
        return DecisionFile(
            "lyrikstore-decisions/1",
            str(self.opened.queue.id),
            self.opened.folder.reviewer,
            tuple(self._made[number] for number in sorted(self._made)),
        )

    def _move(self) -> None:
        """Go to the next open item after the current one; from the end on to the first."""
        count, closed = len(self._items), self._made.keys() - self._open
        order = (at % count for at in range(self._at + 1, self._at + 1 + count))
        self._at = next((at for at in order if self._items[at].item not in closed), -1)


def resume(opened: OpenedFolder, path: Path) -> DecidingSession:
    """Return the session of a folder with the decisions that its autosave has.

    Args:
        opened: The folder.
        path: The folder on disk.

    Raises:
        InvalidInputError: (``other-queue``, ``unknown-item``, ``bad-decision-file``) the autosave
            is not about this folder.
        FormatError: (``bad-decision-file``) it is malformed.
    """
    autosave = path / AUTOSAVE
    if not autosave.exists():
        return DecidingSession(opened)
    file = parse_decisions(read_at_most(autosave, MAX_DECISIONS_BYTES + 1))
    if file.decisions:
        check_about(opened, file)
    return DecidingSession(opened, file.decisions)


def save(session: DecidingSession, path: Path) -> None:
    """Write the decisions so far into the folder, atomically.

    Raises:
        InvalidInputError: (``bad-decision-file``) they would be more than a decision file holds.
        OSError: The folder cannot be written to.
    """
    data = encoded(session.file())
    if len(data) > MAX_DECISIONS_BYTES:
        raise InvalidInputError("bad-decision-file", "the notes and texts are too long together")
    replace_file(path / AUTOSAVE, data)


def _own(item: FolderItem, given: tuple[str, ...], ms: int) -> RecordDecision:
    """Return the decision of somebody who keeps the blind answer."""
    first = RecordDecision(item.item, "accept", _bounded(ms), blind=given)
    same = given == tuple(sorted(item.candidate))
    return first if same else replace(first, decision="change", value=given)


def _bounded(ms: int) -> int:
    return min(max(ms, 0), MAX_MILLISECONDS)
