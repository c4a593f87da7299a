"""Redistribution: terms for data that rests on data of other publishers (spec §19.9).

Default deny: uses that its publishers do not permit, or that cannot be determined, are refused
before anything is signed. The issuer's own data is not examined.
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
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.redistribution import rests_on_others
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
    """The publisher of an imported dataset, with the credential or grant that permits to resell it.

    Attributes:
        source: The imported dataset.
        name: Name of the dataset in its publisher's store.
        issuer: DID of its publisher.
        credential: The publisher's dataset credential.
        grant: The publisher's grant to the reseller, if that permits it; or None.
        bound: The widest terms that the reseller may offer.
        shared: Which partitions of the credential and of the new terms have files in common.
    """

    source: Manifest
    name: str
    issuer: str
    credential: OpenedCredential
    grant: OpenedCredential | None
    bound: TermsBound
    shared: Shared = None

    def to_json(self) -> dict[str, JSON]:
        """Return its members for ``--json``, as in ``schemas/cli/issue.schema.json``."""
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
        terms: The offered terms, with the duties and limits that the first publishers demand.
        until: End of validity, or None for no end.
        publishers: The first publishers; empty if all of the data is the issuer's own.
        taken_over: The duties and limits that were added to the offer, as text.
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
    """Return the terms that may be offered for a dataset, with duties and limits of its sources.

    Args:
        repository: The store.
        manifest: The dataset.
        terms: The offered terms.
        until: End of their validity, or None for no end.
        asker: The signer who offers them: trust file, moment and key.
        issuer: DID of the issuer.
        hands_on: Whether another party gets the data, or a licence to it.

    Raises:
        PolicyError: (``wider-than-sources``) a publisher of the data permits less, or its terms
            cannot be determined; the details name each dataset.
        LyrikstoreError: A dataset that it was made from is lost or damaged.
    """
    lineage, closure = _closure(repository, manifest)
    foreign = [source for source in closure.sources if _is_of_others(repository, source, issuer)]
    if closure.absent:
        absent = pluralize(len(closure.absent), "manifest is", "manifests are")
        text = f"{absent} missing among those that it was made from"
        _refuse(manifest, [_Missing(manifest, "unknown", text, "fetch them: lyrikstore pull")])
    if not foreign:
        return HeldTerms(terms, until)
    # ATTACK: a clock set back to before a licence ran out. The log contains later times.
    asker = replace(asker, at=max(asker.at, repository.floor()))
    wanted = _Wanted(repository, manifest, terms, until, asker.at if hands_on else None)
    sources = terms_of_sources(repository, lineage, foreign, closure.datasets, asker)
    # A source without a record in this data is not redistributed (spec §12.7.1).
    pairs = [pair for pair in zip(foreign, sources, strict=True) if pair[1].freed is None]
    answers = [wanted.find(*pair) for pair in pairs]
    missing = [answer for answer in answers if isinstance(answer, _Missing)]
    if missing:
        _refuse(manifest, missing)
    publishers = tuple(answer for answer in answers if isinstance(answer, FirstPublisher))
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
    """Raise ``wider-than-sources`` if a publisher of the data does not permit this grant now.

    Args:
        repository: The store.
        manifest: The dataset.
        parts: The partitions of the terms that it is granted under, as they are for its holder.
        until: End of the grant.
        asker: The signer who grants: trust file, moment and key.
        issuer: DID of the issuer.

    Raises:
        PolicyError, LyrikstoreError: As :func:`hold_to_sources`.
    """
    terms = Terms(tuple(parts))
    held = hold_to_sources(repository, manifest, terms, until, asker, issuer, hands_on=True)
    if held.taken_over:  # the terms would have to contain them, but are signed already
        publisher = held.publishers[0]
        text = f"its publisher now demands: {', '.join(held.taken_over)}"
        hint = "issue the dataset credential again, and grant under the new one"
        _refuse(manifest, [_Missing(publisher.source, "exceeds", text, hint, publisher.issuer)])


_CONFLICT = (
    "issue these datasets separately; lyrikstore terms NAME shows whose terms exclude each other"
)


class _Missing(Struct, frozen=True):
    """Why the data of one source may not be offered under these terms."""

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
        f"{manifest.name} cannot be offered under these terms, because it rests on "
        f"{first.source.name}: {first.text}{more}",
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
    closure = lineage.rests_on([manifest.id])
    for unreadable in filter(repository.is_logged, closure.absent):
        raise lineage.failed[unreadable]
    return lineage, closure


def _is_of_others(repository: Repository, source: Manifest, issuer: str) -> bool:
    """Return whether a source is not the issuer's own data, or rests on data of others.

    A delivery that the issuer imported from another store of its own stays its own data.

    ATTACK A114: bought data is passed through a second store of the buyer.
    """
    if source.body.get("origin") != "imported":
        return False
    delivered = source.attachments_in("foreign-credential")
    if not delivered:
        return True
    try:
        credential = OpenedCredential(repository.blobs.read(delivered[0].id, max_bytes=MAX_READ))
    except LyrikstoreError:
        return True
    return credential.issuer != issuer or rests_on_others(credential.document)


class _Wanted(Struct, frozen=True):
    """An offer of a dataset, and the moment when another party gets the data, or None."""

    repository: Repository
    manifest: Manifest
    terms: Terms
    until: datetime | None
    redistributed: datetime | None

    def find(self, source: Manifest, terms: TermSource) -> FirstPublisher | _Missing:
        """Return the publisher of a source if it permits the offer, or why it does not."""
        reasons: list[_Missing] = []
        for grant in (None, *terms.grants):
            if grant is not None and not terms.lets_count(grant):
                continue
            answer = self._permitted_by(source, terms, grant)
            if isinstance(answer, FirstPublisher):
                return answer
            reasons.append(answer)
        return reasons[-1]  # the reason why a grant does not suffice helps most

    def _permitted_by(
        self, source: Manifest, terms: TermSource, held: HeldGrant | None
    ) -> FirstPublisher | _Missing:
        verdict, note = (terms.verdict, terms.note) if held is None else (held.verdict, held.note)
        if terms.terms is None or terms.credential is None or terms.issuer is None:
            text = f"its publisher's terms are not known: {terms.problem}"
            return _Missing(source, "unknown", text, _IMPORT, terms.issuer)
        if verdict is not Verdict.TRUSTED:
            what = f"its publisher's {'terms' if held is None else 'grant'}"
            text = f"{what} cannot be relied on: {note or verdict}"
            hint = f"if you know who that is: lyrikstore trust add {terms.issuer} --name NICKNAME"
            return _Missing(source, str(verdict), text, hint, terms.issuer)
        credential = self._read(Digest.parse(terms.credential))
        grant = None if held is None else self._read(Digest.parse(held.credential))
        if grant is not None:
            named = SiblingFiles.unnamed(self._logged(source)).terms_of(grant)
            if named is None:
                text = "the dataset credential under which its publisher granted is not here"
                return _Missing(source, "unknown", text, _IMPORT, terms.issuer)
            credential = named
        bound = _bound(terms, credential, held, grant)
        if self.redistributed is not None and bound.lacks([REDISTRIBUTE]):
            text = f"{terms.issuer} does not permit to {REDISTRIBUTE} it"
            return _Missing(source, "not-permitted", text, _ask(credential), terms.issuer)
        if self.redistributed is not None and not bound.is_open(self.redistributed):
            text = f"{terms.issuer} does not permit to {REDISTRIBUTE} it at this time"
            return _Missing(source, "not-permitted", text, _ask(credential), terms.issuer)
        shared = self._shared(source, credential)
        first = FirstPublisher(source, terms.name, terms.issuer, credential, grant, bound, shared)
        offered, end, problem = self.held_to([first])
        problem = problem or bound.exceeded_by(offered, _text(end), shared)
        if problem is None:
            return first
        text = f"by the terms of {terms.issuer}, {problem}"
        return _Missing(source, "exceeds", text, _hint(bound), terms.issuer)

    def held_to(
        self, publishers: Sequence[FirstPublisher]
    ) -> tuple[Terms, datetime | None, str | None]:
        """Return the terms with all demands of these publishers, their end, and None.

        If the demands conflict: the terms and end unchanged, and the description of the conflict.
        """
        parts = []
        for part in self.terms.partitions:
            demands = _demands(part, publishers)
            for conflict in demands.conflicts:
                if conflict.kind != "share-alike":  # the words of the terms name that licence
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


_IMPORT = "import the delivery of its publisher: lyrikstore import DELIVERY"


def _ask(credential: OpenedCredential) -> str:
    short = credential.digest.short
    return (
        f"ask its publisher to run: lyrikstore grant {short} --to YOUR-DID --permit "
        f"…,{REDISTRIBUTE}; or to issue a credential that permits it. Then import the result"
    )


def _hint(bound: TermsBound) -> str:
    permits = ",".join(word for word in bound.partitions[0].permits if not bound.lacks([word]))
    return f"keep within its terms, which lyrikstore terms shows: --permit {permits or '(none)'}"


def _bound(
    terms: TermSource,
    credential: OpenedCredential,
    held: HeldGrant | None,
    grant: OpenedCredential | None,
) -> TermsBound:
    ends = [(signed.document or {}).get("validUntil") for signed in (credential, grant) if signed]
    until = min((end for end in ends if isinstance(end, str)), default=None)
    if held is None or grant is None or grant.document is None:
        return TermsBound(terms.partitions, until)
    stated = Grant.of(grant.document["credentialSubject"])
    return TermsBound(held.partitions, until, stated.requires, held.limits)


def _demands(part: Partition, publishers: Sequence[FirstPublisher]) -> Mix:
    """Return the duties and limits that all these publishers demand for the files of ``part``."""
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
    added: list[str] = []
    for old, new in zip(before.partitions, after.partitions, strict=True):
        added += [f"requires {word}" for word in new.requires if word not in old.requires]
        added += [f"prohibits {word}" for word in new.prohibits if word not in old.prohibits]
        limits, mine = new.limits.to_json(), old.limits.to_json()
        added += [f"limits {name}" for name in limits if name not in mine and name != "type"]
    if end is not None and end != until:
        added.append(f"ends {format_timestamp(end)}")
    return tuple(dict.fromkeys(added))


def _text(end: datetime | None) -> str | None:
    return None if end is None else format_timestamp(end)
