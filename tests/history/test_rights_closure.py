"""What a dataset or a model rests on: through filters, unions, merges, bases and generators."""

from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.lineage import Lineage, RightsClosure
from lyrikstore.history.manifests.manifest import Input
from tests.lineages import lineage_of


class Made(Struct, frozen=True):
    """As much of a manifest as the walk reads."""

    id: Digest
    kind: str
    body: dict[str, Any]
    inputs: tuple[Input, ...]

    @property
    def made_from(self) -> list[Digest]:
        return [one.id for one in self.inputs if one.kind == "dataset" and one.role != "against"]

    def inputs_in(self, role: str) -> tuple[Input, ...]:
        return tuple(one for one in self.inputs if one.role == role)


class Graph:
    """Manifests by name, and the closure of one of them."""

    def __init__(self) -> None:
        self.made: dict[Digest, Made] = {}

    def put(self, name: str, kind: str, origin: str = "", **inputs: list[str]) -> None:
        found = []
        for role, named in inputs.items():
            for one in map(ident, named):
                of = self.made[one].kind if one in self.made else "dataset"
                found.append(Input(role, of, one))
        self.made[ident(name)] = Made(ident(name), kind, {"origin": origin}, tuple(found))

    @property
    def lineage(self) -> Lineage:
        return lineage_of(*self.made.values())

    def closure(self, *names: str) -> RightsClosure:
        return self.lineage.rests_on(map(ident, names))


def ident(name: str) -> Digest:
    return Digest(name.encode().ljust(32, b"\0"))


def names(made: Any) -> list[str]:
    return [one.id.raw.rstrip(b"\0").decode() for one in made]


def trained(graph: Graph, name: str, *data: str, base: str) -> None:
    graph.put(f"{name}.run", "run", train=list(data), base=[base])
    graph.put(name, "checkpoint", "trained", run=[f"{name}.run"], train=list(data), base=[base])


def stages() -> Graph:
    graph = Graph()
    for name in ("bought", "own", "tests", "prompts"):
        graph.put(name, "dataset", "committed")
    graph.put("bert", "checkpoint", "imported")
    graph.put("part", "dataset", "filtered", source=["bought"], against=["tests"])
    trained(graph, "adapter", "part", base="bert")
    graph.put(
        "merged", "checkpoint", "derived",
        source=["adapter"], run=["adapter.run"], train=["part"], base=["bert"],
    )  # fmt: skip
    graph.put("written", "dataset", "generated", generator=["merged"], source=["prompts"])
    return graph


def test_a_model_that_was_trained_on_rests_on_what_its_base_learned_from() -> None:
    graph = stages()
    trained(graph, "second", "own", base="merged")
    found = graph.closure("second")
    assert names(found.sources) == ["own", "bought"]
    assert names(found.datasets) == ["own", "part"]
    assert names(found.models) == ["bert"]
    assert {key: names([one]) for key, one in found.through.items()} == {
        ident("own"): ["second"],
        ident("bought"): ["merged"],
    }


def test_a_run_uses_its_own_data_directly_and_that_of_its_base_through_it() -> None:
    graph = stages()
    trained(graph, "second", "own", base="merged")
    found = graph.closure("second.run")
    assert names(found.direct) == ["own"]
    assert names([found.through[ident("bought")]]) == ["merged"]


def test_what_a_model_wrote_rests_on_its_prompts_and_on_what_the_model_learned_from() -> None:
    found = stages().closure("written")
    assert names(found.sources) == ["written", "prompts", "bought"]
    assert names(found.datasets) == ["written", "part"]
    assert list(found.through) == [ident("bought")]


def test_what_is_used_directly_is_not_through_a_model_whatever_the_order() -> None:
    found = stages().closure("written", "bought")
    assert not found.through
    assert names(found.datasets) == ["written", "bought", "part"]


def test_nothing_rests_on_what_it_was_compared_with_or_measured_on() -> None:
    assert "tests" not in names(stages().closure("merged").sources)


def test_what_cannot_be_followed_is_named_once() -> None:
    graph = stages()
    trained(graph, "second", "own", "own2", base="merged")
    del graph.made[ident("bought")]
    found = graph.closure("second", "merged")
    assert found.absent == (ident("own2"), ident("bought"))
