"""Which status lists and which credentials the log of a store has (spec §20.6)."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
)
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_entry import PURPOSES, StatusEntry
from lyrikstore.credentials.model.status_list import (
    StatusList,
    sign_list,
)
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import did_key, parse_method_fragment
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.identity.issuer import own_keys
from lyrikstore.publish.status.current_list import LIST_VALIDITY, CurrentList, joined


class Issued(Struct, frozen=True):
    """A logged credential that can be taken back.

    Attributes:
        id: BLAKE3 of its bytes.
        name: Its ``id``, a ``urn:uuid``.
        issuer: Who signed it.
        entries: Where its bits are; see :attr:`OpenedCredential.entries`.
        is_listed: Whether it names them, so that outsiders can look.
        supersedes: The credential it replaces, or None.
    """

    id: Digest
    name: str
    issuer: str
    entries: tuple[StatusEntry, ...]
    is_listed: bool
    supersedes: Digest | None = None


@dataclass(frozen=True)
class StatusRegistry:
    """Everything the log of a store says about the standing of its credentials.

    Attributes:
        lists: URL and issuer → current list.
        issued: Logged credentials, oldest first.
    """

    lists: dict[tuple[str, str], CurrentList] = field(default_factory=dict)
    issued: list[Issued] = field(default_factory=list)

    _seen: set[Digest] = field(default_factory=set)
    _made: set[tuple[str, str, datetime, Digest]] = field(default_factory=set)

    @classmethod
    def of(cls, repository: Repository) -> "StatusRegistry":
        """Return the book of a store; see :meth:`update`."""
        return cls().update(repository)

    def update(self, repository: Repository) -> "StatusRegistry":
        """Read what was logged since, and return the book itself.

        Raises:
            IncompleteError, VerificationError: A logged credential is lost or damaged: it may be
                the list that revokes, so nothing is said without it.

        Cost: one read per logged credential not read before, one signature per list among them.
        """
        ours = own_keys(repository.policy)
        for entry in repository.entries():
            if entry.type == "credential" and entry.id not in self._seen:
                opened = logged_credential(repository, entry.id)
                suspect = repository.is_suspect(opened.data, entry.index)
                self._take(entry.id, opened, ours, suspect=suspect)
                self._seen.add(entry.id)
        return self

    def _take(
        self, identity: Digest, opened: OpenedCredential, ours: frozenset[str], *, suspect: bool
    ) -> None:
        try:
            if opened.list_url is not None:
                if not suspect:
                    found = StatusList.of(opened, parse_method_fragment)
                    self._take_list(CurrentList(found, opened.data), ours)
                return
            entries = opened.entries
        except LyrikstoreError:
            return  # somebody else's, of a kind that is not known here
        name = (opened.document or {}).get("id")
        if isinstance(name, str):
            replaced = _replaced(opened)
            self.issued.append(
                Issued(identity, name, opened.issuer or "", entries, opened.is_listed, replaced)
            )

    def _take_list(self, one: CurrentList, ours: frozenset[str]) -> None:
        found = one.content
        place = (found.url, found.issuer)
        before = self.lists.get(place)
        # Nobody else's list takes the place of an issuer's. Nor does their own one that is logged
        # again, by another writer in another spelling: the next list is made from this one, and
        # would no longer revoke what it revoked meanwhile.
        if before is not None and not before.continued_by(one.signer, ours):
            return
        made = (*place, found.valid_from, Digest.of(found.bits))
        if made not in self._made:
            self._made.add(made)
            self.lists[place] = one if before is None else joined(before, one)

    def find(self, text: str) -> Issued:
        """Return the one credential that a person means.

        Args:
            text: Its ``urn:uuid``, its digest, or at least 8 hex digits of that.

        Raises:
            NotFoundError: (``no-credential``) none of this store is called so.
            InvalidInputError: (``ambiguous``) several digests start so.
        """
        hex_digits = text.removeprefix("blake3:")
        found = [
            one
            for one in self.issued
            if one.name == text or (len(hex_digits) >= 8 and one.id.hex.startswith(hex_digits))
        ]
        if not found:
            raise NotFoundError(
                "no-credential",
                f"no credential {quote(text)} is logged in this store",
                hint="give its file, its urn:uuid, or at least 8 hex digits of its digest, which "
                "lyrikstore log --audit shows",
            )
        if len({one.id for one in found}) > 1:
            raise InvalidInputError(
                "ambiguous",
                f"{pluralize(len(found), 'credential starts', 'credentials start')} with {text}",
            )
        return found[0]

    def revoked(self) -> list[Digest]:
        """Return the ids of the credentials that the current lists revoke."""
        return [
            one.id
            for one in self.issued
            for entry in one.entries
            if entry.purpose == "revocation"
            and (current := self.lists.get((entry.url, one.issuer))) is not None
            and current.content.holds(entry.index)
        ]

    def reserve(self, base: str, issuer: Signer, ours: frozenset[str]) -> tuple[StatusEntry, ...]:
        """Return entries for a new credential: one random free place in a list of each purpose.

        Random, so that places tell nothing about when or for whom a credential was made. A list is
        its issuer's alone, and a URL answers with one: so its name says whose it is, by a digest,
        and two who issue below one URL in two clones need not know of each other (spec §10.6).

        Args:
            base: The URL below which the lists are published.
            issuer: Who issues.
            ours: The keys of the store's own people.
        """
        key = did_key(issuer.public)
        below = base.rstrip("/") + "/"
        tag = Digest.of(f"{below}{issuer.did}".encode()).short
        number = 0
        while True:
            number += 1
            urls = {p: f"{below}{p}-{tag}-{number}.json" for p in PURPOSES}
            places = [(url, issuer.did) for url in urls.values()]
            there = [self.lists[place] for place in places if place in self.lists]
            if not all(one.continued_by(key, ours) for one in there):
                continue
            taken = {
                entry.index
                for one in self.issued
                for entry in one.entries
                if entry.url in urls.values()
            }
            if len(taken) < STATUS_LIST_ENTRIES // 2:
                break
        while (index := secrets.randbelow(STATUS_LIST_ENTRIES)) in taken:
            pass
        return tuple(StatusEntry(purpose, index, url) for purpose, url in urls.items())

    def signed(
        self, entries: Iterable[StatusEntry], signer: Signer, clock: Clock
    ) -> dict[str, bytes]:
        """Return the current list of each reserved entry, new and empty where there is none yet."""
        return {
            entry.url: self.lists[entry.url, signer.did].data
            if (entry.url, signer.did) in self.lists
            else sign_list(
                *(entry.url, entry.purpose, bytes(STATUS_LIST_ENTRIES // 8), signer),
                *(clock(), LIST_VALIDITY),
            )
            for entry in entries
        }


_BOOKS: "WeakKeyDictionary[Repository, tuple[Policy, StatusRegistry]]" = WeakKeyDictionary()


def current_registry(repository: Repository) -> StatusRegistry:
    """Return the book of a store as it is now; each logged credential is read once a policy.

    Raises:
        IncompleteError, VerificationError: As :meth:`StatusRegistry.update`.
    """
    policy, registry = _BOOKS.get(repository, (None, StatusRegistry()))
    if policy != repository.policy:  # ATTACK: it may say that a key was stolen whose lists counted
        policy, registry = repository.policy, StatusRegistry()
        _BOOKS[repository] = policy, registry
    return registry.update(repository)


def _replaced(opened: OpenedCredential) -> Digest | None:
    try:
        return None if opened.supersedes is None else Digest.parse_urn(opened.supersedes)
    except LyrikstoreError:
        return None
