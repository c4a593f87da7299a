"""Use rights: whether a purpose is allowed over everything a dataset was made from.

Default deny (spec/12-curation.md §12.7). A licence identifier alone permits nothing; a derived
dataset may be used for what all of its sources may be used for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, PolicyError
from lyrikstore.credentials.credentialcheck import CheckedCredential, check_credential
from lyrikstore.credentials.report import CheckState
from lyrikstore.credentials.statuscheck import Notices, logged_notices
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
        permits: All it permits.
        valid_until: End of its validity, or ``None``.
    """

    dataset: Digest
    name: str
    credential: Digest
    issuer: str
    permits: tuple[str, ...]
    valid_until: str | None

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
    datasets: Iterable[Manifest],
    purpose: str,
    *,
    trust: Trust,
    at: datetime,
) -> list[Right]:
    """Return the rights that allow ``purpose`` for every source of ``datasets``.

    Args:
        repository: The store; its log holds the credentials.
        datasets: Dataset manifests, derived or not.
        purpose: A word of credentials' ``permits``, such as ``train``.
        trust: Whom the caller believes.
        at: The moment of use.

    Raises:
        PolicyError: (``rights-missing``) a source lacks such a credential; the message names the
            source and what is missing, the hint the command that would mend it.

    Cost: one signature verification per credential about a source.
    """
    rights: list[Right] = []
    notices = logged_notices(repository)
    missing: list[tuple[Manifest, str]] = []
    for source in source_datasets(repository, datasets):
        right, reason = _right(repository, source, purpose, trust, at, notices)
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
            f"-o DELIVERY --permit {purpose} --valid-for 365d",
            details={
                "purpose": purpose,
                "missing": [
                    {"dataset": str(item.id), "name": item.name, "reason": why}
                    for item, why in missing
                ],
            },
        )
    return rights


def _right(
    repository: Repository,
    source: Manifest,
    purpose: str,
    trust: Trust,
    at: datetime,
    notices: Notices,
) -> tuple[Right | None, str]:
    reasons: list[str] = []  # newest credential first: what it lacks is what must be mended
    for entry in reversed(repository.credentials_about(source.id)):
        try:
            data = repository.credential(entry.id)
        except LyrikstoreError as error:
            reasons.append(f"credential {entry.id.short} cannot be read ({error.message})")
            continue
        outcome = check_credential(data, trust=trust, at=at, notices=notices)
        fault = _fault(outcome, source, purpose, trust, at)
        if fault is None and outcome.claims is not None and outcome.issuer is not None:
            return (
                Right(
                    source.id,
                    source.name,
                    entry.id,
                    outcome.issuer,
                    outcome.claims.permits,
                    _valid_until(data),
                ),
                "",
            )
        reasons.append(f"credential {entry.id.short} {fault}")
    return None, reasons[0] if reasons else "no credential about it is logged here"


def _fault(
    outcome: CheckedCredential, source: Manifest, purpose: str, trust: Trust, at: datetime
) -> str | None:
    checks = {check.id: check for check in outcome.checks}
    claims = outcome.claims
    if not outcome.genuine or claims is None:
        return "does not hold"
    if claims.manifest != source.id or claims.tree != source.tree:
        return "is about something else"  # attack case A44
    if not claims.allows(purpose):
        return f"permits {', '.join(claims.permits) or 'nothing'}, not {purpose}"
    for name in ("period", "status", "terms"):
        check = checks[name]
        if check.state not in {CheckState.PASS, CheckState.NOT_APPLICABLE}:
            return f"is not in force: {check.summary}"
    believed = trust.matches(
        outcome.issuer or "", role="publisher", name=source.name, store=source.store, at=at
    )
    if believed is None:
        return f"is by {outcome.issuer}, whom your trust file does not name as a publisher of it"
    return None


def _valid_until(data: bytes) -> str | None:
    from lyrikstore.canon.jsontext import parse

    value = parse(data).get("validUntil")
    return value if isinstance(value, str) else None
