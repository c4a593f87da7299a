"""Rights from imports and grants, beyond a dataset's own credential (spec §20.8)."""

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
"""Function from terms to the names of their partitions in use."""


class Published(Struct, frozen=True):
    """A dataset in the form in which its publisher names it.

    Attributes:
        manifest: The publisher's manifest.
        tree: The tree, the same in all stores.
        name: The publisher's name for it.
        store: The publisher's store.
        author: DID of the signer of that manifest; empty if only a credential names it.
    """

    manifest: Digest
    tree: Digest | None
    name: str
    store: Digest | None
    author: str = ""

    def is_meant(self, claims: Claims | Grant) -> bool:
        """Return whether a dataset credential with these claims, or a grant, is about the dataset.

        ATTACK A44: an issuer who is trusted for some names puts one of them on other data.
        """
        said = (claims.manifest, claims.tree, claims.name, claims.store)
        return said == (self.manifest, self.tree, self.name, self.store)


def published(repository: Repository, source: Manifest) -> Published:
    """Return the version that credentials about ``source`` name: for an import, the foreign one.

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
    """The permissions that one grant gives to one user.

    Attributes:
        outcome: The grant's checks.
        fault: Why it does not allow the use, as a stable code and a text for people, or None.
        permits: The uses that it and its terms permit together, for all partitions in use.
        partitions: The permissions for each partition in use.
        names: The names of these partitions, if the terms have several.
    """

    outcome: CheckedGrant
    fault: tuple[str, str] | None
    permits: tuple[str, ...] = ()
    partitions: tuple[Partition, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def code(self) -> str | None:
        """The code of ``fault``, or None."""
        return None if self.fault is None else self.fault[0]

    @property
    def grant(self) -> Grant | None:
        """The parsed grant."""
        return self.outcome.grant

    def check(self, check_id: str) -> Check:
        """Return one of the grant's checks."""
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
    """Return whether a grant lets the holder of a key use a dataset. Never raises for bad input.

    The caller decides, from the checks, whether its issuer is trusted, whether its status could be
    read, and whether the key is known to be its holder's.

    Args:
        opened: The grant.
        terms: The dataset credential that it rests on.
        about: The dataset in question.
        use: The requested use and its moment.
        used: The partitions in use.
        holder: The user's key, as did:key: the holder's own, or a key of a did:web that a document
            pinned by the verifier lists.
        trust: The keys that the verifier trusts.
        status_updates: What issuers have published since.
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
    """Return the partitions in use with the permissions that a grant gives of its valid terms.

    Args:
        grant: The parsed grant.
        terms: The dataset credential that it rests on.
        used: The partitions in use.
    """
    claims = terms.claims_as(DATASET)
    stated = () if claims is None else claims.terms.named(used(claims.terms).names)
    return tuple(partition.with_grant(grant.permits) for partition in stated)


def holder_of(opened: OpenedCredential, key: str, trust: Trust, at: datetime) -> Holder:
    """Return the holder of a grant that is used by ``key``. Never raises for bad input.

    Args:
        opened: The grant.
        key: The key, as did:key: the holder itself, or a key that the holding organisation lists.
        trust: Contains the pinned documents that list the keys of organisations.
        at: The moment for which the result holds.
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
        return Holder(named, unverified=error.kind)
    except LyrikstoreError:
        return Holder(key)
    return Holder(named if did_key(listed.key) == key else key)  # a name is not yet the key
