"""The links of a store, and the objects around one of them."""

from collections import namedtuple

import pytest

from lyrikstore.explorer.graph.links import GraphLink, GraphNode, StoreLinks, read_links
from lyrikstore.explorer.graph.walk import GraphEdge, direct, walk

Rows = namedtuple("Rows", "rows")


def node(name: str, index: int, kind: str = "dataset") -> GraphNode:
    return GraphNode(name, kind, f"datasets/{name}", 1, True, index)


def chain(count: int) -> StoreLinks:
    nodes = [node(f"n{at}", at) for at in range(count)]
    return StoreLinks(
        nodes, [GraphLink(f"n{at}", f"n{at + 1}", "source") for at in range(count - 1)]
    )


def names(around) -> list[str]:
    return [one.id for one in around.nodes]


def test_both_directions_up_to_a_depth() -> None:
    around = walk(chain(9), "n4", up=1, down=2)
    assert names(around) == ["n3", "n4", "n5", "n6"]
    assert around.above == {"n3": 1}
    assert around.below == {"n6": 1}
    assert around.levels == {"n4": 0, "n3": -1, "n5": 1, "n6": 2}


def test_no_more_than_a_number_and_the_rest_is_counted() -> None:
    nodes = [node("source", 0), *(node(f"n{at}", at + 1) for at in range(300))]
    links = StoreLinks(nodes, [GraphLink("source", f"n{at}", "source") for at in range(300)])
    around = walk(links, "source", up=1, down=1, most=200)
    assert len(around.nodes) == 200
    assert around.below == {"source": 101}


def test_decisions_are_shown_on_request() -> None:
    links = StoreLinks(
        [node("data", 0), node("asked", 1, "decision"), node("run", 2, "run")],
        [GraphLink("data", "asked", "dataset"), GraphLink("asked", "run", "decision")],
    )
    assert names(walk(links, "data", up=2, down=2)) == ["data"]
    assert names(walk(links, "data", up=2, down=2, aside=True)) == ["data", "asked", "run"]


def test_links_that_a_longer_way_replaces_are_left_out() -> None:
    links = StoreLinks(
        [node("a", 0), node("b", 1), node("c", 2)],
        [
            GraphLink("a", "b", "source"),
            GraphLink("b", "c", "source"),
            GraphLink("a", "c", "train"),
        ],
    )
    around = walk(links, "a", up=0, down=2)
    assert [(one.parent, one.child) for one in around.edges] == [("a", "b"), ("b", "c")]
    assert len(walk(links, "a", up=0, down=2, whole=True).edges) == 3


def test_roles_of_one_edge_are_joined() -> None:
    links = StoreLinks(
        [node("a", 0), node("b", 1)],
        [GraphLink("a", "b", "train"), GraphLink("a", "b", "validation")],
    )
    assert walk(links, "a", up=0, down=1).edges == [GraphEdge("a", "b", ("train", "validation"))]


def test_a_cycle_ends() -> None:
    links = StoreLinks(
        [node("a", 0), node("b", 1)], [GraphLink("a", "b", "x"), GraphLink("b", "a", "x")]
    )
    assert names(walk(links, "a", up=9, down=9)) == ["a", "b"]
    assert links.resting_on("a") == {"b"}
    assert len(direct([GraphEdge("a", "b", ()), GraphEdge("b", "a", ())])) == 2


def test_links_to_objects_of_other_stores_are_left_out() -> None:
    links = StoreLinks([node("a", 0)], [GraphLink("elsewhere", "a", "source")])
    assert links.above("a") == ()


def test_an_unknown_centre() -> None:
    with pytest.raises(KeyError):
        walk(chain(2), "absent", up=1, down=1)


def test_rows_of_the_index() -> None:
    answers = iter(
        [
            [
                ("d", "dataset", "datasets/a", 1, True, 4, None, 10, 7, 3, 0, 0),
                ("c", "credential", "a", None, True, 5, None, *[None] * 5),
            ],
            [("c", "d", "subject"), (None, "d", "rights")],
        ]
    )
    links = read_links(lambda _query, rows: Rows(next(answers)), {"c": "Dataset credential: a"})
    assert links.nodes["c"].name == "Dataset credential: a"
    assert links.nodes["d"].counts.kept == 7
    assert [link.role for link in links.above("d")] == ["subject"]
