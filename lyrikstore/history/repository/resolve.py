"""Resolving a REF, or the ids that a credential names, to manifests (spec §8.5)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    PolicyError,
)
from lyrikstore.canon.text import pluralize
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import IdRef, NameRef, PrefixRef, parse_ref
from lyrikstore.history.repository.refs import Flagged, RefState


class Named(Protocol):
    """The members of a store that resolving needs."""

    @property
    def refs(self) -> Mapping[str, RefState]:
        """Name → state."""

    @property
    def flagged(self) -> Sequence[Flagged]:
        """Logged manifests without effect, in log order."""

    def entries(self) -> Sequence[LoggedEntry]:
        """Return the log entries."""

    def is_logged(self, identity: Digest) -> bool:
        """Return whether an entry has this id."""

    def manifest(self, identity: Digest) -> Manifest:
        """Return a logged manifest."""


def resolve(store: Named, text: str) -> Manifest:
    """Return the manifest that a REF names; see :meth:`Repository.resolve`.

    Raises:
        InvalidInputError: (``bad-ref``, ``bad-name``, ``ambiguous``) it cannot be a REF, or is
            the prefix of several ids.
        NotFoundError: (``no-ref``, ``no-version``, ``no-id``) there is no such manifest.
    """
    ref = parse_ref(text)
    if isinstance(ref, NameRef):
        return _by_name(store, ref)
    if isinstance(ref, IdRef):
        if not store.is_logged(ref.id):
            raise NotFoundError("no-id", f"no manifest {ref.id.short} in this store's log")
        return store.manifest(ref.id)
    return _by_prefix(store, ref)


def state_of(store: Named, name: str) -> RefState:
    """Return the state of a name.

    Raises:
        NotFoundError: (``no-ref``) there is no such name; the hint lists similar ones, or states
            why a manifest logged under that name has no effect.
    """
    refs = store.refs
    if name in refs:
        return refs[name]
    for item in reversed(store.flagged):
        if _name_of(store, item) == name:
            raise NotFoundError(
                "no-ref",
                f"no version of {name} has an effect in this store: {item.summary}",
                hint=f"log entry {item.index} is such a version: lyrikstore verify {item.id}",
            )
    from difflib import get_close_matches

    # Without its kind a name stands for a dataset: often what was meant is a model of that name.
    rest = name.partition("/")[2]
    same = [f"{kind}/{rest}" for kind in ("checkpoints", "datasets") if f"{kind}/{rest}" in refs]
    near = list(dict.fromkeys([*same, *get_close_matches(name, list(refs), n=3)]))[:3]
    raise NotFoundError(
        "no-ref",
        f"there is no {name} in this store",
        hint=f"did you mean {' or '.join(near)}?" if near else "lyrikstore log lists the names",
    )


def check_effect(store: Named, manifest: Manifest) -> None:
    """Raise `without-effect` if the log gives a manifest no effect, so that no ref leads to it.

    ATTACK: an id leads to whatever is logged, also to a model that a thief signed with a key that
    has been revoked since.

    Args:
        store: The store that logged it.
        manifest: What a caller is about to use.

    Raises:
        PolicyError: (``without-effect``) its author had no right to log it, its author's key was
            compromised by then, or it does not follow the version before it.
    """
    for item in store.flagged:
        if item.id == manifest.id and item.reason != "already-logged":
            raise PolicyError(
                "without-effect",
                f"{manifest.name} at log entry {item.index} has no effect: {item.summary}",
                hint=f"use a version that counts (lyrikstore log {manifest.name}), or make it anew",
                details={"reason": item.reason, "index": item.index},
            )


def _name_of(store: Named, item: Flagged) -> str:
    """Return the name of a manifest without effect; empty if it is missing or not a manifest."""
    if item.reason == "invalid":
        return ""
    try:
        return store.manifest(item.id).name
    except LyrikstoreError:
        return ""


def subjects(credential: bytes) -> set[str]:
    """Return the URNs that a credential is about: its subjects' ``id``, ``manifest``, ``files``.

    The subject of a licence grant is its holder; the grant is about the dataset that it names.

    ``verify`` verifies credentials; here they are only searched. A credential that cannot be read
    is about nothing.
    """
    try:
        document = json.parse(credential, floats=True, nulls=True)
    except FormatError:
        return set()
    found = document.get("credentialSubject") if isinstance(document, dict) else None
    spoken_of = found if isinstance(found, list) else [found]
    grants = [item.get("grant") for item in spoken_of if isinstance(item, dict)]
    spoken_of = [*spoken_of, *(item.get("dataset") for item in grants if isinstance(item, dict))]
    return {
        value
        for subject in spoken_of
        if isinstance(subject, dict)
        for value in (subject.get(member) for member in ("id", "manifest", "files"))
        if isinstance(value, str)
    }


def credentials_by_subject(
    entries: Iterable[LoggedEntry], read: Callable[[Digest], bytes]
) -> dict[str, list[LoggedEntry]]:
    """Return the logged credentials by the URNs they are about, each list oldest first.

    Args:
        entries: Log entries of any type, in order.
        read: Returns the bytes of a credential.
    """
    about: dict[str, list[LoggedEntry]] = {}
    for entry in entries:
        if entry.type == "credential":
            try:
                data = read(entry.id)
            except FormatError:  # too large to be one
                continue
            for urn in subjects(data):
                about.setdefault(urn, []).append(entry)
    return about


def _by_name(store: Named, ref: NameRef) -> Manifest:
    found = store.manifest(state_of(store, str(ref.name)).id)
    for step in range(ref.back):
        if not found.parents:
            raise NotFoundError(
                "no-version",
                f"{ref.name} goes back only {pluralize(step, 'version')}",
                hint=f"lyrikstore log {ref.name} lists them",
            )
        found = store.manifest(found.parents[0])
    return found


def _by_prefix(store: Named, ref: PrefixRef) -> Manifest:
    found = {
        entry.id
        for entry in store.entries()
        if entry.type == "manifest" and entry.id.hex.startswith(ref.hex)
    }
    if not found:
        raise NotFoundError("no-id", f"no manifest id starts with {ref.hex}")
    if len(found) > 1:
        raise InvalidInputError(
            "ambiguous", f"{len(found)} ids start with {ref.hex}", hint="type more digits"
        )
    return store.manifest(found.pop())
