"""Checks of a delivery's manifest, tree, records and files by digest (spec §11.4.2-11.4.4)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    KeyMaterialError,
    LyrikstoreError,
    VerificationError,
)
from lyrikstore.canon.quoting import listed, name_some, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.credential import Claims, is_pinned
from lyrikstore.credentials.model.dataset import age_of, derived_from, descriptor_of
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.key_history import KeyHistory
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.records.order_root import (
    OrderRoot,
    verify_order_root,
)
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.credential.issuer_key import policy_for
from lyrikstore.verify.datasets.body import find_file_faults, find_record_faults, not_measured
from lyrikstore.verify.datasets.reading import MeasuredRecords
from lyrikstore.verify.delivery.compare_files import DataSource, check_files, is_litter
from lyrikstore.verify.delivery.quality import Measuring
from lyrikstore.verify.delivery.record_ids import RecordIds
from lyrikstore.verify.report import (
    Check,
    CheckState,
    failed,
    not_applicable,
    passed,
    unchecked,
    warned,
)

Find = Callable[[Digest], bytes | None]


class ManifestOutcome(Struct, frozen=True):
    """The outcome of the manifest's checks.

    Attributes:
        checks: ``manifest`` and ``manifest.signature``.
        body: The body of the manifest; None if it is unknown, or contradicts the credential.
        manifest: The manifest, or None unless it is well-formed and its signature is valid.
    """

    checks: tuple[Check, Check]
    body: Mapping[str, Any] | None = None
    manifest: Manifest | None = None

    @property
    def reader(self) -> str | None:
        """Id of the reader that makes records of the files, once known."""
        return None if self.body is None else self.body["reader"]

    @property
    def companions(self) -> frozenset[str]:
        """Paths of the files that hold no records."""
        return frozenset(() if self.body is None else self.body.get("companions", ()))


class DataOutcome(Struct, frozen=True):
    """The outcome of the data's checks.

    Attributes:
        checks: ``data.files`` and ``data.tree``.
        records: Record ids of the files in storage order, if all files are as listed and could be
            read as records.
        problem: The reason why there are no record ids.
        tree: The list of files, if it is available and valid.
        counts: Number of records of each file, in tree order, if the files have records.
    """

    checks: tuple[Check, Check]
    records: Sequence[Digest] | None
    problem: str
    tree: Tree | None = None
    counts: Sequence[int] | None = None


def check_manifest(
    claims: Claims, related: Iterable[Mapping[str, Any]], find: Find, policy: Policy | None
) -> ManifestOutcome:
    """Return the checks whether the manifest agrees with the credential, and who signed it.

    Args:
        claims: The claims of the credential.
        related: Its ``relatedResource``.
        find: Function that returns a sibling file by digest.
        policy: The store's policy, or None if its genesis is not established.
    """
    data = find(claims.manifest)
    if data is None:
        summary = f"manifest {claims.manifest.short} is not beside the credential"
        absent = unchecked("manifest", "missing-file", summary)
        return ManifestOutcome((absent, unchecked("manifest.signature", "missing-file", summary)))
    try:
        manifest = parse_manifest(data)
    except (VerificationError, KeyMaterialError) as error:
        return ManifestOutcome(
            (
                unchecked("manifest", "no-signature", "not looked at: its signature does not hold"),
                failed("manifest.signature", error.kind, quote(error.message, 200)),
            )
        )
    except LyrikstoreError as error:
        return ManifestOutcome(
            (
                failed("manifest", error.kind, f"not a manifest: {quote(error.message, 200)}"),
                unchecked("manifest.signature", "malformed", "not looked at: no manifest"),
            )
        )
    signature = check_author("manifest.signature", manifest, policy)
    wrong = _disagreements(claims, manifest)
    if wrong:
        summary = f"the credential and its manifest disagree about {', '.join(wrong)}"
        check = failed("manifest", "disagrees", summary, members=list(wrong))
        return ManifestOutcome((check, signature), manifest=manifest)
    other = _of_two_files(related, find)
    if other is not None:
        summary = f"the digests of {quote(other)} in relatedResource name different files"
        check = failed("manifest", "disagrees", summary, members=["relatedResource"])
        return ManifestOutcome((check, signature), manifest=manifest)
    summary = f"manifest {manifest.id.short} of {manifest.name} says what the credential says"
    binding = passed("manifest", summary, manifest=str(manifest.id), name=manifest.name)
    return ManifestOutcome((binding, signature), manifest.body, manifest)


def _of_two_files(related: Iterable[Mapping[str, Any]], find: Find) -> str | None:
    # ATTACKS A20, A49: one file by BLAKE3, another by SHA-2: what one program takes for the text
    # that was signed, another refuses.
    for item in related:
        try:
            data = find(Digest.parse_urn(item["id"]))
        except FormatError:  # a context, a DID document
            continue
        if data is not None and not is_pinned(item, data):
            return str(item["id"])
    return None


def check_author(check: str, manifest: Manifest, policy: Policy | None) -> Check:
    """Return whether the policy permits the author to sign the manifest (attack case A22).

    Args:
        check: Id of the check to make.
        manifest: The manifest, whose signature is verified by parsing it.
        policy: The policy in force, or None if it is not established.
    """
    if policy is None:
        summary = "signed, but which keys this store lets sign is not established"
        return unchecked(check, "no-policy", summary)
    if not policy.allows(manifest.author, manifest.kind, manifest.name):
        summary = f"signed by {manifest.author}, whom the store's policy does not let sign it"
        return failed(check, "unauthorised", summary, author=manifest.author)
    summary = f"signed by {manifest.author}, as the store's policy allows"
    return passed(check, summary, author=manifest.author)


def check_data(
    claims: Claims,
    find: Find,
    data: DataSource | None,
    manifest: ManifestOutcome,
    record_ids: Callable[[str, TreeEntry, BinaryIO], Iterable[Digest]] | None,
    measuring: Measuring | None = None,
) -> DataOutcome:
    """Return the checks whether the files are the listed ones, and the list is the named one.

    Args:
        claims: The claims of the credential.
        find: Function that returns a sibling file by digest.
        data: The data, or None.
        manifest: The result of :func:`check_manifest`.
        record_ids: Function from a file to its record ids, or None.
        measuring: Object that does the same and measures the records, in the same read, so that
        the measured bytes are the hashed ones (A52).
    """
    listing = find(claims.tree)
    if listing is None:
        summary = f"the list of files, tree {claims.tree.short}, is not beside the credential"
        tree_check = unchecked("data.tree", "missing-file", summary)
        return DataOutcome((_check_bare(claims, data), tree_check), None, "no list of files")
    try:
        tree = Tree.parse(listing)
    except FormatError as error:
        summary = f"the list of files is malformed: {quote(error.message, 200)}"
        tree_check = failed("data.tree", error.kind, summary)
        files = unchecked("data.files", "malformed", "no sound list of files to compare with")
        return DataOutcome((files, tree_check), None, "no sound list of files")
    tree_check = _check_tree(claims, tree)
    if data is None:
        files = unchecked("data.files", "no-data", "no data was given to compare with")
        return DataOutcome((files, tree_check), None, "no data was given", tree)
    collector = RecordIds(manifest.reader, manifest.companions, record_ids, measuring)
    # A document's record id follows from the digest that the comparison makes anyway.
    reads = collector.reads or (collector.active and measuring and measuring.reads_documents)
    try:
        comparison = data.compare(tree, collector.add if reads else None)
    except IncompleteError as error:
        files = unchecked("data.files", error.kind, error.message)
        return DataOutcome((files, tree_check), None, "no data was read", tree)
    if comparison.complete and collector.active and not reads:
        collector.add_documents(tree)
    complete = comparison.complete and collector.active
    return DataOutcome(
        (check_files(comparison), tree_check),
        collector.records if complete and not collector.problem else None,
        collector.problem if comparison.complete else "not all files are as listed",
        tree,
        collector.counts if complete and not collector.problem else None,
    )


def check_figures(
    manifest: ManifestOutcome, content: DataOutcome, measuring: Measuring | None
) -> tuple[Check, list[str]]:
    """Return ``datasets``: whether the manifest's figures agree with the data.

    Args:
        manifest: The result of :func:`check_manifest`.
        content: The result of :func:`check_data`.
        measuring: The object that measured the records while they were read, or None.

    Returns:
        The check, and the members of the body that were compared with nothing.
    """
    body, name = manifest.body, "datasets"
    if body is None or content.tree is None:
        summary = "no sound manifest, or no list of files, to compare with"
        return unchecked(name, "missing-file", summary), []
    if content.counts is None:
        return unchecked(name, "incomplete-data", f"not compared: {content.problem}"), []
    stats: Mapping[str, Any] = {}
    if measuring is not None:
        try:
            stats = measuring.statistics()
        except LyrikstoreError as error:
            return failed(name, "bad-record", quote(error.message, 200)), []
    measured = MeasuredRecords(sum(content.counts), stats)
    faults = [*find_file_faults(body, content.tree), *find_record_faults(body, measured)]
    if faults:
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        summary = "; ".join(map(str, faults[:3])) + more
        members = listed([fault.member for fault in faults])
        return failed(name, "differs", summary, members=members), []
    left = not_measured(body, measured)
    if "stats.fields" in left:
        summary = "what its manifest says of fields was not measured again"
        return warned(name, "not-recomputed", summary, records=measured.records), left
    if "derivation" in body:  # the decisions stay in the store
        left.append("derivation")
    summary = f"its manifest says of {pluralize(measured.records, 'record')} what they give"
    return passed(name, summary, records=measured.records), left


def check_records(
    claims: Claims,
    find: Find,
    content: DataOutcome,
    history: KeyHistory | None,
    logged_at: int | None,
) -> Check:
    """Return the check whether the records, in their order, are those committed to.

    Args:
        claims: The claims of the credential.
        find: Function that returns a sibling file by digest.
        content: The result of :func:`check_data`.
        history: The store's policies, or None.
        logged_at: The proven log index of the credential, or None.
    """
    if claims.records is None:
        return not_applicable("records.root", "the credential commits to no records")
    manifest_id, root, count = claims.records
    data = find(manifest_id)
    if data is None:
        summary = f"records manifest {manifest_id.short} is not beside the credential"
        return unchecked("records.root", "missing-file", summary)
    try:
        manifest = parse_manifest(data)
    except LyrikstoreError as error:
        summary = f"the records manifest: {quote(error.message, 200)}"
        return failed("records.root", error.kind, summary)
    about = [item.id for item in manifest.inputs_in("dataset")]
    roots = [item for item in manifest.body.get("roots", []) if item["type"] == "order"]
    if (
        manifest.kind != "records"
        or manifest.store != claims.store
        or about != [claims.manifest]
        or roots != [{"type": "order", "root": root, "count": count}]
    ):
        summary = "the credential and its records manifest disagree"
        return failed("records.root", "disagrees", summary)
    policy = (
        None
        if history is None
        else policy_for(history, claims.log_index, logged_at, manifest.author)
    )
    author = check_author("records.root", manifest, policy)
    if author.state is not CheckState.PASS:
        return author
    salts = find(manifest.attachments_in("salts")[0].id)
    if salts is None:
        return unchecked("records.root", "missing-file", "the salts are not beside the credential")
    if content.records is None:
        return unchecked("records.root", "not-recomputed", f"not recomputed: {content.problem}")
    try:
        verify_order_root(content.records, salts, OrderRoot(root, count))
    except LyrikstoreError as error:
        return failed("records.root", error.kind, quote(error.message, 200))
    return passed(
        "records.root", f"recomputed over {pluralize(count, 'record')}", root=root, count=count
    )


def _disagreements(claims: Claims, manifest: Manifest) -> tuple[str, ...]:
    if manifest.kind != "dataset":
        return ("kind",)
    subject, body = claims.subject, manifest.body
    stated = body.get("licence", {})
    texts = {str(identity) for identity in claims.terms.texts}
    pairs = (
        ("name", claims.name, manifest.name),
        ("store", claims.store, manifest.store),
        ("id", claims.tree, manifest.tree),
        ("files", claims.files, manifest.files),
        ("fileCount", subject["fileCount"], body["fileCount"]),
        ("byteSize", subject["byteSize"], str(body["bytes"])),
        ("recordCount", subject["recordCount"], str(body["records"])),
        ("licence", claims.terms.licence, stated.get("expression")),
        ("licence text", True, stated.get("textDigest") in {None, *texts}),
        ("age", subject["age"], age_of(manifest)),
        ("derivedFrom", subject.get("derivedFrom", []), derived_from(manifest)),
        ("descriptor", subject["descriptor"], descriptor_of(manifest)),
    )
    return tuple(member for member, claimed, found in pairs if claimed != found)


def _check_tree(claims: Claims, tree: Tree) -> Check:
    wrong = [
        member
        for member, claimed, found in (
            ("files", claims.files, tree.files_id),
            ("fileCount", claims.subject["fileCount"], len(tree.entries)),
            ("byteSize", claims.subject["byteSize"], str(tree.total_bytes)),
        )
        if claimed != found
    ]
    if wrong:
        summary = f"the credential and its list of files disagree about {', '.join(wrong)}"
        return failed("data.tree", "disagrees", summary, members=wrong)
    summary = (
        f"tree {claims.tree.short} lists {pluralize(len(tree.entries), 'file')}, "
        f"{pluralize(tree.total_bytes, 'byte')}"
    )
    return passed("data.tree", summary, tree=str(claims.tree), files=str(claims.files))


def _check_bare(claims: Claims, data: DataSource | None) -> Check:
    if data is None:
        return unchecked("data.files", "no-data", "no data was given to compare with")
    return check_bare_files(claims.files, data)


def check_bare_files(files: Digest, data: DataSource, check: str = "data.files") -> Check:
    """Return the check whether a folder has the named files id, if the list of files is missing.

    The result then names no file.

    Args:
        files: The required files id.
        data: The folder.
        check: Id of the check to make.
    """
    try:
        found = data.tree()
    except IncompleteError as error:
        return unchecked(check, error.kind, error.message)
    except FormatError as error:
        return failed(check, error.kind, quote(error.message, 200))
    named = "the files are those named"
    if found.files_id == files:
        return passed(check, named, files=str(files))
    litter = [path for path in found.paths if is_litter(path)]
    rest = Tree.of(entry for entry in found.entries if not is_litter(entry.path))
    if rest.files_id == files:
        summary = f"{named}; {len(litter)} desktop litter: {name_some(litter)}"
        detail = {"litter": listed(litter), "litterCount": len(litter)}
        return warned(check, "litter", summary, files=str(files), **detail)
    summary = "the files are not those named; which ones differ cannot be said without the list"
    return failed(check, "differs", summary)
