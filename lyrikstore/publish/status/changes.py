"""Revoking, suspending, reinstating: the status lists that a store keeps (spec §20.6).

Lists are credentials like others: signed by the issuer and logged, so that the log shows who took
back what, and when. The newest list of a URL and issuer is the current one; nothing else is kept.
"""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    PolicyError,
)
from lyrikstore.canon.grammar import counted
from lyrikstore.canon.json import parse
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.model.credential import issuer_of
from lyrikstore.credentials.model.status_list import (
    ENTRIES,
    PURPOSES,
    StatusEntry,
    StatusList,
    list_url,
    sign_list,
    status_entries,
)
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import did_key, parse_method_fragment
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.identity.issuer import own_keys, speaking_for
from lyrikstore.publish.status.current_list import LIST_VALIDITY, CurrentList, joined


class Issued(Struct, frozen=True):
    """A logged credential that can be taken back.

    Attributes:
        id: BLAKE3 of its bytes.
        name: Its ``id``, a ``urn:uuid``.
        issuer: Who signed it.
        entries: Where its bits are; empty if it names no list.
        supersedes: The credential it replaces, or None.
    """

    id: Digest
    name: str
    issuer: str
    entries: tuple[StatusEntry, ...]
    supersedes: Digest | None = None


@dataclass(frozen=True)
class StatusBook:
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
    def of(cls, repository: Repository) -> "StatusBook":
        """Return the book of a store; see :meth:`update`."""
        return cls().update(repository)

    def update(self, repository: Repository) -> "StatusBook":
        """Read what was logged since, and return the book itself.

        Raises:
            IncompleteError, VerificationError: A logged credential is lost or damaged: it may be
                the list that revokes, so nothing is said without it.

        Cost: one read per logged credential not read before, one signature per list among them.
        """
        ours = own_keys(repository.policy)
        for entry in repository.entries():
            if entry.type == "credential" and entry.id not in self._seen:
                data = repository.credential(entry.id)
                suspect = repository.is_suspect(data, entry.index)
                self._take(entry.id, data, ours, suspect=suspect)
                self._seen.add(entry.id)
        return self

    def _take(self, identity: Digest, data: bytes, ours: frozenset[str], *, suspect: bool) -> None:
        url = list_url(data)
        try:
            if url is not None:
                if not suspect:
                    found = StatusList.parse(data, parse_method_fragment)
                    self._take_list(CurrentList(found, data), ours)
                return
            document = parse(data)
            entries = status_entries(document)
        except LyrikstoreError:
            return  # somebody else's, of a kind that is not known here
        if isinstance(document, dict) and isinstance(document.get("id"), str):
            issuer = issuer_of(document) or ""
            replaced = _replaced(document)
            self.issued.append(Issued(identity, document["id"], issuer, entries, replaced))

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
                f"no credential {text[:80]!a} is logged in this store",
                hint="give its file, its urn:uuid, or at least 8 hex digits of its digest, which "
                "lyrikstore log --audit shows",
            )
        if len({one.id for one in found}) > 1:
            raise InvalidInputError(
                "ambiguous",
                f"{counted(len(found), 'credential starts', 'credentials start')} with {text}",
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
            if len(taken) < ENTRIES // 2:
                break
        while (index := secrets.randbelow(ENTRIES)) in taken:
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
                *(entry.url, entry.purpose, bytes(ENTRIES // 8), signer),
                *(clock(), LIST_VALIDITY),
            )
            for entry in entries
        }


def _replaced(document: Mapping[str, Any]) -> Digest | None:
    reference = document.get("supersedes")
    try:
        return Digest.parse_urn(reference["digest"]) if isinstance(reference, dict) else None
    except (LyrikstoreError, KeyError):
        return None


def set_status(
    repository: Repository,
    book: StatusBook,
    text: str,
    purpose: str,
    *,
    value: bool,
    alone: bool = True,
    signer: Signer,
    clock: Clock,
) -> Issued:
    """Set or clear one bit of a credential's standing: sign the list anew and log it.

    Args:
        repository: The store, opened to append.
        book: What its log says up to now.
        text: The credential, as :meth:`StatusBook.find` takes it.
        purpose: ``revocation`` or ``suspension``.
        value: Whether it is revoked or suspended from now on.
        alone: Refuse where another credential has the same bit.
        signer: Its issuer.
        clock: Now.

    Raises:
        NotFoundError, InvalidInputError: As :meth:`StatusBook.find`;
            (``not-revocable``) the credential names no such list.
        PolicyError: (``not-the-issuer``) the signer did not issue it.
        ConflictError: (``revoked``) what was revoked stays revoked;
            (``nothing-to-do``) that is its standing already;
            (``shared-place``) see :func:`lyrikstore.publish.status.shared_index.check_alone`.
    """
    from lyrikstore.publish.status.shared_index import check_alone

    issued = book.find(text)
    entry = next((e for e in issued.entries if e.purpose == purpose), None)
    before = None if entry is None else book.lists.get((entry.url, issued.issuer))
    if entry is None or before is None:
        ours = issued.issuer == signer.did or issued.issuer.startswith("did:web:")
        raise InvalidInputError(
            "not-revocable",
            f"credential {issued.id.short} names no {purpose} list",
            hint="issue with --status-url to be able to take credentials back"
            if ours
            else f"nobody can take it back, and only {issued.issuer} could issue another",
        )
    current = before.content
    issuer = speaking_for(repository, signer, issued.issuer, [before.signer])
    if purpose == "revocation" and not value:
        raise ConflictError("revoked", "a revocation is for good; issue a new credential")
    if current.holds(entry.index) == value:
        said = {"revocation": "revoked", "suspension": "suspended"}[purpose]
        known = f"is {said} already" if value else f"is not {said}"
        raise ConflictError(
            "nothing-to-do",
            f"credential {issued.id.short} {known}",
            hint="others see it once the lists are published: lyrikstore push, or status-lists"
            if value
            else "",
        )
    if alone:
        check_alone(book, issued)
    bits = current.with_bit(entry.index, value)
    made = _later(current, clock())
    data = sign_list(entry.url, purpose, bits, issuer, made, LIST_VALIDITY)
    with repository.transaction() as transaction:
        transaction.log_credential(data)
        transaction.commit()
    return issued


def _later(current: StatusList, now: datetime) -> datetime:
    return max(now, current.valid_from + timedelta(seconds=1))  # of two, the newer one counts


def supersede(
    repository: Repository,
    book: StatusBook,
    text: str,
    *,
    alone: bool = True,
    signer: Signer,
    clock: Clock,
) -> Issued:
    """Revoke a credential in whose place its issuer has logged another, and return that one.

    Who is shown the new one learns that it replaces the old; who is not, sees the old revoked.

    Args:
        repository: The store, opened to append.
        book: What its log says up to now.
        text: The old credential, as :meth:`StatusBook.find` takes it.
        alone: As :func:`set_status` takes it.
        signer: Its issuer.
        clock: Now.

    Raises:
        InvalidInputError: (``no-successor``) nothing logged here replaces it; else as
            :func:`set_status`.
        NotFoundError, PolicyError, ConflictError: As :func:`set_status`.
    """
    old = book.find(text)
    successors = [
        one for one in book.issued if one.supersedes == old.id and one.issuer == old.issuer
    ]
    if not successors:
        raise InvalidInputError(
            "no-successor",
            f"nothing logged here replaces credential {old.id.short}",
            hint="issue it first, with --supersedes FILE; or take it back with: lyrikstore revoke",
        )
    set_status(
        repository,
        book,
        str(old.id),
        "revocation",
        value=True,
        alone=alone,
        signer=signer,
        clock=clock,
    )
    return successors[-1]


def renew_lists(
    repository: Repository, book: StatusBook, *, signer: Signer, clock: Clock
) -> list[CurrentList]:
    """Return the current lists of this store's people, those of this signer's renewed.

    A list that ran out makes every credential that names it unverifiable: publish on a schedule.
    One that is half through, or not whole, and not the signer's to sign is returned as it is.

    Args:
        repository: The store, opened to append.
        book: What its log says up to now.
        signer: Signs those of its own anew that are half through or not whole.
        clock: Now.

    Raises:
        NotFoundError: (``no-lists``) there are none.
    """
    issuers: dict[tuple[str, str], Signer] = {}
    for place, one in book.lists.items():
        with suppress(PolicyError):
            issuers[place] = speaking_for(repository, signer, one.content.issuer, [one.signer])
    ours = own_keys(repository.policy)
    places = [place for place, one in book.lists.items() if place in issuers or one.signer in ours]
    if not places:
        raise NotFoundError(
            "no-lists", "this store has no status lists of yours", hint="issue with --status-url"
        )
    now = clock()
    old = [
        place
        for place in places
        if place in issuers
        and (book.lists[place].is_half_through(now) or not book.lists[place].whole)
    ]
    if old:
        with repository.transaction() as transaction:
            for place in old:
                found = book.lists[place].content
                made = _later(found, now)
                args = (found.url, found.purpose, found.bits, issuers[place], made, LIST_VALIDITY)
                transaction.log_credential(sign_list(*args))
            transaction.commit()
        book.update(repository)
    return [book.lists[place] for place in places]
