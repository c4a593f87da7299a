"""The walk below a manifest: complete, typed, ordered, and never stopped by the first fault."""

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, NotFoundError, StorageError, VerificationError
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Input


class Stub:
    """A store of manifests that were never signed, to hold what no store lets in."""

    checkpoint = None

    def __init__(self, base):
        self.base = base
        self.manifests = {}
        self.broken = {}

    def add(self, name, kind="dataset", inputs=(), parents=()):
        identity = Digest.of(name.encode())
        made = replace(
            self.base,
            kind=kind,
            name=f"{kind}s/acme/{name}",
            inputs=tuple(Input(*item) for item in inputs),
            parents=tuple(parents),
            id=identity,
        )
        self.manifests[identity] = (len(self.manifests), made)
        return identity

    def index_of(self, identity):
        if identity not in self.manifests:
            raise NotFoundError("not-logged", "not in the log")
        return self.manifests[identity][0]

    def manifest(self, identity):
        if identity in self.broken:
            raise self.broken[identity]
        self.index_of(identity)
        return self.manifests[identity][1]


@pytest.fixture
def stub(shelf):
    return Stub(shelf.commit())


def kinds(graph):
    return [problem.kind for problem in graph.problems]


def test_a_real_lineage(shelf):
    source = shelf.commit()
    result = shelf.derive(source)
    graph = Lineage.read(shelf.again(), result.id)
    assert graph.complete
    assert next(iter(graph.nodes)) == result.id
    assert {one.kind for one in graph.values()} == {"dataset", "filter"}
    assert [(edge.role, edge.kind) for edge in graph.edges if edge.child == result.id] == [
        ("source", "dataset"),
        ("filter", "filter"),
    ]
    assert [node.id for node in graph.sources()] == [source.id]
    assert [graph.nodes[one.id].index for one in graph.of_kind("filter")] == [4]


def test_earlier_versions_are_no_part_of_it(shelf):
    shelf.commit()
    two = shelf.commit(content={"a": b"2"})
    graph = Lineage.read(shelf.again(), two.id)
    assert list(graph.nodes) == [two.id]
    assert graph.complete


def test_something_never_logged(shelf):
    graph = Lineage.read(shelf.again(), Digest(b"\0" * 32))
    assert kinds(graph) == ["unlogged"]
    assert not graph.nodes


def test_a_diamond_is_walked_once(stub):
    a = stub.add("a")
    b = stub.add("b", inputs=[("source", "dataset", a)])
    c = stub.add("c", inputs=[("source", "dataset", a)])
    d = stub.add("d", inputs=[("source", "dataset", b), ("source", "dataset", c)])
    graph = Lineage.read(stub, d)
    assert graph.complete
    assert list(graph.nodes) == [d, b, c, a]
    assert len(graph.edges) == 4
    assert [node.id for node in graph.sources()] == [a]


def test_wrong_kinds_unlogged_and_later_inputs_are_all_named(stub):
    a = stub.add("a")
    unknown = Digest(b"\0" * 32)
    later = Digest.of(b"later")
    b = stub.add(
        "b",
        inputs=[("filter", "filter", a), ("source", "dataset", unknown), ("x", "dataset", later)],
    )
    stub.add("later")
    graph = Lineage.read(stub, b)
    assert sorted(kinds(graph)) == ["logged-later", "unlogged", "wrong-kind"]
    assert len(graph.nodes) == 3
    assert all("\n" not in problem.summary for problem in graph.problems)


def test_lost_and_damaged_manifests_do_not_stop_the_walk(stub):
    a, b, c = stub.add("a"), stub.add("b"), stub.add("c")
    d = stub.add("d", inputs=[("source", "dataset", item) for item in (a, b, c)])
    stub.broken[a] = IncompleteError("blob-lost", "lost")
    stub.broken[b] = VerificationError("blob-damaged", "damaged")
    graph = Lineage.read(stub, d)
    assert kinds(graph) == ["missing", "damaged"]
    assert set(graph.nodes) == {c, d}


def test_a_failing_disk_is_no_verdict(stub):
    a = stub.add("a")
    stub.broken[a] = StorageError("io", "input/output error")
    with pytest.raises(StorageError):
        Lineage.read(stub, a)


def test_cycles_end(stub):
    a, b = Digest.of(b"a"), Digest.of(b"b")
    stub.add("a", inputs=[("source", "dataset", b)])
    stub.add("b", inputs=[("source", "dataset", a)])
    top = stub.add("top", inputs=[("source", "dataset", a)])
    graph = Lineage.read(stub, top)
    assert kinds(graph).count("cycle") == 3  # both, and what rests on them
    assert set(graph.nodes) == {a, b, top}


def test_a_manifest_made_from_itself(stub):
    a = Digest.of(b"a")
    stub.add("a", inputs=[("source", "dataset", a)])
    assert "cycle" in kinds(Lineage.read(stub, a))


def test_earlier_versions_of_another_name(stub):
    a = stub.add("a")
    b = stub.add("b", parents=[a, Digest(b"\0" * 32)])
    assert kinds(Lineage.read(stub, b)) == ["wrong-parent", "unlogged"]
    early = Digest.of(b"late")
    c = stub.add("c", parents=[early])
    stub.add("late")
    assert "logged-later" in kinds(Lineage.read(stub, c))
