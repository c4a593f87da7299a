"""Rights that rest on more than a dataset's own credential: imports and grants (spec §20.8)."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.credentials.did import Resolver
from lyrikstore.credentials.model.credential import DATASET, Claims
from lyrikstore.credentials.model.grant import Grant
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import (
    NOT_DECLARED,
    Answer,
    Partition,
    Terms,
    UsageLimits,
    Use,
)
from lyrikstore.credentials.terms.usage import PartitionsUsed
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.grant import CheckedGrant, Holder, check_grant
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.datasets.imported import published_manifest
from lyrikstore.verify.report import Check, CheckState, check_of, first_in

Used = Callable[[Terms], PartitionsUsed]
"""Given terms, the names of those of their partitions that are used."""


class Published(Struct, frozen=True):
    """A dataset as its publisher knows it.

    Attributes:
        manifest: The publisher's manifest.
        tree: The content, the same everywhere.
        name: What the publisher calls it.
        store: The publisher's store.
        author: Who signed that manifest, a DID; empty where only a credential names it.
    """

    manifest: Digest
    tree: Digest | None
    name: str
    store: Digest | None
    author: str = ""

    def is_meant(self, claims: Claims | Grant) -> bool:
        """Return whether a dataset credential that claims this, or a grant, is about the dataset.

        ATTACK A44: whoever is believed for some names says so, by one of these, of other data.
        """
        said = (claims.manifest, claims.tree, claims.name, claims.store)
        return said == (self.manifest, self.tree, self.name, self.store)


def published(repository: Repository, source: Manifest) -> Published:
    """Return what credentials about ``source`` speak of: for an import, the foreign version.

    Args:
        repository: The store.
        source: A dataset without dataset inputs.

    Raises:
        LyrikstoreError: The foreign manifest is lost, damaged or not signed by its author.
        LyrikstoreError: As :func:`published_manifest`.
    """
    foreign = published_manifest(repository, source) or source
    return Published(foreign.id, foreign.tree, foreign.name, foreign.store, foreign.author)


class Licensed(Struct, frozen=True):
    """What one grant gives to one user.

    Attributes:
        outcome: The grant's checks.
        fault: Why it does not allow the use, as a stable code and for people, or None.
        permits: All that it and its terms permit together, for all partitions that are used.
        partitions: What it gives of each partition that is used.
        names: The names of these, where the terms have several.
    """

    outcome: CheckedGrant
    fault: tuple[str, str] | None
    permits: tuple[str, ...] = ()
    partitions: tuple[Partition, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def code(self) -> str | None:
        """The code of why it does not allow the use, or None."""
        return None if self.fault is None else self.fault[0]

    @property
    def grant(self) -> Grant | None:
        """What it says."""
        return self.outcome.grant

    def check(self, check_id: str) -> Check:
        """Return one of its checks."""
        return check_of(self.outcome.checks, check_id)


def judge_grant(
    opened: OpenedCredential,
    terms: OpenedCredential,
    about: Published,
    use: Use,
    *,
    used: Used,
    holder: str,
    trust: Trust,
    status_updates: StatusUpdates,
) -> Licensed:
    """Return whether a grant lets whoever has a key use a dataset. Never raises for bad input.

    Whether its issuer is believed, whether its status could be read, and whether the key is known
    to be its holder's, is left to the caller, who finds all three among the checks.

    Args:
        opened: The grant.
        terms: The dataset credential that it rests on.
        about: The dataset in question.
        use: What is wanted, and as of when.
        used: Which partitions are used.
        holder: The key, as did:key, that wants it: the holder's own, or a did:web's by the word of
            a document that the verifier pinned.
        trust: Whom the verifier believes.
        status_updates: What issuers have said since.
    """
    who = holder_of(opened, holder, trust, use.at)
    outcome = check_grant(
        opened, trust=trust, at=use.at, status_updates=status_updates, terms=terms, holder=who
    )
    broken = first_in(outcome.checks, CheckState.FAIL)
    if broken is not None:
        return Licensed(outcome, (str(broken.detail["reason"]), broken.summary))
    grant = outcome.grant
    if grant is None or not outcome.envelope.signature_valid:
        return Licensed(outcome, ("unsound", "does not hold"))
    if not about.is_meant(grant):
        return Licensed(outcome, ("other-dataset", "is about something else"))
    partitions = within(grant, terms, used)
    wider = Terms(partitions)
    limited, by = UsageLimits.of(grant.limits).judge(use)
    if limited is Answer.UNDECLARED:
        by = f"permitted {by}{NOT_DECLARED}"
    for answer, reason in (wider.judge(use), (limited, by)):
        if answer is not Answer.PERMITTED:
            return Licensed(outcome, (answer.value, f"does not permit it: {reason}"))
    claims = terms.claims_as(DATASET)
    several = claims is not None and len(claims.terms.partitions) > 1
    names = tuple(part.name for part in wider.partitions) if several else ()
    return Licensed(outcome, None, wider.permits, wider.partitions, names)


def within(grant: Grant, terms: OpenedCredential, used: Used) -> tuple[Partition, ...]:
    """Return what a grant gives of the terms that it rests on, which hold.

    Args:
        grant: What it says.
        terms: The dataset credential.
        used: Which partitions are used.
    """
    claims = terms.claims_as(DATASET)
    stated = () if claims is None else claims.terms.named(used(claims.terms).names)
    return tuple(partition.with_grant(grant.permits) for partition in stated)


def holder_of(opened: OpenedCredential, key: str, trust: Trust, at: datetime) -> Holder:
    """Return who holds a grant, if ``key`` uses it. Never raises for bad input.

    Args:
        opened: The grant.
        key: The key, as did:key: its own holder, or an organisation's that lists it.
        trust: Whose pinned documents say which keys an organisation has.
        at: When.
    """
    try:
        named = (opened.document or {})["credentialSubject"]["id"]
    except (KeyError, TypeError):
        return Holder(key)  # and the grant is malformed
    if not isinstance(named, str) or not named.startswith("did:web:"):
        return Holder(key)
    method = f"{named}#{key.removeprefix('did:key:')}"
    try:
        # ATTACK: whoever has a copy of the grant lays a document with another key next to it.
        listed = Resolver(trust.known_documents()).find(method, "authentication", at)
    except IncompleteError as error:
        return Holder(named, doubt=error.kind)
    except LyrikstoreError:
        return Holder(key)
    return Holder(named if did_key(listed.key) == key else key)  # a name is not yet the key
