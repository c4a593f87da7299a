"""Charts: the same bytes for the same values, every value in the table, no text over another."""

from collections.abc import Callable
from xml.etree.ElementTree import Element, tostring

from lyrikstore.web.charts import ForestRow, forest, ink


def drawn(chart: Callable[..., None], *values: object, **more: object) -> Element:
    main = Element("main")
    chart(main, *values, title="Title", **more)
    (figure,) = main
    return figure


def test_the_same_values_give_the_same_bytes() -> None:
    rows = [ForestRow("model", 0.8, 0.7, 0.9), ForestRow("baseline", 0.6, series=1)]
    assert tostring(drawn(forest, rows)) == tostring(drawn(forest, rows))


def test_ink_names_no_variable() -> None:
    assert "var(" not in ink()
    assert ".dot{" in ink().replace(" ", "")
