"""The figures of a card, for programs: those of the model beside those of cheaper systems."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.publish.cards.rendering.layout.contents import CardContents
from lyrikstore.publish.cards.rendering.layout.statements import labels_of
from lyrikstore.verify.evaluation.words import METRICS

_LEVEL = re.compile(r", ([0-9.]{1,12}) %; baseline: ")
_OF_CLASS = (("f1", "F1"), ("precision", "precision"), ("recall", "recall"))


class Figure(Struct, frozen=True):
    """A measured figure.

    Attributes:
        metric: Name of the metric.
        system: The measured system: ``model``, ``baseline``, ``nearest record`` or ``commonest
            label``.
        value: A decimal.
        low: Lower end of its interval, a decimal; empty: no interval.
        high: Upper end of its interval.
        level: Confidence of the interval in percent; empty: not known.
        part: The part of the test data, such as ``class lease``; empty: all of it.
        evaluation: The evaluation, if there are several.
        records: Number of records; 0: all, or not known.
    """

    metric: str
    system: str
    value: str
    low: str = ""
    high: str = ""
    level: str = ""
    part: str = ""
    evaluation: str = ""
    records: int = 0

    @property
    def called(self) -> str:
        """The metric and the system; for the model, the metric alone."""
        return self.metric if self.system == "model" else f"{self.metric} of the {self.system}"

    @property
    def slice(self) -> str:
        """The part and the evaluation; empty: all of the only evaluation."""
        return ", ".join(filter(None, (self.evaluation, self.part)))


class Figures:
    """The figures of a card, from its statements.

    Args:
        contents: The card.
    """

    def __init__(self, contents: CardContents) -> None:
        self.contents = contents
        self._levels: dict[str, str] = {}
        tested = [one for one in contents.facts("evaluation.data") if one["about"]]
        for one in tested:
            found = _LEVEL.search(one["text"])
            self._levels[one["evidence"][0]] = found[1] if found else ""
        # Two evaluations can have one name: a version each.
        names = Counter(one["about"] for one in tested)
        labels = labels_of(self._levels)
        self._names = {
            one["evidence"][0]: one["about"]
            if names[one["about"]] == 1
            else f"{one['about']} ({labels[one['evidence'][0]]})"
            for one in tested
        }

    def whole(self) -> Iterator[Figure]:
        """Yield the metrics over all test records, of each system."""
        for one in self.contents.facts("evaluation.metric"):
            for system, figure in _in_order(one["value"]):
                yield self._figure(one, one["title"], system, figure)

    def slices(self) -> Iterator[Figure]:
        """Yield the metric of the model in each part of the test data."""
        for one in self.contents.facts("evaluation.slice"):
            figure = one["value"]
            metric = one["text"].partition(f" {figure['value']}")[0]
            yield self._figure(one, metric, "model", figure, one["title"])

    def classes(self) -> Iterator[Figure]:
        """Yield the figures of each label, and the F1 of the baseline."""
        for one in self.contents.facts("evaluation.class"):
            figures, part = one["value"], f"class {one['title']}"
            said = [("model", title, figures[name]) for name, title in _OF_CLASS]
            if "baselineF1" in figures:
                said.append(("baseline", "F1", figures["baselineF1"]))
            for system, title, value in said:
                figure = {"value": value, "count": figures["support"]}
                yield self._figure(one, title, system, figure, part)

    def confidence(self) -> Iterator[Figure]:
        """Yield the calibration of confidence, and the accuracy over the most certain records."""
        for one in self.contents.facts("evaluation.calibration"):
            value = {"value": one["value"]["ece"]}
            yield self._figure(one, "expected calibration error", "model", value)
        titles = {one["title"] for one in self.contents.facts("evaluation.metric")}
        metric = METRICS["accuracy"]
        # Of several labels it is the share of records with all of them right.
        if self.contents.form.claims_what_is_shown and metric not in titles:
            metric = METRICS["subsetAccuracy"]
        for one in self.contents.facts("evaluation.coverage"):
            for row in one["value"]:
                part = f"answered share {row['share']}"
                yield self._figure(one, metric, "model", {"value": row["accuracy"]}, part)

    def _figure(
        self,
        statement: Mapping[str, Any],
        metric: str,
        system: str,
        figure: Mapping[str, Any],
        part: str = "",
    ) -> Figure:
        evaluation = statement["evidence"][0]
        return Figure(
            metric=metric,
            system=system,
            value=figure["value"],
            low=figure.get("low", ""),
            high=figure.get("high", ""),
            level=self._levels.get(evaluation, ""),
            part=part,
            evaluation=self._names.get(evaluation, "") if len(self._names) > 1 else "",
            records=figure.get("count", 0),
        )


def _in_order(systems: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for system in ("model", "baseline", "nearest record", "commonest label"):
        if system in systems:
            yield system, systems[system]
