"""Importing credentials of others about what this store holds (spec §20.7).

They are logged byte for byte, which does not make them trusted: the log states that the store has
them, and only the trust file decides which issuers are believed.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.canon.json import JSON
from lyrikstore.context import StoreContext
from lyrikstore.credentials.did import documents_among
from lyrikstore.credentials.model.credential import ATTESTATION, GRANT
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.redistribution import credentials_pinned
from lyrikstore.credentials.model.status_list import StatusList
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.status.status_registry import StatusRegistry, current_registry
from lyrikstore.verify.credential.any_kind import check_any
from lyrikstore.verify.credential.envelope import keys_for
from lyrikstore.verify.credential.issuer_key import statements_needed
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import CheckState, check_of, first_in
from lyrikstore.verify.store.statements.opinions import OpinionsHere

OpenedFiles = Mapping[str, OpenedCredential]
"""File name → the file."""

_WHAT = "see what the file is: lyrikstore verify FILE"


class ImportResult(Struct, frozen=True):
    """The result of an import.

    Attributes:
        logged: Credentials, status lists and DID documents that were logged now, in this order.
        known: Credentials that were logged before.
        manifest: The imported dataset, or None if only credentials were imported.
        new: Whether that dataset is a new version.
        skipped: File name → why it was skipped, for files of an imported folder that do not belong
            to it, or do not verify.
    """

    logged: tuple[Digest, ...]
    known: tuple[Digest, ...]
    manifest: Manifest | None = None
    new: bool = False
    skipped: Mapping[str, LyrikstoreError] = field(default_factory=dict)


class Content(Struct, frozen=True):
    """The datasets and models of a store, by their ids.

    Attributes:
        trees: Tree id and files id of each dataset.
        manifests: Ids of the datasets' manifests.
        subjects: Tree id, files id, manifest id and name of each dataset and model.
    """

    trees: frozenset[tuple[str, str]]
    manifests: frozenset[str]
    subjects: frozenset[tuple[str, str, str, str]] = frozenset()

    @classmethod
    def of(cls, repository: Repository, *more: Manifest) -> "Content":
        """Return the datasets and models of a store, and ``more`` that are about to be logged.

        Cost: one read and one signature per manifest not read before.
        """
        every = [one for _, one in repository.all_manifests()]
        datasets = [one for one in every if one.kind == "dataset"]
        trees = [
            (one.tree.urn, one.files.urn)
            for one in (*datasets, *more)
            if one.tree is not None and one.files is not None
        ]
        subjects = [
            (one.tree.urn, one.files.urn, one.id.urn, one.name)
            for one in (*every, *more)
            if one.tree is not None and one.files is not None
        ]
        manifests = frozenset(one.id.urn for one in (*datasets, *more))
        return cls(frozenset(trees), manifests, frozenset(subjects))

    def has(self, subject: Mapping[str, JSON]) -> bool:
        """Return whether the subject of a credential is one of these datasets or models."""
        attestation = subject.get("attestation")
        if isinstance(attestation, dict) and "log" in attestation:
            return True  # OpinionsHere compares it with the store
        if isinstance(attestation, dict) and "card" in attestation:
            ids = tuple(subject.get(name) for name in ("id", "files", "manifest", "name"))
            return ids in self.subjects
        grant = subject.get("grant")
        about = grant["dataset"] if isinstance(grant, dict) else subject
        return (about.get("id"), about.get("files")) in self.trees


def import_credentials(
    context: StoreContext,
    wanted: Mapping[str, bytes],
    siblings: Mapping[str, bytes],
    *,
    attestations: bool = False,
) -> ImportResult:
    """Log credentials of others about datasets of this store, and their status lists.

    Args:
        context: The store, opened to append. Only pinned DID documents of its trust file are used:
            whether an issuer is believed does not matter.
        wanted: File name → credential or status list.
        siblings: File name → files next to them; only status lists, DID documents and key
            statements that the credentials need are imported.
        attestations: Whether attestations and grants among the siblings are imported too, if they
            verify.

    Raises:
        VerificationError: (``does-not-verify``) a file does not verify, or is no longer in force.
        NotFoundError: (``unknown-content``) a file is about a dataset that is not in the store.
        InvalidInputError: (``not-a-credential``) a file is no credential.
        IncompleteError: (``unproven-policy``, ``too-many-stores``, ``too-many-policies``) the key
            statements about its key cannot be evaluated.
    """
    context.signer()  # which may bring the log up to date
    repository = context.repository
    content = Content.of(repository)
    skipped: dict[str, LyrikstoreError] = {}
    named, beside = open_files(wanted), open_files(siblings)
    others = attestations_among(beside) if attestations else {}
    accepted = list(accept(context, named, others, beside, skipped, content, context.clock()))
    ids = [credential.digest for credential in (*named.values(), *others.values())]
    known = tuple(identity for identity in ids if repository.is_logged(identity, "credential"))
    if not accepted:
        return ImportResult((), known, skipped=skipped)
    with open_transaction(repository) as transaction:
        logged = tuple(transaction.log_credential(data) for data in accepted)
        transaction.commit()
    return ImportResult(logged, known, skipped=skipped)


def open_files(files: Mapping[str, bytes]) -> dict[str, OpenedCredential]:
    """Parse files as credentials, by file name; malformed ones are kept unparsed."""
    return {name: OpenedCredential(data) for name, data in files.items()}


def accept(
    context: StoreContext,
    wanted: OpenedFiles,
    found: OpenedFiles,
    siblings: OpenedFiles,
    skipped: dict[str, LyrikstoreError],
    content: Content,
    at: datetime,
    carried: OpenedFiles | None = None,
) -> Iterator[bytes]:
    """Yield the bytes to log of ``wanted``, ``found``, ``carried`` and ``siblings``.

    Files of ``found`` and ``carried`` that are refused are added to ``skipped`` with the error.
    ``carried`` are the credentials that ``wanted`` rest on; they may be about any dataset.
    """
    repository, trust = context.repository, context.trust
    registry = current_registry(repository)
    status_updates = StatusUpdates.among([*wanted.values(), *siblings.values()])
    yielded: set[Digest] = set()
    carried = carried or {}
    for name, opened in {**found, **carried, **wanted}.items():
        about = None if name in carried else content
        try:
            needed = list(
                _accepted(
                    repository, registry, name, opened, siblings, about, trust, at, status_updates
                )
            )
        except (
            *(FormatError, IncompleteError, InvalidInputError),
            *(NotFoundError, VerificationError),
        ) as error:
            if name in wanted:
                raise
            skipped[name] = error
            continue
        for data in needed:
            identity = Digest.of(data)
            if identity not in yielded and not repository.is_logged(identity, "credential"):
                yielded.add(identity)
                yield data


def _accepted(
    repository: Repository,
    registry: StatusRegistry,
    name: str,
    opened: OpenedCredential,
    siblings: OpenedFiles,
    content: Content | None,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates,
) -> Iterator[bytes]:
    """Yield a credential or status list, and the sibling files that it needs."""
    known = repository.is_logged(opened.digest, "credential")
    if opened.list_url is not None:
        if not known:
            _require_named(name, opened, registry)
            _require_newer(name, opened, registry, trust, at, status_updates)
            yield opened.data
        return
    if not known:  # a logged credential is not verified again; its siblings may be new
        _check(repository, name, opened, content, trust, at, status_updates)
    yield opened.data
    yield from _needed(opened, siblings.values(), registry, trust, at, status_updates)
    yield from statements_needed(opened, status_updates.statements)


def attestations_among(files: OpenedFiles) -> dict[str, OpenedCredential]:
    """Return those of ``files`` that claim to be attestations or grants."""
    return {name: one for name, one in files.items() if one.kind in {ATTESTATION, GRANT}}


def carried_among(credential: OpenedCredential, files: OpenedFiles) -> OpenedFiles:
    """Return the credentials among ``files`` that a dataset credential rests on, transitively."""
    names = {opened.digest: name for name, opened in files.items()}
    carried: dict[str, OpenedCredential] = {}
    pending = [credential]
    while pending:
        for digest in credentials_pinned(pending.pop().document):
            name = names.get(digest)
            if name is not None and name not in carried:
                carried[name] = files[name]
                pending.append(files[name])
    return carried


def _check(
    repository: Repository,
    name: str,
    opened: OpenedCredential,
    content: Content | None,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates,
) -> None:
    try:
        document = opened.parsed().members
    except FormatError as error:
        raise InvalidInputError(
            "not-a-credential", f"{name}: {error.message}", hint=_WHAT
        ) from None
    if opened.kind is None:
        raise InvalidInputError(
            "not-a-credential",
            f"{name} is not an attestation, grant, dataset credential or status list of lyrikstore",
            hint=_WHAT,
        )
    here = OpinionsHere(repository)
    checks, _ = check_any(opened, trust=trust, at=at, status_updates=status_updates, here=here)
    failed = first_in(checks, CheckState.FAIL)
    if failed is not None:
        raise VerificationError(
            "does-not-verify", f"{name} does not verify: {failed.id}: {failed.summary[:500]}"
        )
    said = next((check for check in checks if check.id == "attestation"), None)
    if said is not None and said.state is CheckState.UNCHECKED:
        raise VerificationError(
            "does-not-verify",
            f"{name} does not verify: attestation: {said.summary}",
            hint="lyrikstore pull, then import it again",
        )
    proof = check_of(checks, "proof")
    if proof.state is not CheckState.PASS:
        raise VerificationError(
            "does-not-verify", f"{name} does not verify: proof: {proof.summary[:500]}"
        )
    if content is not None and not content.has(document["credentialSubject"]):
        raise NotFoundError(
            "unknown-content",
            f"{name} is about a dataset or model that is not in this store",
            hint="import its delivery first",
        )


def _needed(
    opened: OpenedCredential,
    siblings: Iterable[OpenedCredential],
    registry: StatusRegistry,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates,
) -> Iterator[bytes]:
    issuer, urls = opened.issuer, {entry.url for entry in opened.entries}
    for one in siblings:
        if documents_among([one.data], issuer):
            yield one.data
        if one.list_url in urls:
            with suppress(LyrikstoreError):  # the sibling may be any file with that URL
                if _read_list(one, trust, at, status_updates).issuer == issuer:
                    _require_newer("", one, registry, trust, at, status_updates)
                    yield one.data


def _require_named(name: str, opened: OpenedCredential, registry: StatusRegistry) -> None:
    url = opened.list_url
    owners = {one.issuer for one in registry.issued for entry in one.entries if entry.url == url}
    if not owners:
        raise NotFoundError(
            "unknown-content",
            f"{name} is a status list that no credential in this store names",
            hint="import the credential first",
        )
    if opened.issuer not in owners:
        raise VerificationError(
            "does-not-verify", f"{name} is a status list of another issuer than its credentials"
        )


def _require_newer(
    name: str,
    opened: OpenedCredential,
    registry: StatusRegistry,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates,
) -> None:
    new = _read_list(opened, trust, at, status_updates)
    before = registry.lists.get((new.url, new.issuer))
    if before is not None and new.valid_from <= before.content.valid_from:
        raise VerificationError(
            "does-not-verify", f"{name} is not newer than the status list in this store"
        )


def _read_list(
    opened: OpenedCredential, trust: Trust, at: datetime, status_updates: StatusUpdates
) -> StatusList:
    return StatusList.of(opened, keys_for(trust, status_updates, at))
