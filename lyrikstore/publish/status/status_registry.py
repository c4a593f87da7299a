"""The status lists and the revocable credentials in the log of a store (spec §20.6)."""

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
    """A logged credential that can be revoked.

    Attributes:
        id: BLAKE3 of its bytes.
        name: Its ``id``, a ``urn:uuid``.
        issuer: DID of its issuer.
        entries: The places of its status bits; see :attr:`OpenedCredential.entries`.
        is_listed: Whether the credential names these places, so that outsiders can check them.
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
    """The revocable credentials of a store and their current status lists, read from its log.

    Attributes:
        lists: URL and issuer → current list.
        issued: Logged credentials, oldest first.
    """

    lists: dict[tuple[str, str], CurrentList] = field(default_factory=dict)
    issued: list[Issued] = field(default_factory=list)

    _seen: set[Digest] = field(default_factory=set)
    _versions: set[tuple[str, str, datetime, Digest]] = field(default_factory=set)

    @classmethod
    def of(cls, repository: Repository) -> "StatusRegistry":
        """Return the status registry of a store; see :meth:`update`."""
        return cls().update(repository)

    def update(self, repository: Repository) -> "StatusRegistry":
        """Read the credentials logged since the last call, and return this registry.

        Raises:
            IncompleteError, VerificationError: A logged credential is lost or damaged. It may be a
                list that revokes, so there is no answer without it.

        Cost: one read per logged credential not read before, one signature per list among them.
        """
        ours = own_keys(repository.policy)
        for entry in repository.entries():
            if entry.type == "credential" and entry.id not in self._seen:
                opened = logged_credential(repository, entry.id)
                suspect = repository.is_suspect(opened.data, entry.index)
                self._add(entry.id, opened, ours, suspect=suspect)
                self._seen.add(entry.id)
        return self

    def _add(
        self, identity: Digest, opened: OpenedCredential, ours: frozenset[str], *, suspect: bool
    ) -> None:
        try:
            if opened.list_url is not None:
                if not suspect:
                    content = StatusList.of(opened, parse_method_fragment)
                    self._add_list(CurrentList(content, opened.data), ours)
                return
            entries = opened.entries
        except LyrikstoreError:
            return  # a foreign credential of a kind that this version does not know
        name = (opened.document or {}).get("id")
        if isinstance(name, str):
            replaced = _replaced(opened)
            self.issued.append(
                Issued(identity, name, opened.issuer or "", entries, opened.is_listed, replaced)
            )

    def _add_list(self, new: CurrentList, ours: frozenset[str]) -> None:
        content = new.content
        place = (content.url, content.issuer)
        before = self.lists.get(place)
        # A list by another key does not replace an issuer's. Neither does an old list of the issuer
        # that is logged again in another spelling: the next list would be made from it, and would
        # lose what was revoked meanwhile.
        if before is not None and not before.continued_by(new.signer, ours):
            return
        version = (*place, content.valid_from, Digest.of(content.bits))
        if version not in self._versions:
            self._versions.add(version)
            self.lists[place] = new if before is None else joined(before, new)

    def find(self, text: str) -> Issued:
        """Return the credential with this id or digest.

        Args:
            text: Its ``urn:uuid``, its digest, or at least 8 hex digits of the digest.

        Raises:
            NotFoundError: (``no-credential``) this store has no such credential.
            InvalidInputError: (``ambiguous``) several digests start with these digits.
        """
        hex_digits = text.removeprefix("blake3:")
        matches = [
            issued
            for issued in self.issued
            if issued.name == text
            or (len(hex_digits) >= 8 and issued.id.hex.startswith(hex_digits))
        ]
        if not matches:
            raise NotFoundError(
                "no-credential",
                f"no credential {quote(text)} is logged in this store",
                hint="give its file, its urn:uuid, or at least 8 hex digits of its digest, which "
                "lyrikstore log --audit shows",
            )
        if len({issued.id for issued in matches}) > 1:
            raise InvalidInputError(
                "ambiguous",
                f"{pluralize(len(matches), 'credential starts', 'credentials start')} with {text}",
                hint="give more digits of its digest, which lyrikstore log --audit shows",
            )
        return matches[0]

    def revoked(self) -> list[Digest]:
        """Return the ids of the credentials that the current lists revoke."""
        return [
            issued.id
            for issued in self.issued
            for entry in issued.entries
            if entry.purpose == "revocation"
            and (current := self.lists.get((entry.url, issued.issuer))) is not None
            and current.content.holds(entry.index)
        ]

    def reserve(self, base: str, issuer: Signer, ours: frozenset[str]) -> tuple[StatusEntry, ...]:
        """Return entries for a new credential: one random free index in a list of each purpose.

        Indices are random, so that they do not show when or for whom a credential was issued. A
        list has one issuer, and a URL one list: the file name contains a digest of the issuer, so
        that two issuers below one URL, in two clones, get different lists (spec §10.6).

        Args:
            base: The URL below which the lists are published.
            issuer: The issuer of the credential.
            ours: The keys of the store's own users.
        """
        key = did_key(issuer.public)
        below = base.rstrip("/") + "/"
        tag = Digest.of(f"{below}{issuer.did}".encode()).short
        number = 0
        while True:
            number += 1
            urls = {p: f"{below}{p}-{tag}-{number}.json" for p in PURPOSES}
            places = [(url, issuer.did) for url in urls.values()]
            existing = [self.lists[place] for place in places if place in self.lists]
            if not all(known.continued_by(key, ours) for known in existing):
                continue
            taken = {
                entry.index
                for issued in self.issued
                for entry in issued.entries
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
        """Return the current list of each entry by URL: a new, empty one if there is none yet."""
        return {
            entry.url: self.lists[entry.url, signer.did].data
            if (entry.url, signer.did) in self.lists
            else sign_list(
                *(entry.url, entry.purpose, bytes(STATUS_LIST_ENTRIES // 8), signer),
                *(clock(), LIST_VALIDITY),
            )
            for entry in entries
        }


_REGISTRIES: "WeakKeyDictionary[Repository, tuple[Policy, StatusRegistry]]" = WeakKeyDictionary()


def current_registry(repository: Repository) -> StatusRegistry:
    """Return the current status registry of a store; reads each logged credential once a policy.

    Raises:
        IncompleteError, VerificationError: As :meth:`StatusRegistry.update`.
    """
    policy, registry = _REGISTRIES.get(repository, (None, StatusRegistry()))
    if (
        policy != repository.policy
    ):  # ATTACK: it may state that a key was stolen whose lists counted
        policy, registry = repository.policy, StatusRegistry()
        _REGISTRIES[repository] = policy, registry
    return registry.update(repository)


def _replaced(opened: OpenedCredential) -> Digest | None:
    try:
        return None if opened.supersedes is None else Digest.parse_urn(opened.supersedes)
    except LyrikstoreError:
        return None
