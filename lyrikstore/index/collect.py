"""Extraction of a repository's facts as rows (docs/index-views.md).

Everything comes from bytes that the repository verified. An unreadable object is a row of ``gaps``
and never silently absent: an index without half of the store would look complete.
"""

import contextlib
import io
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import UNSET

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.credentials.terms.model import Terms
from lyrikstore.history.manifests.manifest import Attachment, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retirements
from lyrikstore.history.repository.source_files import SourceFiles
from lyrikstore.index.tables import DECISION_COLUMNS, Writer
from lyrikstore.verify.credential.key_statements import is_statement
from lyrikstore.verify.evaluation.words import figures_of
from lyrikstore.verify.review.check import read_outcome
from lyrikstore.verify.review.model import OUTCOME

MAX_DECISIONS = 100_000
"""Most decisions of one version that are copied; for more, a row states where they are."""

_SYSTEMS = ("model", "baseline", "majority")


def collect(repository: Repository, writer: Writer, progress: OnProgress = silent) -> None:
    """Write all rows that the documented views need.

    Args:
        repository: The view to index; read in log order.
        writer: Receives the rows.
        progress: Progress callback, called with the number of finished log entries.

    Raises:
        IncompleteError, VerificationError: A logged manifest is missing or damaged; the versions of
        names are then unknown, so no index can be built.

    Cost: one read of every manifest, credential, tree and decision table; memory for one tree.
    """
    head = repository.checkpoint
    writer.add("store", str(repository.store_id), repository.origin, head.size, head.root.hex())
    flags = {item.index: item.reason for item in repository.flagged}
    for entry in repository.entries():
        writer.add("log", entry.index, entry.type, str(entry.id), entry.seq, flags.get(entry.index))
        if entry.type == "credential":
            _credential(repository, entry.id, entry.index, writer)
    refs = sorted(repository.refs.values(), key=lambda ref: ref.name)
    for ref in refs:
        writer.add("refs", ref.name, str(ref.id), ref.index, len(ref.history))
    versions = {
        identity: (number, number == len(ref.history))
        for ref in refs
        for number, identity in enumerate(reversed(ref.history), 1)
    }
    retired = retirements(repository)
    listed: set[Digest] = set()
    shown: set[Digest] = set()  # a tree may be that of a retired version and of another
    for entry, manifest in repository.all_manifests():
        version, current = versions.get(manifest.id, (None, False))
        gone = manifest.id in retired.versions
        _manifest(manifest, entry.index, version, writer, current=current, retired=gone)
        if gone and "metadata" in manifest.body:
            writer.add("gaps", str(manifest.id), "metadata", "the data of this version was retired")
        tree = manifest.tree
        if tree is not None and (tree not in listed or not (gone or tree in shown)):
            _tree(repository, manifest, writer, files=tree not in listed, sheet=not gone)
            listed.add(tree)
            shown.update(() if gone else (tree,))
        left = retired.left(manifest)
        for attachment in manifest.attachments_in("decisions"):
            if attachment not in left:
                what = "the decisions of this version were retired"
                writer.add("gaps", str(manifest.id), "decisions", what)
                continue
            _decisions(repository, manifest, attachment, writer)
        for attachment in manifest.attachments_in(OUTCOME):
            if attachment not in left:
                what = "the outcome of this review was retired"
                writer.add("gaps", str(manifest.id), "outcome", what)
                continue
            _outcomes(repository, manifest, writer)
        progress(Progress(entry.index + 1, head.size, phase="building the index"))
    for item in repository.flagged:
        if item.reason == "invalid":
            writer.add("gaps", str(item.id), "manifest", item.summary)
    writer.flush()


def _manifest(
    manifest: Manifest,
    index: int,
    version: int | None,
    writer: Writer,
    *,
    current: bool,
    retired: bool,
) -> None:
    own = str(manifest.id)
    writer.add(
        "manifests",
        own,
        manifest.kind,
        manifest.name,
        version,
        current,
        retired,
        index,
        _text(manifest.store),
        manifest.author,
        manifest.created,
        manifest.message,
        _text(manifest.tree),
        _text(manifest.files),
        encode(manifest.body).decode(),
    )
    for position, parent in enumerate(manifest.parents):
        writer.add("parents", own, position, str(parent))
    for position, item in enumerate(manifest.inputs):
        writer.add("inputs", own, position, item.role, item.kind, str(item.id))
    for position, attachment in enumerate(manifest.attachments):
        writer.add(
            "attachments", own, position, attachment.role, str(attachment.id), attachment.bytes
        )
    for name, field in sorted(manifest.body.get("descriptor", {}).items()):
        value = encode(field["value"]).decode() if "value" in field else None
        reason, basis = field.get("reason"), field.get("basis")
        writer.add("descriptor", own, name, field["state"], value, reason, basis)
    if manifest.kind == "evaluation":
        _scores(own, manifest.body, writer)


def _scores(evaluation: str, body: dict[str, Any], writer: Writer) -> None:
    for system in _SYSTEMS:
        measured = body.get(system, {})
        for metric, found in figures_of(measured).items():
            ends = found.get("low"), found.get("high")
            writer.add("scores", evaluation, system, None, metric, found["value"], *ends, None)
        for label, scores in sorted(measured.get("perClass", {}).items()):
            for metric in ("precision", "recall", "f1"):
                value, support = scores[metric], scores["support"]
                writer.add("scores", evaluation, system, label, metric, value, None, None, support)


