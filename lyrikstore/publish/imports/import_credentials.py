"""Importing credentials that others signed about a dataset that is here (spec §20.7).

It is logged byte-exact, and believed no more than before: the log says that this store has it, the
trust file says whether anybody listens.
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
from lyrikstore.canon.json import JSON, encode, parse
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.did import documents_among
from lyrikstore.credentials.model.credential import ATTESTATION, GRANT, issuer_of, kind_of
from lyrikstore.credentials.model.status_list import StatusList, list_url, status_entries
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.proofs.eddsa_jcs import signed_by
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.checkpoint import Leaf
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.status.book import StatusBook
from lyrikstore.verify.credential.any_kind import check_any
from lyrikstore.verify.credential.envelope import keys_for
from lyrikstore.verify.credential.issuer_key import check_key_by
from lyrikstore.verify.credential.key_statements import Statements
from lyrikstore.verify.credential.status import Notices
from lyrikstore.verify.report import SETTLED, CheckState, check_of, first_in

_WHAT = "lyrikstore verify FILE says what it is"


class ImportResult(Struct, frozen=True):
    """What was imported.

    Attributes:
        logged: Credentials, status lists and DID documents that were logged now, in this order.
        known: Credentials that were here already.
        manifest: The imported dataset, or None where none was.
        new: Whether that is a new version.
        skipped: File name → why it was skipped: what lay in a folder that was imported, and does
            not belong to it or does not hold.
    """

    logged: tuple[Digest, ...]
    known: tuple[Digest, ...]
    manifest: Manifest | None = None
    new: bool = False
    skipped: Mapping[str, LyrikstoreError] = field(default_factory=dict)


class Content(Struct, frozen=True):
    """The datasets that a store holds, by what they are.

    Attributes:
        trees: Tree id and files id of each.
        manifests: Their ids.
    """

    trees: frozenset[tuple[str, str]]
    manifests: frozenset[str]

    @classmethod
    def of(cls, repository: Repository, *more: Manifest) -> "Content":
        """Return the datasets of a store, and ``more`` that are about to be logged.

        Cost: one read and one signature per manifest not read before.
        """
        found = [one for _, one in repository.all_manifests() if one.kind == "dataset"]
        trees = [
            (one.tree.urn, one.files.urn)
            for one in (*found, *more)
            if one.tree is not None and one.files is not None
        ]
        return cls(frozenset(trees), frozenset(one.id.urn for one in (*found, *more)))

    def has(self, subject: Mapping[str, JSON]) -> bool:
        """Return whether a credential with this subject is about one of them."""
        grant = subject.get("grant")
        about = grant["dataset"] if isinstance(grant, dict) else subject
        return (about.get("id"), about.get("files")) in self.trees


def import_credentials(
    repository: Repository,
    book: StatusBook,
    wanted: Mapping[str, bytes],
    siblings: Mapping[str, bytes],
    *,
    found: Mapping[str, bytes] | None = None,
    trust: Trust,
    clock: Clock,
) -> ImportResult:
    """Log credentials of others about datasets of this store, and their status lists.

    Args:
        repository: The store, opened to append.
        book: What its log says up to now.
        wanted: File name → credential or status list.
        siblings: File name → files next to them, of which only status lists, DID documents and
            statements about keys that the credentials need are taken.
        found: File name → credentials that nobody named, imported as far as that can be.
        trust: Pinned DID documents; whether an issuer is believed does not matter.
        clock: Now.

    Raises:
        VerificationError: (``does-not-verify``) one does not hold, or not any more.
        NotFoundError: (``unknown-content``) one is about a dataset that is not here.
        InvalidInputError: (``not-a-credential``) one is something else.
        IncompleteError: (``unproven-policy``, ``too-many-stores``, ``too-many-policies``) what
            stores say of its key cannot be told.
    """
    content = Content.of(repository)
    skipped: dict[str, LyrikstoreError] = {}
    asked = (wanted, {} if found is None else found, siblings)
    accepted = list(accept(repository, book, *asked, skipped, content, trust, clock()))
    ids = [Digest.of(data) for data in (*wanted.values(), *asked[1].values())]
    known = tuple(one for one in ids if repository.is_logged(one, "credential"))
    if not accepted:
        return ImportResult((), known, skipped=skipped)
    with open_transaction(repository) as transaction:
        logged = tuple(transaction.log_credential(data) for data in accepted)
        transaction.commit()
    return ImportResult(logged, known, skipped=skipped)


def accept(
    repository: Repository,
    book: StatusBook,
    wanted: Mapping[str, bytes],
    found: Mapping[str, bytes],
    siblings: Mapping[str, bytes],
    skipped: dict[str, LyrikstoreError],
    content: Content,
    trust: Trust,
    at: datetime,
) -> Iterator[bytes]:
    """Yield what is to be logged of ``wanted``, ``found`` and ``siblings``.

    What is not to be logged of ``found`` gets into ``skipped``, with the error that says why.
    """
    notices = Notices.among([*wanted.values(), *siblings.values()])
    taken: set[Digest] = set()
    for name, data in {**found, **wanted}.items():
        try:
            needed = list(
                _accepted(repository, book, name, data, siblings, content, trust, at, notices)
            )
        except (
            *(FormatError, IncompleteError, InvalidInputError),
            *(NotFoundError, VerificationError),
        ) as error:
            if name in wanted:
                raise
            skipped[name] = error
            continue
        for one in needed:
            identity = Digest.of(one)
            if identity not in taken and not repository.is_logged(identity, "credential"):
                taken.add(identity)
                yield one


def _accepted(
    repository: Repository,
    book: StatusBook,
    name: str,
    data: bytes,
    siblings: Mapping[str, bytes],
    content: Content,
    trust: Trust,
    at: datetime,
    notices: Notices,
) -> Iterator[bytes]:
    """Yield a credential or list, and what of the sibling files goes with it."""
    known = repository.is_logged(Digest.of(data), "credential")
    if list_url(data) is not None:
        if not known:
            _require_named(name, data, book)
            _require_newer(name, data, book, trust, at, notices)
            yield data
        return
    # One that is known is not judged again: what came since may lie next to it.
    document = parse(data) if known else _check(name, data, content, trust, at, notices)
    yield data
    yield from _needed(document, siblings.values(), book, trust, at, notices)
    yield from statements_needed(document, data, notices.statements)


def statements_needed(
    document: Mapping[str, JSON], data: bytes, statements: Statements
) -> list[bytes]:
    """Return what stores say of the key that signed a credential, as far as it is available.

    Args:
        document: The credential.
        data: Its bytes.
        statements: What is available.

    Raises:
        IncompleteError: As :meth:`Statements.to_keep`.
    """
    key, subject = signed_by(data), document.get("credentialSubject")
    if key is None or not isinstance(subject, dict):
        return []
    grant = subject.get("grant")
    about = grant["dataset"] if isinstance(grant, dict) else subject
    store = Digest.parse_urn(about["store"]) if "store" in about else None
    credential = Digest.of(encode(document))
    kept = statements.to_keep(key, store, Leaf("credential", credential))
    states = [
        check_key_by(key, credential, one, store).state
        for one in (statements, Statements.among(kept))
    ]
    if states[0] is CheckState.PASS and states[1] not in SETTLED:
        raise IncompleteError(
            "not-connected",
            "what shows that it was signed before its key was compromised lies beside it, but is "
            "not of the log checkpoint that says so, and is not kept",
            hint="ask whoever signed it for a log proof that is: key statements -o FOLDER",
        )
    return kept


def attestations_among(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return those of ``files`` that say they are attestations or grants."""
    found: dict[str, bytes] = {}
    for name, data in files.items():
        with suppress(FormatError):
            if len(data) <= MAX_JSON_BYTES and kind_of(parse(data)) in {ATTESTATION, GRANT}:
                found[name] = data
    return found


