"""Where the terms of a mix come from: credentials in files, or those logged about a dataset."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.credentials.attestation.anykind import stated_kind
from lyrikstore.credentials.credentialcheck import CREDENTIAL_CHECKS, check_credential
from lyrikstore.credentials.licensed import published
from lyrikstore.credentials.memorycheck import check_remembered
from lyrikstore.credentials.report import TRUST_CHECKS, Check, CheckState, Verdict, decide
from lyrikstore.credentials.statuscheck import Notices, logged_notices
from lyrikstore.credentials.terms.mix import Source
from lyrikstore.credentials.terms.usage import partitions_used
from lyrikstore.credentials.trust import Trust
from lyrikstore.credentials.vcdm import DATASET, GRANT
from lyrikstore.curate.rights import source_datasets
from lyrikstore.history.manifest import Manifest
from lyrikstore.history.repository import Repository


def source_of_file(
    label: str, data: bytes, beside: Mapping[str, bytes], *, trust: Trust, at: datetime
) -> Source:
    """Return what a credential in a file contributes to a mix.

    Args:
        label: What to call it where it does not say itself.
        data: The credential's bytes.
        beside: File name → the files beside it: status lists, successors, and the policies that
            say what became of the issuer's key.
        trust: Whom the user believes.
        at: The moment of use.

    Raises:
        InvalidInputError: (``not-a-credential``) it does not even say that it is a dataset
            credential. One that says so and does not hold leaves all unknown.
    """
    kind = stated_kind(data)
    if kind is GRANT:
        raise InvalidInputError(
            "not-a-credential",
            f"{label} is a licence grant: terms are what everybody may do",
            hint="lyrikstore verify says what it grants to whom; a run counts it once it is "
            "imported: docs/grants.md",
        )
    if kind is not DATASET:
        raise InvalidInputError(
            "not-a-credential",
            f"{label} is no dataset credential of lyrikstore's: it states no terms",
            hint="name the credential.json of a delivery, the delivery's folder, or a dataset",
        )
    return _source(label, data, trust=trust, at=at, notices=Notices.among(beside.values()))


def _source(label: str, data: bytes, *, trust: Trust, at: datetime, notices: Notices) -> Source:
    outcome = check_credential(data, trust=trust, at=at, notices=notices)
    claims, checks = outcome.claims, (*outcome.checks, outcome.check_key(notices))
    verdict = decide(checks, (*CREDENTIAL_CHECKS, "issuer.key"))
    why = _decisive(checks)
    if claims is None or not outcome.genuine:  # what it says is nobody's word
        return Source(label, None, why, verdict=verdict)
    known = Source(
        claims.name,
        claims.terms,
        credential=str(Digest.of(data)),
        issuer=outcome.issuer,
        verdict=verdict,
    )
    if verdict is Verdict.INVALID:
        return replace(known, terms=None, problem=why)
    return replace(known, note=why)


def _decisive(checks: Iterable[Check]) -> str:
    """Return why a credential is not trusted, or an empty text."""
    for state in (CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN):
        for check in checks:
            if check.state is state and (state is not CheckState.WARN or check.id in TRUST_CHECKS):
                return check.summary
    return ""


def sources_of_datasets(
    repository: Repository, datasets: Sequence[Manifest], *, trust: Trust, at: datetime
) -> list[Source]:
    """Return what the sources of datasets in a store contribute to a mix.

    For each source the newest credential counts that holds and is in force; one by an issuer whom
    the user believes goes before any other.

    Args:
        repository: The store.
        datasets: What is used; filtered datasets use the partitions whose files they kept.
        trust: Whom the user believes.
        at: The moment of use.

    Raises:
        NotFoundError, IncompleteError: A dataset on the way cannot be followed.
    """
    notices = logged_notices(repository)
    log = check_remembered(repository, repository.checkpoint, repository.records, repository.memory)
    return [
        _as_of(log, _logged(repository, source, datasets, trust, at, notices))
        for source in source_datasets(repository, datasets)
    ]


def _as_of(log: Check, source: Source) -> Source:
    # What is missing from the log could take any credential back.
    if log.state is CheckState.FAIL:
        return replace(source, terms=None, problem=log.summary, verdict=Verdict.INVALID)
    if log.state is CheckState.UNCHECKED and source.verdict is not Verdict.INVALID:
        return replace(source, note=log.summary, verdict=Verdict.INCOMPLETE)
    return source


def _logged(
    repository: Repository,
    source: Manifest,
    datasets: Sequence[Manifest],
    trust: Trust,
    at: datetime,
    notices: Notices,
) -> Source:
    candidates = list(_candidates(repository, source, trust, at, notices))
    sound = [item for item in candidates if item.terms is not None]
    best = next(
        (item for item in sound if item.verdict is Verdict.TRUSTED), sound[0] if sound else None
    )
    if best is None or best.terms is None:
        return candidates[0] if candidates else Source(source.name, None, "it has no credential")
    used = partitions_used(
        best.terms,
        source,
        datasets,
        manifest_of=repository.manifest,
        tree_of=repository.tree,
    )
    return replace(best, used=used)


def _candidates(
    repository: Repository, source: Manifest, trust: Trust, at: datetime, notices: Notices
) -> Iterable[Source]:
    try:
        about = published(repository, source)
    except LyrikstoreError as error:
        yield Source(source.name, None, f"whose it is cannot be read: {error.message}")
        return
    for entry in reversed(repository.credentials_about(about.manifest)):
        try:
            data = repository.credential(entry.id)
        except LyrikstoreError as error:
            yield Source(source.name, None, f"its credential cannot be read: {error.message}")
            continue
        if stated_kind(data) is not DATASET:  # what others attest or were granted
            continue
        if repository.is_suspect(data, entry.index):
            problem = "its credential is by a key compromised by then"
            yield Source(source.name, None, problem, verdict=Verdict.INVALID)
            continue
        outcome = check_credential(data, trust=trust, at=at, notices=notices)
        if outcome.claims is not None and not about.is_meant(outcome.claims):
            problem = "its credential is about something else"  # attack case A44
            yield Source(source.name, None, problem, verdict=Verdict.INVALID)
            continue
        yield _source(source.name, data, trust=trust, at=at, notices=notices)
