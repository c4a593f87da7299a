"""A dataset as Croissant with its files and fields, loaded from a checkout by others' libraries."""

import json
import logging
import socket
from hashlib import sha256
from pathlib import Path
from typing import Any

import datasets
import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lyrikstore.api import CommitMetadata
from lyrikstore.api.store import Store
from lyrikstore.canon.errors import IncompleteError, InvalidInputError, LyrikstoreError
from lyrikstore.verify.report import Verdict
from tests.servers.dask import new_store

NAME = "acme/data"
DOCUMENTS = {
    "a.txt": b"one\n",
    "b.pdf": b"%PDF-1.4 nothing\n",
    "sub/[1] * ?.txt": b"two\n",
    "sub/c.md": b"# three\n",
    "sub/hidden": b"four\n",
}
ROWS: list[dict[str, Any]] = [
    {"id": "r1", "text": "A lease.", "label": ["lease", "rent"], "count": 1, "share": 0.5,
     "open": True, "two words": "x", "mixed": 1, "nested": {"a": 1}},
    {"id": "r2", "text": "A sale.", "label": ["sale"], "count": 2, "share": 2,
     "open": False, "two words": "y", "mixed": "1", "nested": {"a": 2}},
]  # fmt: skip
LINES = b"".join(json.dumps(one).encode() + b"\n" for one in ROWS)
TYPES = {
    "records/id": "sc:Text",
    "records/text": "sc:Text",
    "records/label": "sc:Text",
    "records/count": "sc:Integer",
    "records/share": "sc:Float",
    "records/open": "sc:Boolean",
    "records/-7": "sc:Text",  # "two words", which is no id
}

pytestmark = pytest.mark.filterwarnings(  # of rdflib, inside it
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning",
    "ignore:Dataset.default_context is deprecated:DeprecationWarning",
)