def _check(
    name: str, data: bytes, content: Content, trust: Trust, at: datetime, notices: Notices
) -> Mapping[str, JSON]:
    try:
        document = parse(data)
    except FormatError as error:
        raise InvalidInputError(
            "not-a-credential", f"{name}: {error.message}", hint=_WHAT
        ) from None
    if kind_of(document) is None:
        raise InvalidInputError(
            "not-a-credential",
            f"{name} is no attestation, grant, dataset credential or status list of lyrikstore's",
            hint=_WHAT,
        )
    checks, _ = check_any(data, trust=trust, at=at, notices=notices)
    broken = first_in(checks, CheckState.FAIL)
    if broken is not None:
        raise VerificationError("does-not-verify", f"{name}: {broken.id}: {broken.summary[:500]}")
    proof = check_of(checks, "proof")
    if proof.state is not CheckState.PASS:
        raise VerificationError("does-not-verify", f"{name}: {proof.summary[:500]}")
    found: Mapping[str, JSON] = document
    if not content.has(found["credentialSubject"]):
        raise NotFoundError(
            "unknown-content",
            f"{name} is about a dataset that is not in this store",
            hint="import its delivery first",
        )
    return found


def _needed(
    document: Mapping[str, JSON],
    siblings: Iterable[bytes],
    book: StatusBook,
    trust: Trust,
    at: datetime,
    notices: Notices,
) -> Iterator[bytes]:
    issuer = issuer_of(document)
    entries = status_entries(document)
    for data in siblings:
        if documents_among([data], issuer):
            yield data
        url = list_url(data)
        if url is not None and any(entry.url == url for entry in entries):
            with suppress(LyrikstoreError):  # whatever lies there under that URL
                if _read_list(data, trust, at, notices).issuer == issuer:
                    _require_newer("", data, book, trust, at, notices)
                    yield data


def _require_named(name: str, data: bytes, book: StatusBook) -> None:
    url = list_url(data)
    owners = {one.issuer for one in book.issued for entry in one.entries if entry.url == url}
    if not owners:
        raise NotFoundError("unknown-content", f"{name}: no credential here names this list")
    if issuer_of(parse(data)) not in owners:
        raise VerificationError("does-not-verify", f"{name}: that list is another issuer's")


def _require_newer(
    name: str, data: bytes, book: StatusBook, trust: Trust, at: datetime, notices: Notices
) -> None:
    found = _read_list(data, trust, at, notices)
    before = book.lists.get((found.url, found.issuer))
    if before is not None and found.valid_from <= before.content.valid_from:
        raise VerificationError("does-not-verify", f"{name}: a newer list is here already")


def _read_list(data: bytes, trust: Trust, at: datetime, notices: Notices) -> StatusList:
    return StatusList.parse(data, keys_for(trust, notices, at))
