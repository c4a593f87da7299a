"""Several datasets as one: what a filter with several sources reads (spec §12.4.1).

Nothing is compared and nothing dropped: a record that two of them have is there twice. Every file
lies below the name of the dataset it comes from, so where it came from can be read off its path.
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
    """What a filter reads: one dataset, or the union of several.

    Attributes:
        manifests: The datasets, in the order they were named.
        records: All files, and how they are records.
        members: What is inherited of the body: ``metadata``, ``licence``, where it has them.
        descriptor: What is inherited of the descriptor.
        texts: The licence texts.
    """

    manifests: tuple[Manifest, ...]
    records: RecordSource
    members: Mapping[str, Any]
    descriptor: Descriptor
    texts: tuple[Attachment, ...]

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return " with ".join(manifest.name for manifest in self.manifests)

    @property
    def is_union(self) -> bool:
        """Whether it is several datasets."""
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
        """The fields of its records; None where that is not known."""
        if not self.records.is_rows:
            return frozenset(self.columns)
        found: set[str] = set()
        for one in self.manifests:
            stats = one.body["descriptor"].get("stats", {}).get("value", {})
            if "fields" not in stats or "fieldsAbove" in stats:
                return None
            found.update(item["field"] for item in stats["fields"])
        return frozenset(found)


def check_union(datasets: Sequence[Manifest]) -> None:
    """Return if these datasets can be read as one.

    Raises:
        InvalidInputError: (``mixed-readers``) their records are read in different ways;
            (``mixed-fields``) other fields are text, label and so on;
            (``named-twice``) two of them are versions of one name, whose paths would be the same.
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
                f"{first.name} is read by {first.body['reader']}, {manifest.name} by "
                f"{manifest.body['reader']}: what a record is, differs",
                hint="filter each of them first: what a filter makes of rows is JSON Lines, and "
                "so is what extract-text/2 makes of documents",
            )
        if manifest.body.get("fields") != first.body.get("fields"):
            raise InvalidInputError(
                "mixed-fields",
                f"{first.name} and {manifest.name} have other fields as text, label or id",
                hint="rename or drop fields first with map/1, and their roles with them; roles "
                "that nobody stated commit and import take: --text, --label, --id, …",
            )


def source_of(datasets: Sequence[Manifest], trees: Sequence[Tree]) -> FilterSource:
    """Return what a filter reads of one or several datasets.

    Args:
        datasets: At least one.
        trees: Their trees, in the same order.

    Raises:
        InvalidInputError: As :func:`check_union`; (``bad-path``) a path becomes too long, or the
            name of a dataset is none that a folder can have everywhere.

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
            f"{wrong[0].shown[:200]} {wrong[0].reason}: a union puts the dataset's name in front",
            hint="commit or import it under a shorter name, or give its files shorter paths",
            details={"paths": [one.path for one in wrong[:1000]]},
        )
    return Tree.of(
        TreeEntry(prefix + entry.path, entry.bytes, entry.blake3, entry.meta)
        for prefix, tree in zip(prefixes, trees, strict=True)
        for entry in tree.entries
    )


def sheet_of(columns: tuple[str, ...], tree: Tree) -> dict[str, Any]:
    """Return what a body says of the sheet that the metadata of a tree could have come from."""
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
        return None  # of some of its files nobody said what holds
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