def _tree(
    repository: Repository, manifest: Manifest, writer: Writer, *, files: bool, sheet: bool
) -> None:
    own = str(manifest.tree)
    with _noting_gaps(manifest.id, "tree", writer):
        for position, entry in enumerate(repository.tree(manifest).entries):
            if files:
                writer.add("entries", own, position, entry.path, entry.bytes, entry.blake3.hex)
            for key, value in sorted((entry.meta or {}).items()) if sheet else ():
                writer.add("metadata", own, entry.path, key, value)


def _decisions(
    repository: Repository, manifest: Manifest, attachment: Attachment, writer: Writer
) -> None:
    own = str(manifest.id)
    with _noting_gaps(manifest.id, "decisions", writer):
        with repository.blobs.open(attachment.id) as stream:
            table = _decision_table(stream)
            if table.metadata.num_rows > MAX_DECISIONS:
                writer.add(
                    *("gaps", own, "decisions"),
                    f"{table.metadata.num_rows} decisions are not copied into the index: "
                    f"ask record_decisions with --records {manifest.id.hex[:12]}",
                )
                return
            # To the end first: only then is it known that these are the bytes the manifest names.
            stream.seek(0)
            data = stream.read()
        sources = [repository.manifest(item.id) for item in manifest.inputs_in("source")]
        files = SourceFiles(repository, sources)
        rows = _decision_rows(_decision_table(io.BytesIO(data)))
        for position, (path, file, *row) in enumerate(rows):
            shown = path if file is None else files.path(file)
            writer.add("decisions", own, position, shown, file, *row)


def _outcomes(repository: Repository, review: Manifest, writer: Writer) -> None:
    with _noting_gaps(review.id, "outcome", writer):
        for one in read_outcome(repository, review):
            value, reasons = (None if got is UNSET else got for got in (one.value, one.reason))
            shown = one.place, one.item, one.outcome, one.was, value, reasons or ()
            writer.add("review_outcomes", str(review.id), *shown, one.agree, one.of)


def _decision_table(stream: BinaryIO) -> pq.ParquetFile:
    with _damaged_table():
        return pq.ParquetFile(stream)


def _decision_rows(table: pq.ParquetFile) -> Iterator[tuple[Any, ...]]:
    with _damaged_table():
        present = [name for name in DECISION_COLUMNS if name in table.schema_arrow.names]
        if "action" not in present:
            raise FormatError("bad-decisions", "not a table of decisions")
        for batch in table.iter_batches(columns=present):
            columns = [
                batch.column(name).cast(kind).to_pylist()
                if name in present
                else [None] * batch.num_rows
                for name, kind in DECISION_COLUMNS.items()
            ]
            yield from zip(*columns, strict=True)


@contextlib.contextmanager
def _damaged_table() -> Iterator[None]:
    try:
        yield
    except LyrikstoreError:  # of the store: it says better what is wrong
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else "unreadable"
        raise FormatError("bad-decisions", f"not a table of decisions: {reason}") from None


def _credential(repository: Repository, identity: Digest, index: int, writer: Writer) -> None:
    with _noting_gaps(identity, "credential", writer):
        data = repository.credential(identity)
        if is_statement(data):  # what another store said of its keys
            return
        document = parse(data, floats=True, nulls=True)
        if not isinstance(document, dict):
            raise FormatError("bad-credential", "a credential is a JSON object")
        issuer, subject = document.get("issuer"), _member(document, "credentialSubject")
        licence = _member(subject, "licence")
        terms = _terms(licence)
        writer.add(
            "credentials",
            str(identity),
            index,
            _string(document.get("id")),
            _string(issuer["id"] if isinstance(issuer, dict) and "id" in issuer else issuer),
            _string(issuer.get("name")) if isinstance(issuer, dict) else None,
            _string(subject.get("name")),
            _identity(subject.get("manifest")),
            _identity(subject.get("id")),
            _string(document.get("validFrom")),
            _string(document.get("validUntil")),
            _string(licence.get("spdxExpression")),
            *([] if terms is None else list(words(terms)) for words in _WORDS),
        )


_WORDS = (attrgetter("permits"), attrgetter("prohibits"), attrgetter("requires"))


def _terms(licence: dict[str, Any]) -> Terms | None:
    try:
        return Terms.of(licence)
    except (LyrikstoreError, KeyError, TypeError, AttributeError, ValueError):  # a foreign shape
        return None


@contextlib.contextmanager
def _noting_gaps(identity: Digest, what: str, writer: Writer) -> Iterator[None]:
    try:
        yield
    except LyrikstoreError as error:
        writer.add("gaps", str(identity), what, error.message)


def _member(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _text(identity: Digest | None) -> str | None:
    return None if identity is None else str(identity)


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _identity(value: Any) -> str | None:
    # Credentials spell ids as URNs; one spelling in the index lets views be joined.
    try:
        return str(Digest.parse_urn(value))
    except FormatError:
        return _string(value)
