"""Use rights: whether a purpose is allowed over everything a dataset was made from.

Default deny (spec/12-curation.md §12.7). A licence identifier alone permits nothing; a derived
dataset may be used for what all of its sources may be used for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, PolicyError
from lyrikstore.canon.jsontext import parse
from lyrikstore.credentials.credentialcheck import CheckedCredential, Claims, check_credential
from lyrikstore.credentials.report import CheckState
from lyrikstore.credentials.statuscheck import Notices, logged_notices
from lyrikstore.credentials.terms.model import Answer, Terms, Use
from lyrikstore.credentials.terms.usage import partitions_used
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifest import Manifest
from lyrikstore.history.repository import Repository


@dataclass(frozen=True, slots=True)
class Right:
    """One source dataset, and the credential that allows its use.

    Attributes:
        dataset: The source version.
        name: Its name.
        credential: The logged credential.
        issuer: Who grants.
        permits: All that it permits with the partitions in question.
        partitions: Their names, where the credential has several.
        valid_until: End of its validity, or ``None``.
    """

    dataset: Digest
    name: str
    credential: Digest
    issuer: str
    permits: tuple[str, ...]
    valid_until: str | None
    partitions: tuple[str, ...] = ()

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
) -> list[Right]:
    """Return the rights that allow ``use`` for every source of ``datasets``.

    Args:
        repository: The store; its log holds the credentials.
        datasets: Dataset manifests, derived or not.
        use: What is wanted, and as of when.
        trust: Whom the caller believes.

    Raises:
        PolicyError: (``rights-missing``) a source lacks such a credential; the message names the
            source and what is missing, the hint the command that would mend it.

    Cost: one signature verification per credential about a source.
    """
    rights: list[Right] = []
    judge = _Judge(repository, datasets, use, trust, logged_notices(repository))
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
        more = f" (and {len(missing) - 1} more datasets)" if len(missing) > 1 else ""
        raise PolicyError(
            "rights-missing",
            f"{source.name} ({source.id.short}) may not be used to {purpose}: {reason}{more}",
            hint=f"its publisher says so with: lyrikstore issue {source.id.hex} "
            f"-o DELIVERY --permit {','.join(use.acts)} --valid-for 365d",
            details={
                "purpose": list(use.acts),
                "missing": [
                    {"dataset": str(item.id), "name": item.name, "reason": why}
                    for item, why in missing
                ],
            },
        )
    return rights


@dataclass(frozen=True, slots=True)
class _Judge:
    repository: Repository
    datasets: Sequence[Manifest]
    use: Use
    trust: Trust
    notices: Notices

    def right(self, source: Manifest) -> tuple[Right | None, str]:
        """Return the right to use ``source``, or None and why there is none."""
        reasons: list[str] = []  # newest credential first: what it lacks is what must be mended
        for entry in reversed(self.repository.credentials_about(source.id)):
            try:
                data = self.repository.credential(entry.id)
            except LyrikstoreError as error:
                reasons.append(f"credential {entry.id.short} cannot be read ({error.message})")
                continue
            outcome = check_credential(data, trust=self.trust, at=self.use.at, notices=self.notices)
            claims, issuer = outcome.claims, outcome.issuer
            if not outcome.genuine or claims is None or issuer is None:
                reasons.append(f"credential {entry.id.short} does not hold")
                continue
            used = partitions_used(
                claims.terms,
                source,
                self.datasets,
                manifest_of=self.repository.manifest,
                tree_of=self.repository.tree,
            )
            fault = self._fault(outcome, claims, source, used)
            if fault is None:
                terms = Terms(claims.terms.named(used))
                several = len(claims.terms.partitions) > 1
                right = Right(
                    source.id,
                    source.name,
                    entry.id,
                    issuer,
                    terms.permits,
                    _valid_until(data),
                    used if several else (),
                )
                return right, ""
            reasons.append(f"credential {entry.id.short} {fault}")
        return None, reasons[0] if reasons else "no credential about it is logged here"

    def _fault(
        self, outcome: CheckedCredential, claims: Claims, source: Manifest, used: tuple[str, ...]
    ) -> str | None:
        if claims.manifest != source.id or claims.tree != source.tree:
            return "is about something else"  # attack case A44
        answer, reason = claims.terms.judge(self.use, used)
        if answer is not Answer.PERMITTED:
            permitted = ", ".join(Terms(claims.terms.named(used)).permits) or "nothing"
            return f"permits {permitted}; {reason}"
        checks = {check.id: check for check in outcome.checks}
        for name in ("period", "status", "terms"):
            check = checks[name]
            if check.state not in {CheckState.PASS, CheckState.NOT_APPLICABLE}:
                return f"is not in force: {check.summary}"
        believed = self.trust.matches(
            outcome.issuer or "",
            role="publisher",
            name=source.name,
            store=source.store,
            at=self.use.at,
        )
        if believed is None:
            return (
                f"is by {outcome.issuer}, whom your trust file does not name as a publisher of it"
            )
        return None


def _valid_until(data: bytes) -> str | None:
    value = parse(data).get("validUntil")
    return value if isinstance(value, str) else None
