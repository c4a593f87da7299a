"""What verification of a store says of each object: which do not hold, or hold with a warning.

ATTACK A213: whoever holds the store makes a problem of one object hide that of another, such as a
right that was revoked. Nothing counts as sound of which a report might say less than it found: a
problem that names no logged object leaves all others unverified.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.api import Report, Store
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.limits import MAX_NAMED
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.report import Check, CheckState
from lyrikstore.verify.rights.grants import published
from lyrikstore.verify.rights.sources import check_sources

MARKED_ALONE = "alone"
"""State of an object that verification of the store leaves out: it has to be verified alone."""

Mark = tuple[str, str]
"""State and sentence."""

_SHORT_ID = re.compile(r"\b[0-9a-f]{12}\b")
_NAME = re.compile(r"[a-z]+/[^\s'\",:;()]+")
_NOT_READ = "not-read"
_ALREADY_LOGGED = "already-logged"
_BADGES = {"fail": "invalid", "unchecked": "incomplete", "warn": "warn"}
_ORDER = ("", MARKED_ALONE, "warn", "incomplete", "invalid", "flagged")
_LISTS_ALL = frozenset({"refs", "timestamps"})
"""Checks whose problems concern entries without effect, or outside times."""


def marks_of(store: Store, report: Report) -> dict[str, Mark]:
    """Return id → state and sentence of the objects that a report on the store is about.

    What was made from an object that does not hold does not hold either, and what was made from
    one with a warning has it, too, as in the verification of the object itself. The same is true of
    data of others whose terms ended or were revoked, which the report on a store does not judge.
    """
    repository = store.repository
    marks: dict[str, Mark] = {}
    try:
        for flag in repository.flagged:
            if flag.reason != _ALREADY_LOGGED:
                marks[str(flag.id)] = ("flagged", "")
    except LyrikstoreError:  # `refs` fails, and with it the store
        return marks
    known = _Known(repository)
    for check in report.checks:
        for state, problem in _problems(check):
            for identity in known.named_in(problem):
                _put(marks, identity, (state, f"{check.id}: {problem}"[:500]))
    terms = dict(_terms_of_sources(store))
    for _, manifest in repository.all_manifests():
        identity = str(manifest.id)
        if manifest.kind == "run" and identity not in known.trained:
            _put(marks, identity, (MARKED_ALONE, ""))  # `rights` leaves it out
        for item in manifest.inputs:
            state, detail = marks.get(str(item.id), ("", ""))
            if state == "flagged":
                state, detail = "invalid", f"{item.id.short} has no effect"
            _put(marks, identity, (state, detail))
            state, detail = terms.get(str(item.id), ("", ""))
            if state and manifest.kind != "dataset":
                state = "warn"  # it was used while its terms held, or `rights` says more
            _put(terms, identity, (state, detail))
    for identity, mark in terms.items():
        _put(marks, identity, mark)
    return marks


def says_all(repository: Repository, report: Report) -> bool:
    """Return whether the report names every object about which it says something.

    A report lists the first problems of a check only, and some problems are of the store itself.
    """
    known = _Known(repository)
    for check in report.checks:
        found = [problem for _, problem in _problems(check)]
        if check.id in _LISTS_ALL and check.state is not CheckState.FAIL:
            continue
        if len(found) >= MAX_NAMED or not all(map(known.names_some, found)):
            return False
        if check.state is CheckState.FAIL and (
            check.id.startswith(("store.", "log.")) or not found
        ):
            return False
    return True


class _Known:
    """The objects of a log, by the short ids and names that problems give them."""

    def __init__(self, repository: Repository) -> None:
        self._short: dict[str, list[str]] = {}
        self._name: dict[str, list[str]] = {}
        self.trained: set[str] = set()
        """Ids of the runs from which a checkpoint came."""
        for entry in repository.entries():
            self._short.setdefault(entry.id.short, []).append(str(entry.id))
        for _, manifest in repository.all_manifests():
            self._name.setdefault(manifest.name, []).append(str(manifest.id))
            if manifest.kind == "checkpoint":
                self.trained |= {str(one.id) for one in manifest.inputs_in("run")}

    def names_some(self, problem: str) -> bool:
        return next(self.named_in(problem), None) is not None

    def named_in(self, problem: str) -> Iterator[str]:
        """Yield the ids of the objects that a problem names: by id, or else all of a name."""
        found = [one for short in _SHORT_ID.findall(problem) for one in self._short.get(short, ())]
        yield from found
        if not found:
            for name in _NAME.findall(problem):
                yield from self._name.get(name, ())


def _put(marks: dict[str, Mark], identity: str, mark: Mark) -> None:
    before = marks.get(identity, ("", ""))[0]
    if _ORDER.index(mark[0]) > _ORDER.index(before):  # the first of a state is enough
        marks[identity] = mark


def _problems(check: Check) -> Iterator[tuple[str, str]]:
    """Yield the badge and the text of each problem of a check."""
    badge = _BADGES.get(str(check.state))
    if badge is None or check.detail.get("reason") == _NOT_READ:
        return
    for name, state in (("problems", badge), ("warnings", "warn")):
        for problem in _texts(check.detail, name):
            yield state, problem


def _texts(detail: Mapping[str, Any], name: str) -> Sequence[str]:
    found = detail.get(name, ())
    return [str(one) for one in found] if isinstance(found, list | tuple) else ()


def _terms_of_sources(store: Store) -> Iterator[tuple[str, Mark]]:
    """Yield the datasets whose publishers do not stand by them, or may not, with state and why."""
    repository = store.repository
    for _, manifest in repository.all_manifests():
        if manifest.kind != "dataset" or manifest.made_from:
            continue
        if (check := _terms_of(store, manifest)) is not None:
            for state, problem in _problems(check):
                yield str(manifest.id), (state, f"{check.id}: {problem}"[:500])
                break


def _terms_of(store: Store, source: Manifest) -> Check | None:
    repository = store.repository
    try:
        about = published(repository, source).manifest
        if about == source.id and not repository.credentials_about(about):
            return None
    except LyrikstoreError:  # the check says so
        pass
    lineage = Lineage.read(repository, source.id)
    return check_sources(repository, source, lineage, trust=store.trust, at=store.clock())
