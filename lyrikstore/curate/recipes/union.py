"""The union of several datasets, as the source of a filter (spec §12.4.1).

No record is compared or dropped: a record of two datasets occurs twice. The path of every file
begins with the name of its dataset, which shows where the file comes from.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.descriptor import FIELDS, Descriptor
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.source import RecordSource, source_reader
from lyrikstore.curate.sheets.sheet import table_of
from lyrikstore.history.manifests.manifest import Attachment, Manifest
from lyrikstore.history.repository.source_files import path_prefix
from lyrikstore.history.trees.paths import offenders
from lyrikstore.history.trees.tree import Tree, TreeEntry

_TEXT = "licence-text"
_INHERITED: tuple[str, ...] = ("metadata", "licence")


class FilterSource(Struct, frozen=True):
    """The source of a filter: one dataset, or the union of several.

    Attributes:
        manifests: The datasets, in the order they were named.
        records: All files, and how to read records from them.
        members: Body members that the result inherits, if present: ``metadata``, ``licence``.
        descriptor: The descriptor that the result inherits.
        texts: The licence texts.
    """

    manifests: tuple[Manifest, ...]
    records: RecordSource
    members: Mapping[str, Any]
    descriptor: Descriptor
    texts: tuple[Attachment, ...]

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        return " with ".join(manifest.name for manifest in self.manifests)

    @property
    def is_union(self) -> bool:
        """Whether the source consists of several datasets."""
        return len(self.manifests) > 1

    @property
    def tree(self) -> Tree:
        """All files."""
        return self.records.tree

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its sheet."""
        return tuple(self.members.get("metadata", {}).get("columns", ()))

    @property
    def fields(self) -> frozenset[str] | None:
        """The fields of its records; None if they are not known."""
        if not self.records.is_rows:
            return frozenset(self.columns)
        names: set[str] = set()
        for manifest in self.manifests:
            stats = manifest.body["descriptor"].get("stats", {}).get("value", {})
            if "fields" not in stats or "fieldsAbove" in stats:
                return None
            names.update(item["field"] for item in stats["fields"])
        return frozenset(names)


def check_union(datasets: Sequence[Manifest]) -> None:
    """Raise `mixed-readers`, `mixed-fields` or `named-twice` if datasets cannot be united.

    Raises:
        InvalidInputError: (``mixed-readers``) the datasets have different readers;
            (``mixed-fields``) they have different fields with the roles text, label and so on;
            (``named-twice``) two of them have the same name, so that their paths would be equal.
    """
    names = Counter(manifest.name for manifest in datasets)
    name, times = names.most_common(1)[0]
    if times > 1:
        raise InvalidInputError(
            "named-twice",
            f"{name} is named {times} times: its files would have the same paths",
            hint="name each dataset once, in one version",
        )
    first = datasets[0]
    for manifest in datasets[1:]:
        if manifest.body["reader"] != first.body["reader"]:
            raise InvalidInputError(
                "mixed-readers",
                f"{first.name} has the reader {first.body['reader']}, {manifest.name} the reader "
                f"{manifest.body['reader']}: their records differ in kind",
                hint="filter each dataset first: a filter over rows writes JSON Lines, and so does "
                "extract-text/2 over documents",
            )
        if manifest.body.get("fields") != first.body.get("fields"):
            raise InvalidInputError(
                "mixed-fields",
                f"{first.name} and {manifest.name} have different fields as text, label or id",
                hint="rename or drop fields first with map/1, which moves their roles; state "
                "missing roles with commit or import: --text, --label, --id, …",
            )


def source_of(datasets: Sequence[Manifest], trees: Sequence[Tree]) -> FilterSource:
    """Return the source of a filter over one or several datasets.

    Args:
        datasets: At least one.
        trees: Their trees, in the same order.

    Raises:
        InvalidInputError: As :func:`check_union`; (``bad-path``) a path becomes too long, or the
            name of a dataset is not a valid folder name on every system.

    Cost: O(files).
    """
    if len(datasets) == 1:
        (one,) = datasets
        kept = {name: one.body[name] for name in _INHERITED if name in one.body}
        descriptor = one.body["descriptor"]
        records = RecordSource.of(one, trees[0])
        return FilterSource((one,), records, kept, descriptor, one.attachments_in(_TEXT))
    check_union(datasets)
    tree = _united_tree(datasets, trees)
    members: dict[str, Any] = {}
    columns = dict.fromkeys(
        column for one in datasets for column in one.body.get("metadata", {}).get("columns", ())
    )
    if any("metadata" in one.body for one in datasets):
        members["metadata"] = sheet_of(tuple(columns), tree)
    if (licence := _united_licence(datasets)) is not None:
        members["licence"] = licence
    texts = dict.fromkeys(text for one in datasets for text in one.attachments_in(_TEXT))
    records = RecordSource(
        tree,
        source_reader(datasets[0].body),
        FieldRoles.of_body(datasets[0].body),
        frozenset(
            path_prefix(one) + path for one in datasets for path in one.body.get("companions", ())
        ),
    )
    return FilterSource(
        tuple(datasets), records, members, _united_descriptor(datasets), tuple(texts)
    )


def _united_tree(datasets: Sequence[Manifest], trees: Sequence[Tree]) -> Tree:
    prefixes = [path_prefix(one) for one in datasets]
    paths = (
        prefix + path for prefix, tree in zip(prefixes, trees, strict=True) for path in tree.paths
    )
    wrong = offenders(paths)
    if wrong:
        raise InvalidInputError(
            "bad-path",
            f"{wrong[0].shown[:200]} {wrong[0].reason}: a union prefixes paths with "
            "the dataset's name",
            hint="commit or import the dataset under a shorter name, or shorten its paths",
            details={"paths": [one.path for one in wrong[:1000]]},
        )
    return Tree.of(
        TreeEntry(prefix + entry.path, entry.bytes, entry.blake3, entry.meta)
        for prefix, tree in zip(prefixes, trees, strict=True)
        for entry in tree.entries
    )


def sheet_of(columns: tuple[str, ...], tree: Tree) -> dict[str, Any]:
    """Return the body member ``metadata``: a sheet that holds the metadata of a tree."""
    table = table_of({tree.paths[at]: meta for at, meta in sorted(tree.metas.items())}, columns)
    return {
        "columns": list(columns),
        "key": table.key,
        "sheetDigest": str(table.digest),
        "orphanRows": 0,
        "orphanFiles": len(tree) - len(tree.metas),
    }


def _united_licence(datasets: Iterable[Manifest]) -> dict[str, Any] | None:
    stated = [one.body.get("licence") for one in datasets]
    if not all(stated):
        return None  # some of its files have no stated licence
    if all(one == stated[0] for one in stated):
        return dict(stated[0] or {})
    expressions = dict.fromkeys(one["expression"] for one in stated if one)
    if len(expressions) == 1:
        return {"expression": next(iter(expressions))}
    parts = (f"({one})" if " " in one else one for one in expressions)
    return {"expression": " AND ".join(parts)}


def _united_descriptor(datasets: Sequence[Manifest]) -> Descriptor:
    united: Descriptor = {}
    for name in FIELDS:
        found = [one.body["descriptor"].get(name) for one in datasets]
        if found[0] is not None and all(one == found[0] for one in found):
            united[name] = found[0]
        else:
            united[name] = {"state": "unknown", "reason": "the datasets in it say different things"}
    return united