class Checkout:
    """A dataset that was committed, checked out, and exported into its folder."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        self.store: Store = new_store(folder)
        self.folder = folder / "out"
        for path, data in files.items():
            file = folder / "in" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        self.store.datasets.commit(folder / "in", NAME, CommitMetadata())
        self.store.datasets.checkout(NAME, self.folder)
        self.document: Any = self.store.export(NAME, "croissant").document
        self.file = self.folder / "croissant.json"
        self.file.write_text(json.dumps(self.document))

    def of(self, kind: str) -> list[Any]:
        """Return the parts of the distribution of one type."""
        return [one for one in self.document["distribution"] if one["@type"] == kind]

    def read(self, record_set: str) -> list[dict[str, Any]]:
        """Return the records as mlcroissant reads them."""
        found = mlcroissant.Dataset(str(self.file))
        assert not found.metadata.ctx.issues.errors
        return [dict(one) for one in found.records(record_set)]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections."""

    def refuse(*_: Any) -> None:
        raise AssertionError("it looks something up")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_documents(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = Checkout(tmp_path, DOCUMENTS)
    files = made.of("cr:FileObject")
    assert {one["contentUrl"]: one["sha256"] for one in files} == {
        path: sha256(data).hexdigest() for path, data in DOCUMENTS.items()
    }
    assert {one["contentUrl"]: one["contentSize"] for one in files} == {
        path: f"{len(data)} B" for path, data in DOCUMENTS.items()
    }
    assert all(sha256((made.folder / one["contentUrl"]).read_bytes()).hexdigest() == one["sha256"]
               for one in files)  # fmt: skip
    with caplog.at_level(logging.WARNING):
        found = made.read("documents")
    assert [line for line in caplog.text.splitlines() if "Property" in line and "citeAs" not in line
            ] == []  # fmt: skip
    assert {one["documents/fullpath"].decode(): one["documents/content"] for one in found} == {
        path: DOCUMENTS[path] for path in ("a.txt", "sub/[1] * ?.txt", "sub/c.md")
    }
    assert "lyrik:card" not in made.document


def test_rows_of_json(tmp_path: Path) -> None:
    made = Checkout(
        tmp_path,
        {
            "part/rows.jsonl": LINES,
            "more.jsonl": LINES.replace(b'"r', b'"q').replace(b'"qent', b'"rent'),
        },
    )
    (records,) = made.document["recordSet"]
    assert {one["@id"]: one["dataType"] for one in records["field"]} == TYPES
    assert {one["name"] for one in records["field"] if one.get("isArray")} == {"label"}
    found = made.read("records")
    assert sorted(one["records/id"] for one in found) == [b"q1", b"q2", b"r1", b"r2"]
    first = next(one for one in found if one["records/id"] == b"r1")
    assert first == {
        "records/id": b"r1", "records/text": b"A lease.", "records/label": [b"lease", b"rent"],
        "records/count": 1, "records/share": 0.5, "records/open": True, "records/-7": b"x",
    }  # fmt: skip
    paths = [str(made.folder / one["contentUrl"]) for one in made.of("cr:FileObject")]
    loaded = datasets.load_dataset(
        "json", data_files=paths, split="train", cache_dir=str(tmp_path / "cache")
    )
    assert sorted(loaded["id"]) == ["q1", "q2", "r1", "r2"]
    named = {one["name"] for one in records["field"]}
    assert named < set(loaded.column_names)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.csv", b'id,text\n1,"a, b"\n2,c\n'),
        ("rows.tsv", b"id\ttext\n1\ta, b\n2\tc\n"),
    ],
)
def test_rows_of_tables(name: str, data: bytes, tmp_path: Path) -> None:
    made = Checkout(tmp_path, {name: data})
    assert made.read("records") == [
        {"records/id": b"1", "records/text": b"a, b"},
        {"records/id": b"2", "records/text": b"c"},
    ]


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas, by mlcroissant
def test_rows_of_parquet(tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": ["1", "2"], "text": ["a", "b"], "count": [1, 2]}), sink)
    made = Checkout(tmp_path, {"rows.parquet": sink.getvalue().to_pybytes()})
    assert [one["records/text"] for one in made.read("records")] == [b"a", b"b"]
    assert [one["records/count"] for one in made.read("records")] == [1, 2]


def test_tables_that_loaders_read_wrongly_have_no_record_set(tmp_path: Path) -> None:
    made = Checkout(tmp_path, {"rows.csv": b"id;text\n1;a, b\n2;c\n"})
    assert "recordSet" not in made.document
    assert [one["encodingFormat"] for one in made.document["distribution"]] == ["text/csv"]
    assert not mlcroissant.Dataset(str(made.file)).metadata.ctx.issues.errors


def test_each_format_has_its_record_set(tmp_path: Path) -> None:
    made = Checkout(tmp_path, {"a.csv": b"id,text\n1,a\n", "b.tsv": b"id\ttext\n2\tb\n"})
    assert made.read("records") == [{"records/id": b"1", "records/text": b"a"}]
    assert made.read("records-2") == [{"records-2/id": b"2", "records-2/text": b"b"}]


def test_only_datasets_that_verify_and_are_here(tmp_path: Path) -> None:
    made = Checkout(tmp_path, {"a.txt": b"one\n"})
    assert made.store.verify(NAME).verdict is Verdict.TRUSTED
    with pytest.raises(InvalidInputError) as caught:
        made.store.export(NAME, "slsa")
    assert caught.value.kind == "wrong-object"
    packs = [one for one in (tmp_path / "store").rglob("packs/**/*") if one.is_file()]
    for pack in packs:
        pack.unlink()
    with pytest.raises(LyrikstoreError):
        Store.open(
            tmp_path / "store", memory_dir=tmp_path / "memory", trust_file=tmp_path / "trust.toml"
        ).export(NAME, "croissant")


def test_a_retired_version_is_not_exported(tmp_path: Path) -> None:
    """Its paths stay in the store; whether or not its data still exists, nothing is described."""
    made = Checkout(tmp_path, {"a.txt": b"one\n"})
    (tmp_path / "in" / "a.txt").write_bytes(b"two\n")
    made.store.datasets.commit(tmp_path / "in", NAME, CommitMetadata())
    made.store.datasets.gc(keep=(f"datasets/{NAME}", 1))
    with pytest.raises(IncompleteError) as caught:
        made.store.export(f"{NAME}~1", "croissant")
    assert caught.value.kind == "retired"
    document: Any = made.store.export(NAME, "croissant").document
    (file,) = (one for one in document["distribution"] if one["@type"] == "cr:FileObject")
    assert file["sha256"] == sha256(b"two\n").hexdigest()
