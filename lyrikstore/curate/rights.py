"""Use rights: whether a purpose is allowed over everything a dataset was made from.

Default deny (spec §12.7). A licence identifier alone permits nothing; a derived
dataset may be used for what all of its sources may be used for.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, PolicyError
from lyrikstore.canon.grammar import counted
from lyrikstore.canon.jsontext import parse
from lyrikstore.credentials.attestation.anykind import stated_kind
from lyrikstore.credentials.beside import Beside
from lyrikstore.credentials.credentialcheck import CheckedCredential, check_credential
from lyrikstore.credentials.issuercheck import is_named_by_a_copy_alone
from lyrikstore.credentials.licensed import Published, judge_grant, published
from lyrikstore.credentials.memorycheck import check_remembered
from lyrikstore.credentials.report import Check, CheckState
from lyrikstore.credentials.statuscheck import Notices, logged_notices
from lyrikstore.credentials.terms.model import NOT_DECLARED, Answer, Terms, Use
from lyrikstore.credentials.terms.usage import partitions_used
from lyrikstore.credentials.trust import Trust
from lyrikstore.credentials.vcdm import ATTESTATION, GRANT, Claims
from lyrikstore.history.logview import LoggedEntry
from lyrikstore.history.manifest import Manifest
from lyrikstore.history.repository import Repository

_NOT_NAMED = "whom your trust file does not name as a publisher of it"
_UNPINNED = "you pinned no document of that organisation, which would list your key"
_FINE = (CheckState.PASS, CheckState.NOT_APPLICABLE)


class Right(Struct, frozen=True):
    """One source dataset, and the credential that allows its use.

    Attributes:
        dataset: The source version.
        name: Its name.
        credential: The logged credential.
        issuer: Who grants.
        permits: All that it permits with the partitions in question.
        partitions: Their names, where the credential has several.
        grant: The licence grant to the user that allows it, where the credential alone does not.
        valid_until: End of its validity, or ``None``.
    """

    dataset: Digest
    name: str
    credential: Digest
    issuer: str
    permits: tuple[str, ...]
    valid_until: str | None
    partitions: tuple[str, ...] = ()
    grant: Digest | None = None

    def to_json(self) -> dict[str, object]:
        """Return the right as run manifests record it."""
        members: dict[str, object] = {
            "dataset": str(self.dataset),
            "credential": str(self.credential),
            "issuer": self.issuer,
            "permits": list(self.permits),
        }
        if self.valid_until is not None:
            members["validUntil"] = self.valid_until
        if self.partitions:
            members["partitions"] = list(self.partitions)
        if self.grant is not None:
            members["grant"] = str(self.grant)
        return members


def source_datasets(repository: Repository, datasets: Iterable[Manifest]) -> list[Manifest]:
    """Return the datasets without dataset inputs that ``datasets`` rest on, each once.

    Raises:
        NotFoundError, IncompleteError: one on the way cannot be followed; what cannot be followed
            is never taken for permitted.
    """
    sources: dict[Digest, Manifest] = {}
    seen: set[Digest] = set()
    pending = list(datasets)
    while pending:
        manifest = pending.pop(0)
        if manifest.id in seen:
            continue
        seen.add(manifest.id)
        inner = [item.id for item in manifest.inputs if item.kind == "dataset"]
        if not inner:
            sources[manifest.id] = manifest
        pending += [repository.manifest(identity) for identity in inner]
    return list(sources.values())


def check_rights(
    repository: Repository,
    datasets: Sequence[Manifest],
    use: Use,
    *,
    trust: Trust,
    user: str | None = None,
) -> list[Right]:
    """Return the rights that allow ``use`` for every source of ``datasets``.

    Args:
        repository: The store; its log holds the credentials.
        datasets: Dataset manifests, derived or not.
        use: What is wanted, and as of when.
        trust: Whom the caller believes.
        user: DID of who uses them, for whom licence grants count; None: for nobody.

    Raises:
        PolicyError: (``rights-missing``) a source lacks such a credential; the message names the
            source and what is missing, the hint the command that would mend it. (``log-behind``)
            the log is not all that this user has seen of it: what is missing could take any
            right back.

    Cost: one signature verification per credential about a source.
    """
    _check_log(repository)
    rights: list[Right] = []
    judge = _Judge(repository, datasets, use, trust, logged_notices(repository), user)
    purpose = " and ".join(use.acts)
    missing: list[tuple[Manifest, str]] = []
    for source in source_datasets(repository, datasets):
        right, reason = judge.right(source)
        if right is not None:
            rights.append(right)
        else:
            missing.append((source, reason))
    if missing:
        source, reason = missing[0]
        more = f" (and {counted(len(missing) - 1, 'more dataset')})" if len(missing) > 1 else ""
        raise PolicyError(
            "rights-missing",
            f"{source.name} ({source.id.short}) may not be used to {purpose}: {reason}{more}",
            hint=_way(repository, source, use, reason),
            details={
                "purpose": list(use.acts),
                "missing": [
                    {"dataset": str(item.id), "name": item.name, "reason": why}
                    for item, why in missing
                ],
            },
        )
    return rights


def _check_log(repository: Repository) -> None:
    # ATTACK: whoever holds a clone puts the home log back to before a revocation. Nobody appends
    # to that log here, so nothing else would tell.
    log, memory = (repository.checkpoint, repository.records), repository.memory
    check = check_remembered(repository, *log, memory)
    if check.state not in _FINE:
        raise PolicyError(
            "log-behind",
            f"the log here is not all that was seen of it: {check.summary}",
            hint="lyrikstore pull brings a clone up to its home; lyrikstore verify says more",
        )


def _way(repository: Repository, source: Manifest, use: Use, reason: str) -> str:
    if NOT_DECLARED in reason:
        return "say so in [use] of the configuration: territory, seats, purposes"
    if _UNPINNED in reason:
        return "pin the one it publishes: lyrikstore trust add did:web:… --document FILE"
    if _NOT_NAMED in reason:
        issuer = reason.partition("is by ")[2].partition(",")[0]
        return (
            "if you know from another source who that is: "
            f"lyrikstore trust add {issuer} --name NICKNAME"
        )
    version = published(repository, source).manifest  # as its publisher knows it
    return (
        f"its publisher says so with: lyrikstore issue {version.hex} "
        f"-o DELIVERY --permit {','.join(use.acts)} --valid-for 365d"
    )


class _Judge(Struct, frozen=True):
    repository: Repository
    datasets: Sequence[Manifest]
    use: Use
    trust: Trust
    notices: Notices
    user: str | None

    def right(self, source: Manifest) -> tuple[Right | None, str]:
        """Return the right to use ``source``, or None and why there is none."""
        about = published(self.repository, source)
        reasons: list[str] = []  # newest credential first: what it lacks is what must be mended
        grants: list[tuple[LoggedEntry, bytes]] = []
        others: list[bytes] = []
        for entry in reversed(self.repository.credentials_about(about.manifest)):
            try:
                data = self.repository.credential(entry.id)
            except LyrikstoreError as error:
                reasons.append(f"credential {entry.id.short} cannot be read ({error.message})")
                continue
            kind = stated_kind(data)
            if self.repository.is_suspect(data, entry.index):
                # ATTACK: a thief issues terms for an organisation, whose other key grants on them.
                reasons.append(f"credential {entry.id.short} is by a key compromised by then")
                continue
            others.append(data)
            if kind is GRANT:
                grants.append((entry, data))
            elif kind is not ATTESTATION:  # what others attest gives nobody a right
                right, fault = self._by_credential(entry.id, data, source, about)
                if right is not None:
                    return right, ""
                reasons.append(f"credential {entry.id.short} {fault}")
        beside = Beside.unnamed(others)
        for entry, data in reversed(grants):
            right, fault = self._by_grant(entry.id, data, beside, source, about)
            if right is not None:
                return right, ""
            if fault:  # a grant to this user that does not suffice says most; the newest first
                reasons.insert(0, f"grant {entry.id.short} {fault}")
        return None, reasons[0] if reasons else "no credential about it is logged here"

    def _by_credential(
        self, identity: Digest, data: bytes, source: Manifest, about: Published
    ) -> tuple[Right | None, str]:
        outcome = check_credential(data, trust=self.trust, at=self.use.at, notices=self.notices)
        claims, issuer = outcome.claims, outcome.issuer
        if not outcome.genuine or claims is None or issuer is None:
            return None, "does not hold"
        used = self._used(source, claims.terms)
        fault = self._fault(outcome, claims, about, used)
        if fault is not None:
            return None, fault
        return Right(
            source.id,
            source.name,
            identity,
            issuer,
            Terms(claims.terms.named(used)).permits,
            _valid_until(data),
            used if len(claims.terms.partitions) > 1 else (),
        ), ""

    def _by_grant(
        self, identity: Digest, data: bytes, beside: Beside, source: Manifest, about: Published
    ) -> tuple[Right | None, str]:
        terms = beside.terms_of(data)
        if self.user is None:
            return None, ""
        if terms is None:
            return None, "rests on terms that are not logged here, or by a key compromised by then"
        found = judge_grant(
            data,
            terms,
            about,
            self.use,
            lambda stated: self._used(source, stated),
            holder=self.user,
            trust=self.trust,
            notices=self.notices,
        )
        holder = found.check("grant.holder")
        if found.grant is None or holder.state is CheckState.FAIL:
            return None, ""
        fault = found.fault
        if not fault and holder.state is not CheckState.PASS:
            fault = f"is for {found.grant.holder}; {_UNPINNED}"
        copied = found.check("issuer.document")
        if not fault and is_named_by_a_copy_alone(copied):
            fault = _not_believed(copied)
        for name in ("trust.issuer", "issuer.key", "status", "grant.terms"):
            check = found.check(name)
            replaced = name == "grant.terms" and check.state is CheckState.WARN
            if not fault and check.state not in _FINE and not replaced:
                fault = f"is not in force: {check.summary}"
        if fault or found.outcome.envelope.issuer is None:
            return None, fault
        return Right(
            source.id,
            source.name,
            Digest.of(terms),
            found.outcome.envelope.issuer,
            found.permits,
            _valid_until(data),
            grant=identity,
        ), ""

    def _used(self, source: Manifest, terms: Terms) -> tuple[str, ...]:
        return partitions_used(
            terms,
            source,
            self.datasets,
            manifest_of=self.repository.manifest,
            tree_of=self.repository.tree,
        )

    def _fault(
        self, outcome: CheckedCredential, claims: Claims, about: Published, used: tuple[str, ...]
    ) -> str | None:
        if not about.is_meant(claims):
            return "is about something else"  # attack case A44
        answer, reason = claims.terms.judge(self.use, used)
        if answer is not Answer.PERMITTED:
            permitted = ", ".join(Terms(claims.terms.named(used)).permits) or "nothing"
            return f"permits {permitted}; {reason}"
        checks = {check.id: check for check in outcome.checks}
        for name in ("period", "status", "terms", "trust.allowed"):
            check = checks[name]
            if check.state not in _FINE:
                return f"is not in force: {check.summary}"
        if is_named_by_a_copy_alone(checks["issuer.document"]):
            return _not_believed(checks["issuer.document"])
        key = outcome.check_key(self.notices)
        if key.state in {CheckState.FAIL, CheckState.UNCHECKED}:
            return f"does not count: {key.summary}"
        if checks["trust.issuer"].state is not CheckState.PASS:
            return f"is by {outcome.issuer}, {_NOT_NAMED}"
        return None


def _not_believed(document: Check) -> str:
    return f"is not believed: {document.summary}; pin its own: lyrikstore trust add --document"


def _valid_until(data: bytes) -> str | None:
    value = parse(data).get("validUntil")
    return value if isinstance(value, str) else None
