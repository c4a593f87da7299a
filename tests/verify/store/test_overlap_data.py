"""In which data an evaluation looked for records of its test set, and in which it did not."""

from typing import Any

from lyrikstore.verify.store.test_sets import looked_in, overlooked
from tests.history.test_rights_closure import Graph, ident, names, stages, trained


def second() -> tuple[Graph, Any]:
    graph = stages()
    trained(graph, "second", "own", base="merged")
    return graph, graph.made[ident("second")]


def test_all_that_a_model_rests_on_is_looked_in() -> None:
    graph, model = second()
    overlap = {"checked": "record ids/2"}
    assert names(looked_in(overlap, model, graph.lineage)) == ["own", "part"]
    assert overlooked(overlap, model, graph.lineage) == []


def test_an_evaluation_of_before_looked_in_the_models_own_data() -> None:
    graph, model = second()
    overlap = {"checked": "record ids"}
    assert names(looked_in(overlap, model, graph.lineage)) == ["own"]
    assert names(overlooked(overlap, model, graph.lineage)) == ["part"]


def test_what_is_called_unread_is_named_and_never_the_models_own_data() -> None:
    graph, model = second()
    unread = [str(ident(one)) for one in ("own", "part")]
    overlap = {"checked": "record ids/2", "unread": unread}
    assert names(looked_in(overlap, model, graph.lineage)) == ["own"]
    assert names(overlooked(overlap, model, graph.lineage)) == ["part"]


def test_own_data_that_cannot_be_followed_leaves_nothing_to_count() -> None:
    graph, model = second()
    del graph.made[ident("own")]
    assert looked_in({"checked": "record ids/2"}, model, graph.lineage) is None
