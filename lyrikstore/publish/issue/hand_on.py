"""What may be handed on of data that rests on somebody else's (spec §19.9).

Default deny: what its publishers let nobody do, and what is not known, is refused before anything
is signed. One's own data is not looked at.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, PolicyError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.grant import Grant
from lyrikstore.credentials.model.handed_on import rests_on_others
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.bounds import (
    REDISTRIBUTE,
    Shared,
    TermsBound,
    partitions_shared,
)
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits
from lyrikstore.curate.terms.combined import Mix, mix
from lyrikstore.curate.terms.contribution import HeldGrant, TermSource
from lyrikstore.curate.terms.sources import Asker, terms_of_sources
from lyrikstore.history.lineage import Lineage, RightsClosure
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.store_view import MAX_READ
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.report import Verdict
from lyrikstore.verify.rights.grants import published

KIND = "wider-than-sources"


class FirstPublisher(Struct, frozen=True):
    """Whose data a dataset rests on, and what lets whoever has it hand it on.

    Attributes:
        source: The dataset that was imported.
        name: What its publisher calls it.
        issuer: DID of its publisher.
        credential: Their dataset credential.
        grant: Their grant to whoever hands it on, where that is what permits it; or None.
        bound: How far the terms of whoever hands it on may go.
        shared: Which partitions of both have files in common.
    """

    source: Manifest
    name: str
    issuer: str
    credential: OpenedCredential
    grant: OpenedCredential | None
    bound: TermsBound
    shared: Shared = None

    def to_json(self) -> dict[str, JSON]:
        """Return it as ``schemas/cli/issue.schema.json`` wants it."""
        return {
            "id": str(self.source.id),
            "name": self.name,
            "issuer": self.issuer,
            "credential": str(self.credential.digest),
            "grant": None if self.grant is None else str(self.grant.digest),
        }


class HeldTerms(Struct, frozen=True):
    """Terms that keep within those of the first publishers.

    Attributes:
        terms: What is offered, with what the first publishers demand.
        until: End of validity, or None for no end.
        publishers: They; none where all of the data is one's own.
        taken_over: What was added that the offer did not say, for people.
    """

    terms: Terms
    until: datetime | None
    publishers: tuple[FirstPublisher, ...] = ()
    taken_over: tuple[str, ...] = ()


def hold_to_sources(
    repository: Repository,
    manifest: Manifest,
    terms: Terms,
    until: datetime | None,
    asker: Asker,
    issuer: str,
    *,
    hands_on: bool,
) -> HeldTerms:
    """Return the terms that may be offered of a dataset, duties and limits of others included.

    Args:
        repository: The store.
        manifest: The dataset.
        terms: What is offered.
        until: End of its validity, or None: none is said.
        asker: Who offers it: whom they believe, when, and their key.
        issuer: In whose name.
        hands_on: Whether somebody else gets the data, or a licence to it.

    Raises:
        PolicyError: (``wider-than-sources``) a publisher of the data permits less, or what one
            permits is not known; the details name each.
        LyrikstoreError: What it was made from is lost or damaged.
    """
    lineage, closure = _closure(repository, manifest)
    foreign = [one for one in closure.sources if _is_of_others(repository, one, issuer)]
    if closure.absent:
        what = pluralize(len(closure.absent), "manifest")
        text = f"what it was made from cannot be followed: {what} not here"
        _refuse(manifest, [_Missing(manifest, "unknown", text, "lyrikstore pull brings them here")])
    if not foreign:
        return HeldTerms(terms, until)
    # ATTACK: a clock set back to before a licence ran out. The log knows what time it was.
    asker = replace(asker, at=max(asker.at, repository.floor()))
    wanted = _Wanted(repository, manifest, terms, until, asker.at if hands_on else None)
    sources = terms_of_sources(repository, lineage, foreign, closure.datasets, asker)
    # Of a source of which the data holds no record, nothing is handed on (spec §12.7.1).
    pairs = [pair for pair in zip(foreign, sources, strict=True) if pair[1].freed is None]
    found = [wanted.find(*pair) for pair in pairs]
    missing = [one for one in found if isinstance(one, _Missing)]
    if missing:
        _refuse(manifest, missing)
    publishers = tuple(one for one in found if isinstance(one, FirstPublisher))
    held, end, problem = wanted.held_to(publishers)
    if problem is not None:
        _refuse(manifest, [_Missing(manifest, "conflict", problem, _CONFLICT)])
    return HeldTerms(held, end, publishers, _added(terms, until, held, end))


def check_granted(
    repository: Repository,
    manifest: Manifest,
    parts: Sequence[Partition],
    until: datetime,
    asker: Asker,
    issuer: str,
) -> None:
    """Refuse what the publishers of the data let nobody be given by now.

    Args:
        repository: The store.
        manifest: The dataset.
        parts: The partitions of the terms that it is granted under, as they are for its holder.
        until: End of the grant.
        asker: Who grants: whom they believe, when, and their key.
        issuer: In whose name.

    Raises:
        PolicyError, LyrikstoreError: As :func:`hold_to_sources`.
    """
    terms = Terms(tuple(parts))
    held = hold_to_sources(repository, manifest, terms, until, asker, issuer, hands_on=True)
    if held.taken_over:  # the terms would have to say so, which are signed
        publisher = held.publishers[0]
        text = f"its publisher demands by now: {', '.join(held.taken_over)}"
        hint = "issue the dataset credential anew, and grant under that one"
        _refuse(manifest, [_Missing(publisher.source, "exceeds", text, hint, publisher.issuer)])


_CONFLICT = "lyrikstore terms shows whose terms exclude each other: hand these datasets on apart"


class _Missing(Struct, frozen=True):
    """Why the data of one source may not be offered so."""

    source: Manifest
    code: str
    text: str
    hint: str
    issuer: str | None = None


def _refuse(manifest: Manifest, missing: Sequence[_Missing]) -> NoReturn:
    first, others = missing[0], len(missing) - 1
    more = f" (and {pluralize(others, 'more dataset')})" if others else ""
    raise PolicyError(
        KIND,
        f"{manifest.name} cannot be offered so, as it rests on {first.source.name}: "
        f"{first.text}{more}",
        hint=first.hint,
        details={
            "missing": [
                {
                    "dataset": str(one.source.id),
                    "name": one.source.name,
                    "code": one.code,
                    "reason": one.text,
                    "issuer": one.issuer,
                }
                for one in missing
            ]
        },
    )


def _closure(repository: Repository, manifest: Manifest) -> tuple[Lineage, RightsClosure]:
    lineage = Lineage.read(repository, manifest.id)
    found = lineage.rests_on([manifest.id])
    for one in filter(repository.is_logged, found.absent):
        raise lineage.failed[one]
    return lineage, found


def _is_of_others(repository: Repository, source: Manifest, issuer: str) -> bool:
    """Return whether a source is somebody else's than the issuer's, or rests on such data.

    A delivery of one's own that was imported into another store of one's own stays one's own.

    ATTACK A114: what was bought goes through a second store of whoever bought it.
    """
    if source.body.get("origin") != "imported":
        return False
    delivered = source.attachments_in("foreign-credential")
    if not delivered:
        return True
    try:
        one = OpenedCredential(repository.blobs.read(delivered[0].id, max_bytes=MAX_READ))
    except LyrikstoreError:
        return True
    return one.issuer != issuer or rests_on_others(one.document)


class _Wanted(Struct, frozen=True):
    """What somebody wants to offer, and when somebody else gets it; None: nobody does."""

    repository: Repository
    manifest: Manifest
    terms: Terms
    until: datetime | None
    handed_on: datetime | None

    def find(self, source: Manifest, found: TermSource) -> FirstPublisher | _Missing:
        """Return what lets them, or why nothing does."""
        reasons: list[_Missing] = []
        for grant in (None, *found.grants):
            if grant is not None and not found.lets_count(grant):
                continue
            one = self._given(source, found, grant)
            if isinstance(one, FirstPublisher):
                return one
            reasons.append(one)
        return reasons[-1]  # what a grant to them lacks says most

    def _given(
        self, source: Manifest, found: TermSource, grant: HeldGrant | None
    ) -> FirstPublisher | _Missing:
        worth, note = (found.verdict, found.note) if grant is None else (grant.verdict, grant.note)
        if found.terms is None or found.credential is None or found.issuer is None:
            text = f"its publisher's terms are not known: {found.problem}"
            return _Missing(source, "unknown", text, _IMPORT, found.issuer)
        if worth is not Verdict.TRUSTED:
            what = f"its publisher's {'terms' if grant is None else 'grant'}"
            text = f"{what} cannot be relied on: {note or worth}"
            hint = f"if you know who that is: lyrikstore trust add {found.issuer} --name NICKNAME"
            return _Missing(source, str(worth), text, hint, found.issuer)
        credential = self._read(Digest.parse(found.credential))
        given = None if grant is None else self._read(Digest.parse(grant.credential))
        if given is not None:
            named = SiblingFiles.unnamed(self._logged(source)).terms_of(given)
            if named is None:
                text = "the terms that its publisher's grant rests on are not here"
                return _Missing(source, "unknown", text, _IMPORT, found.issuer)
            credential = named
        bound = _bound(found, credential, grant, given)
        if self.handed_on is not None and bound.lacks([REDISTRIBUTE]):
            text = f"{found.issuer} does not permit to {REDISTRIBUTE} it"
            return _Missing(source, "not-permitted", text, _ask(credential), found.issuer)
        if self.handed_on is not None and not bound.is_open(self.handed_on):
            text = f"{found.issuer} does not permit to {REDISTRIBUTE} it at this time"
            return _Missing(source, "not-permitted", text, _ask(credential), found.issuer)
        shared = self._shared(source, credential)
        one = FirstPublisher(source, found.name, found.issuer, credential, given, bound, shared)
        held, end, problem = self.held_to([one])
        problem = problem or bound.exceeded_by(held, _text(end), shared)
        if problem is None:
            return one
        text = f"by the terms of {found.issuer}, {problem}"
        return _Missing(source, "exceeds", text, _hint(bound), found.issuer)

    def held_to(
        self, publishers: Sequence[FirstPublisher]
    ) -> tuple[Terms, datetime | None, str | None]:
        """Return the terms with what all these demand, their end, and why there are none."""
        parts = []
        for part in self.terms.partitions:
            demands = _demands(part, publishers)
            for conflict in demands.conflicts:
                if conflict.kind != "share-alike":  # which licence that is, its words say
                    return self.terms, self.until, conflict.summary
            parts.append(_held(part, demands))
        ends = [parse_timestamp(one.bound.until) for one in publishers if one.bound.until]
        end = min([*ends, *([] if self.until is None else [self.until])], default=None)
        return replace(self.terms, partitions=tuple(parts)), end, None

    def _shared(self, source: Manifest, credential: OpenedCredential) -> Shared:
        claims = credential.claims_as(DATASET)
        if source.id != self.manifest.id or claims is None:
            return None
        return partitions_shared(self.repository.tree(source), self.terms, claims.terms)

    def _logged(self, source: Manifest) -> Iterator[OpenedCredential]:
        about = published(self.repository, source)
        for entry in self.repository.credentials_about(about.manifest):
            with suppress(LyrikstoreError):
                yield self._read(entry.id)

    def _read(self, identity: Digest) -> OpenedCredential:
        return logged_credential(self.repository, identity)


_IMPORT = "import it from its publisher: lyrikstore import DELIVERY"


def _ask(credential: OpenedCredential) -> str:
    short = credential.digest.short
    return (
        f"its publisher lets you by a grant: lyrikstore grant {short} --to YOUR-DID --permit "
        f"…,{REDISTRIBUTE}; or by a new credential that permits it. Then import that"
    )


def _hint(bound: TermsBound) -> str:
    permits = ",".join(word for word in bound.partitions[0].permits if not bound.lacks([word]))
    return f"keep within what lyrikstore terms shows of it, at most --permit {permits or '(none)'}"


def _bound(
    found: TermSource,
    credential: OpenedCredential,
    grant: HeldGrant | None,
    given: OpenedCredential | None,
) -> TermsBound:
    ends = [(one.document or {}).get("validUntil") for one in (credential, given) if one]
    until = min((end for end in ends if isinstance(end, str)), default=None)
    if grant is None or given is None or given.document is None:
        return TermsBound(found.partitions, until)
    said = Grant.of(given.document["credentialSubject"])
    return TermsBound(grant.partitions, until, said.requires, grant.limits)


def _demands(part: Partition, publishers: Sequence[FirstPublisher]) -> Mix:
    """Return the duties and limits under which all of these let others use what is in ``part``."""
    parts: list[TermSource] = []
    for one in publishers:
        over = one.bound.over(part, one.shared)
        granted = Partition("", requires=one.bound.requires, limits=one.bound.limits)
        if over:
            parts.append(TermSource(one.name, Terms((*over, granted)), verdict=Verdict.TRUSTED))
    return mix(parts)


def _held(part: Partition, demands: Mix) -> Partition:
    prohibited = [word for one in demands.sources for p in one.partitions for word in p.prohibits]
    allowed = {*part.permits, *part.grantable}
    prohibits = [word for word in prohibited if word not in allowed]
    mine, theirs = part.limits, demands.limits
    return replace(
        part,
        prohibits=tuple(dict.fromkeys((*part.prohibits, *prohibits))),
        requires=tuple(dict.fromkeys((*part.requires, *demands.duties))),
        limits=UsageLimits(
            mine.territory or theirs.territory,
            theirs.use_from if mine.use_from is None else mine.use_from,
            theirs.use_until if mine.use_until is None else mine.use_until,
            theirs.seats if mine.seats is None else mine.seats,
            mine.purposes or theirs.purposes,
        ),
    )


def _added(
    before: Terms, until: datetime | None, after: Terms, end: datetime | None
) -> tuple[str, ...]:
    said: list[str] = []
    for old, new in zip(before.partitions, after.partitions, strict=True):
        said += [f"requires {word}" for word in new.requires if word not in old.requires]
        said += [f"prohibits {word}" for word in new.prohibits if word not in old.prohibits]
        limits, mine = new.limits.to_json(), old.limits.to_json()
        said += [f"limits {name}" for name in limits if name not in mine and name != "type"]
    if end is not None and end != until:
        said.append(f"ends {format_timestamp(end)}")
    return tuple(dict.fromkeys(said))


def _text(end: datetime | None) -> str | None:
    return None if end is None else format_timestamp(end)
