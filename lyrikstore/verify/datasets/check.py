"""The checks ``datasets`` and ``records`` of a store and of an object (spec §11.7.4)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, VerificationError
from lyrikstore.canon.json import parse
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.records.order_root import (
    DOCUMENT,
    SALT_BYTES,
    OrderRoot,
    document_id,
    record_id,
    verify_order_root,
)
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments, present_tree
from lyrikstore.history.repository.source_files import path_prefix
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.datasets.body import (
    find_file_faults,
    find_record_faults,
    is_same,
    measured_field,
    not_measured,
)
from lyrikstore.verify.datasets.decisions import DecisionTotals, DecisionWalk, ReadRecord
from lyrikstore.verify.datasets.imported import find_import_faults, published_manifest
from lyrikstore.verify.datasets.places import place_fault, source_field
from lyrikstore.verify.datasets.reading import DatasetReading, measured_records
from lyrikstore.verify.datasets.results import ResultFiles, UnsoundDecisionError
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable, stated, unchecked

_DATASETS, _RECORDS = "datasets", "records"
_MAX_LIST_BYTES = 256 << 20


class DatasetChecks:
    """Compares the manifests of datasets with their bytes.

    Args:
        repository: The store.
        manifests: The manifests to check.
        reading: Reader of their data; None: no data is read, and the checks are not made.

    Attributes:
        checks: ``datasets`` and ``records``.
        open_questions: Sentences on the members of bodies that were compared with nothing.

    Cost: one read of the rows of each dataset, with their statistics; for a dataset that a filter
    made, one more read, and one of its sources; one read for each ``records`` manifest. Documents
    are not read, because their record ids follow from their digests. 100,000 rows of 300 bytes take
    0.7 seconds of CPU time, and 2.6 with decisions, which a separate process decodes. Memory does
    not grow with the records, except for salts, one bit for each record that a filter changed, and
    8 bytes for each record with an id.
    """

    def __init__(
        self,
        repository: Repository,
        manifests: Mapping[Digest, Manifest],
        reading: DatasetReading | None,
    ) -> None:
        self._repository, self._manifests = repository, manifests
        self._datasets = [one for one in manifests.values() if one.kind == "dataset"]
        self._filters = [one for one in manifests.values() if one.kind == "filter"]
        self._roots = [one for one in manifests.values() if one.kind == "records"]
        self._problems = Problems(_DATASETS)
        self._coded = {
            "no-reader": (self._problems.lost, "newer-format"),
            "bad-decisions": (self._problems.bad, "bad-decisions"),
            "bad-record": (self._problems.bad, "bad-record"),
        }
        self._measured = self._records = 0
        self.open_questions: list[str] = []
        if reading is None:
            self.checks = self._not_made()
            return
        self._reading = reading
        self.checks = self._check_datasets(), self._check_roots()

    def _not_made(self) -> tuple[Check, Check]:
        found = []
        for check, some in ((_DATASETS, self._datasets), (_RECORDS, self._roots)):
            text = f"{pluralize(len(some), 'manifest')}: nothing was held against what they say"
            none = not_applicable(check, "there is none in question")
            found.append(unchecked(check, "not-read", text) if some else none)
        return found[0], found[1]

    def _check_datasets(self) -> Check:
        problems = self._problems
        for manifest in self._filters:
            if manifest.body["recipe"].get("step") != manifest.body["steps"]:
                self._bad(manifest, "steps differs from its recipe")
        if not self._datasets and not problems.count:
            return not_applicable(_DATASETS, "no dataset in question")
        for manifest in self._datasets:
            try:
                self._check_body(manifest)
            except LyrikstoreError as error:
                self._note(manifest, error)
        for made in self._by_decisions().values():
            try:
                self._check_decisions(made)
            except LyrikstoreError as error:
                self._note(made[0], error)
        follows = pluralize(self._measured, "dataset says", "datasets say")
        summary = f"{follows} of {pluralize(self._records, 'record')} what their bytes say"
        detail: dict[str, Any] = {"datasets": self._measured, "records": self._records}
        if self.open_questions and not problems.count and not self._measured:
            text = "their data was retired: their authors state what it was"
            return stated(_DATASETS, text, stated=len(self._datasets))
        return problems.close(summary, **detail)

    def _note(self, manifest: Manifest, error: LyrikstoreError) -> None:
        """Note an error of reading: retired data is not a problem, and proves nothing."""
        if error.kind == "retired":
            self.open_questions.append(not_proven("retired-data", manifest.name, manifest.id.short))
        elif (where := self._coded.get(error.kind)) is not None:
            self._problems.add(*where, f"{_label(manifest)}: {quote(error.message, 200)}")
        else:
            self._problems.note(_label(manifest), error)

    def _bad(self, manifest: Manifest, text: str, code: str = "differs") -> None:
        self._problems.add(self._problems.bad, code, f"{_label(manifest)}: {text}")

    def _check_body(self, manifest: Manifest) -> None:
        body = manifest.body
        published = published_manifest(self._repository, manifest)
        for fault in find_import_faults(body, published.body) if published else ():
            self._bad(manifest, str(fault))
        tree = present_tree(self._repository, manifest)
        for fault in find_file_faults(body, tree):
            self._bad(manifest, str(fault))
        measured = measured_records(self._reading, body, tree, self._repository.blobs.open)
        for fault in find_record_faults(body, measured):
            self._bad(manifest, str(fault))
        self._check_lists(manifest)
        if body["origin"] == "generated":
            self._check_places(manifest, tree)
        if body["origin"] in ("filtered", "committed", "generated"):
            self._check_origin(manifest)
        left = not_measured(body, measured)
        if body["origin"] != "filtered":
            left += ["derivation"] if "derivation" in body else []
        if body["origin"] not in ("filtered", "committed"):
            derived = () if body["origin"] == "generated" else ("derivedFrom",)
            named = (*derived, "generatedBy")
            left += [one for one in named if measured_field(body, one) is not None]
        if left:
            members = ", ".join(quote(name) for name in left)
            self.open_questions.append(not_proven("unmeasured", members, manifest.name))
        self._measured += 1
        self._records += measured.records

    def _check_places(self, manifest: Manifest, tree: Tree) -> None:
        """Hold the places of source records that generated records name against the source."""
        field, sources = source_field(manifest.body), manifest.inputs_in("source")
        if not field and not sources:
            return
        if not field or len(sources) != 1 or manifest.body["reader"] == DOCUMENT:
            self._bad(manifest, "its sources do not fit the field that names places in them")
            return
        records = self._manifest(sources[0].id, "dataset").body["records"]
        rows = self._reading.rows(manifest.body, tree, self._repository.blobs.open)
        for row in (one for _, some in rows for one in some):
            if fault := place_fault(row, field, records):
                self._bad(manifest, f"a record: {quote(fault, 200)}")
                return

    def _check_lists(self, manifest: Manifest) -> None:
        """Compare the counts of omitted files and rows with the attached lists of them."""
        body = manifest.body
        if body["origin"] not in ("committed", "generated"):
            return
        for role in ("ignored", "skipped"):
            found = self._list(manifest, role)
            if role in body and body[role] != (len(found) if isinstance(found, list) else 0):
                self._bad(
                    manifest,
                    f"{role} is {quote(body[role])}, but the attached list has another number",
                )
        if (metadata := body.get("metadata")) is not None:
            orphans = self._list(manifest, "orphans")
            for name, what in (("orphanFiles", "files"), ("orphanRows", "rows")):
                found = orphans.get(what) if isinstance(orphans, dict) else None
                if metadata[name] != (len(found) if isinstance(found, list) else 0):
                    self._bad(
                        manifest, f"metadata.{name} differs from the attached list of orphans"
                    )

    def _list(self, manifest: Manifest, role: str) -> Any:
        for one in present_attachments(self._repository, manifest, role):
            data = self._repository.blobs.read(one.id, max_bytes=_MAX_LIST_BYTES)
            return parse(data, max_bytes=_MAX_LIST_BYTES)
        return None

    def _check_origin(self, manifest: Manifest) -> None:
        """Compare the origin that a descriptor states with the inputs of the manifest."""
        derived, made = (measured_field(manifest.body, n) for n in ("derivedFrom", "generatedBy"))
        sources = [str(item.id) for item in manifest.inputs_in("source")]
        if derived is not None and not is_same(derived, sources):
            self._bad(manifest, "derivedFrom differs from its inputs")
        if manifest.body["origin"] == "committed":
            if made is not None or "derivation" in manifest.body:
                self._bad(manifest, "it was committed, but states that a filter made it")
            return
        if manifest.body["origin"] == "generated":
            return
        used = self._filter(manifest)
        derivation = manifest.body.get("derivation", {})
        follows: dict[str, Any] = {
            "filter": str(used.id),
            "steps": [step["use"] for step in used.body["steps"]],
            "counts": derivation.get("counts", {}),
            "dropped": derivation.get("dropped", {}),
        }
        if made is not None and not is_same(made, [follows]):
            self._bad(manifest, "generatedBy differs from its filter and its derivation")

    def _by_decisions(self) -> dict[tuple[Any, ...], list[Manifest]]:
        """Return the datasets made by filters, in groups with the same decision table."""
        found: defaultdict[tuple[Any, ...], list[Manifest]] = defaultdict(list)
        alike: Counter[tuple[Any, ...]] = Counter()
        for manifest in self._datasets:
            if manifest.body["origin"] != "filtered":
                continue
            tables = tuple(one.id for one in manifest.attachments_in("decisions"))
            if len(tables) != 1 or "derivation" not in manifest.body:
                # ATTACK: what is not there shows nothing to be false.
                self._bad(manifest, "it has no table of its filter's decisions", "no-decisions")
                continue
            made_from = tuple((item.role, item.id) for item in manifest.inputs)
            key = tables, made_from, _version(manifest), _part(manifest)
            # ATTACK: beside the honest one a second of its part, which is held against nothing.
            alike[key] += 1
            found[(*key[:3], alike[key])].append(manifest)
        return found

    def _check_decisions(self, made: Sequence[Manifest]) -> None:
        """Compare one decision table with the records read, and with all datasets made."""
        repository, first = self._repository, made[0]
        (table,) = present_attachments(repository, first, "decisions")
        steps = [step["use"] for step in self._filter(first).body["steps"]]
        sources = [self._manifest(item.id, "dataset") for item in first.inputs_in("source")]
        results: dict[str, ResultFiles] = {}
        for one in made:
            try:
                results[_part(one)] = ResultFiles(one, present_tree(repository, one))
            except LyrikstoreError as error:
                self._note(one, error)
        made = [one for one in made if _part(one) in results]
        if not made:
            return
        try:
            with repository.blobs.open(table.id) as stream:
                version, rows = self._reading.decisions(stream)
                if version != _version(first):
                    self._bad(first, "its decision table has another version", "bad-decisions")
                walk = DecisionWalk(version, rows, steps, results)
                totals = walk.follow(self._read_sources(sources))
            for one in made:
                self._compare_result(one, totals, results[_part(one)])
        except UnsoundDecisionError as error:
            self._bad(first, f"its decision table {error}", "bad-decisions")

    def _read_sources(self, sources: Sequence[Manifest]) -> Iterator[ReadRecord] | None:
        """Return the records that a filter read, in storage order; None if some are retired."""
        ordered, trees = sorted(sources, key=path_prefix), []
        for one in ordered:
            try:
                trees.append(present_tree(self._repository, one))
            except LyrikstoreError as error:
                if error.kind != "retired":
                    raise
                self._note(one, error)
                return None
        return self._records_of(ordered, trees)

    def _records_of(
        self, sources: Sequence[Manifest], trees: Sequence[Tree]
    ) -> Iterator[ReadRecord]:
        first = 0
        for source, tree in zip(sources, trees, strict=True):
            prefix = path_prefix(source) if len(sources) > 1 else ""
            body, reader = source.body, source.body["reader"]
            if reader == DOCUMENT:
                for at, path in enumerate(tree.paths):
                    raw, meta = tree.digests[at * 32 : at * 32 + 32], tree.metas.get(at)
                    yield ReadRecord(first + at, prefix + path, 0, reader, raw, True, meta)
            else:
                at, position = -1, 0
                for file, rows in self._reading.rows(body, tree, self._repository.blobs.open):
                    position = position if file == at else 0
                    at, path = file, prefix + tree.paths[file]
                    for data in rows:
                        yield ReadRecord(first + file, path, position, reader, data)
                        position += 1
            first += len(tree)

    def _compare_result(
        self, manifest: Manifest, totals: DecisionTotals, result: ResultFiles
    ) -> None:
        body = manifest.body
        derivation = body["derivation"]
        for name, follows in totals.derivation(_part(manifest)).items():
            if not is_same(derivation.get(name, {}), follows):
                self._bad(manifest, f"derivation.{name} differs from the counts of its decisions")
        if result.is_rows:
            tree = present_tree(self._repository, manifest)
            result.compare_rows(self._reading.rows(body, tree, self._repository.blobs.open))
        else:
            result.compare_documents()

    def _filter(self, manifest: Manifest) -> Manifest:
        return self._manifest(manifest.inputs_in("filter")[0].id, "filter")

    def _manifest(self, identity: Digest, kind: str) -> Manifest:
        found = self._manifests.get(identity) or self._repository.manifest(identity)
        if found.kind != kind:  # ATTACK A36: an input that is not what it is said to be
            raise VerificationError("wrong-kind", f"{identity.short} is no {kind}")
        return found

    def _check_roots(self) -> Check:
        if not self._roots:
            return not_applicable(_RECORDS, "no records manifest in question")
        problems, count, done = Problems(_RECORDS), 0, 0
        for manifest in self._roots:
            try:
                count += self._check_root(manifest, problems)
                done += 1
            except LyrikstoreError as error:
                if error.kind == "retired":
                    about = (manifest.name, manifest.id.short)
                    self.open_questions.append(not_proven("retired-data", *about))
                else:
                    problems.note(_label(manifest), error)
        if not problems.count and not done:
            return stated(
                _RECORDS, "the records they commit to were retired", stated=len(self._roots)
            )
        roots = pluralize(done, "root is", "roots are")
        summary = f"{roots} computed again over {pluralize(count, 'record')}"
        return problems.close(summary, roots=done, records=count)

    def _check_root(self, manifest: Manifest, problems: Problems) -> int:
        """Compute the order root of a ``records`` manifest; return the number of its records."""
        dataset = self._manifest(manifest.inputs_in("dataset")[0].id, "dataset")
        tree = present_tree(self._repository, dataset)
        (salts,) = present_attachments(self._repository, manifest, "salts")
        reader = manifest.body["reader"]
        # ATTACK: the same bytes under another reader have other ids, and another number.
        if reader != dataset.body["reader"]:
            problems.add(
                problems.bad, "differs", f"{_label(manifest)}: another reader reads its data"
            )
            return 0
        for one in manifest.body["roots"]:
            if one["type"] != "order":
                text = f"{_label(manifest)}: a root of the type {quote(one['type'])}"
                problems.add(problems.lost, "newer-format", text)
                continue
            if salts.bytes != one["count"] * SALT_BYTES:
                count = pluralize(one["count"], "record")
                text = f"{_label(manifest)}: {count} do not fit its salts"
                problems.add(problems.bad, "records-differ", text)
                continue
            data = self._repository.blobs.read(salts.id, max_bytes=salts.bytes)
            try:
                expected = OrderRoot(one["root"], one["count"])
                verify_order_root(self._ids(dataset, tree), data, expected)
            except LyrikstoreError as error:
                if error.kind not in ("records-differ", "bad-salts"):
                    raise
                text = f"{_label(manifest)}: {quote(error.message, 200)}"
                problems.add(problems.bad, error.kind, text)
        counts = [one["count"] for one in manifest.body["roots"] if one["type"] == "order"]
        return int(counts[0])

    def _ids(self, dataset: Manifest, tree: Tree) -> Iterator[Digest]:
        reader, body = dataset.body["reader"], dataset.body
        if reader == DOCUMENT:
            for at in range(len(tree)):
                yield document_id(Digest(tree.digests[at * 32 : at * 32 + 32]))
            return
        for _, rows in self._reading.rows(body, tree, self._repository.blobs.open):
            for data in rows:
                yield record_id(reader, data)


def _part(manifest: Manifest) -> str:
    return str(manifest.body["derivation"].get("part", ""))


def _version(manifest: Manifest) -> int:
    return int(manifest.body["derivation"].get("decisions", 1))


def _label(manifest: Manifest) -> str:
    return f"{manifest.name} ({manifest.id.short})"
