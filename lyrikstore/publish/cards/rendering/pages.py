"""The pages and annexes of a card: of a model, and of a dataset (spec §14.4.7)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.publish.cards.rendering.blocks import Block, Chart, Heading, Paragraph, Table
from lyrikstore.publish.cards.rendering.layout import Layout
from lyrikstore.verify.evaluation.limits import JUDGED_RECORDS

_VERDICT = "evaluation.verdict"


def layout_of(card: Mapping[str, Any]) -> Layout:
    """Return the layout of a card.

    Args:
        card: Contents of ``card.json``.
    """
    return DatasetLayout(card) if card["subject"]["kind"] == "dataset" else ModelLayout(card)


def heading_of(card: Mapping[str, Any]) -> str:
    """Return the heading of a card."""
    what = "Datasheet" if card["subject"]["kind"] == "dataset" else "Model card"
    return f"{what} {card['subject']['name']}"


class Flow(Struct, frozen=True):
    """A graph of datasets, models and tests, drawn as a flow chart.

    Attributes:
        steps: Title of each column, and the names in it.
        edges: Pairs of names: the second was made from the first.
        names: Id of a dataset → its name.
    """

    steps: Sequence[tuple[str, Sequence[str]]]
    edges: Sequence[tuple[str, str]]
    names: Mapping[str, str] = {}


def data_flow(layout: Layout) -> Flow:
    """Return the graph from source datasets to derived ones, with a column for each step."""
    sources, derived = layout.facts("data.source"), layout.facts("data.derived")
    names = {one["evidence"][0]: one["about"] for one in (*sources, *derived) if one["about"]}
    made = {one["evidence"][0]: one["value"]["from"] for one in derived}
    depth = {one["evidence"][0]: 0 for one in sources}
    while new := [
        one for one in made if one not in depth and depth.keys() >= {*made[one]} & made.keys()
    ]:
        depth |= {one: 1 + max(depth.get(origin, 0) for origin in made[one]) for one in new}
    columns: list[tuple[str, list[str]]] = [("sources", [])]
    for identity, step in depth.items():
        while len(columns) <= step:
            columns.append(("made from them", []))
        if identity in names:
            columns[step][1].append(names[identity])
    edges = [(names[origin], names[one]) for one in made for origin in made[one] if origin in names]
    return Flow(columns, edges, names)


class ModelLayout(Layout):
    """The card of a model: whether it is worth using, what it was made from, where it fails."""

    def annexes(self) -> Iterator[Block]:
        """Yield the annexes: evaluations, data and training in full."""
        yield from self._evaluations()
        yield from self.data()
        yield from self._training()

    def first_page(self) -> Iterator[Block]:
        """Yield the first page: purpose, verdict, training data."""
        yield from self.head()
        yield Heading("What it is for")
        yield self.lines(self.answers("intended-use", "out-of-scope") or self.facts("model.task"))
        yield Heading("Is it worth using?")
        cheaper = {one["evidence"][0]: one["text"] for one in self.facts("evaluation.cheaper")}
        for one in self.facts("evaluation.given", "evaluation.verdict", "evaluation.against"):
            beside = cheaper.get(one["evidence"][0]) if one["id"].startswith(_VERDICT) else None
            text = "; ".join(filter(None, (one["text"], beside)))
            yield Paragraph(f"{text[:1].upper()}{text[1:]}", strong=True)
        yield self.said(
            "model.external", "evaluation.given", "evaluation.verdict", "evaluation.cheaper",
            "evaluation.against", "evaluation.data", "evaluation.retired", "evaluation.metric",
            "evaluation.cost", "evaluation.threshold", "evaluation.worst-class",
            "evaluation.worst-slice", "evaluation.seen", "evaluation.near",
        )  # fmt: skip
        yield Heading("What it was trained on")
        yield self.said(
            "data.source", "data.licence", "data.licence-unstated", "data.collected",
            "data.classification", "rights.regulatory", "rights.train", "rights.prohibits",
            "rights.attribution", "rights.deletion", "rights.withdrawn", "rights.same-bytes",
            "model.words", "run.confined", about=True,
        )  # fmt: skip

    def second_page(self) -> Iterator[Block]:
        """Yield the second page: origin, liability, known failures."""
        yield Heading("Where the model comes from", page=True)
        yield Chart("flow", "from sources to the model and its tests", self._flow())
        yield self.said("data.derived", "data.parts", about=True)
        yield from self.liability()
        yield from self.rules()
        yield Heading("Where it fails")
        found = self.facts("evaluation.confusion", "evaluation.calibration", "model.decision")
        yield self.lines([*found, *self.answers("limitations", "risks", "human-oversight")])
        yield from self.proof("how the model does on other data than it was tested on")

    def _flow(self) -> Flow:
        """Return the graph from sources to tests."""
        flow = data_flow(self)
        name = self.card["subject"]["name"]
        tests = self.facts("evaluation.data")
        base = [one["text"] for one in self.facts("model.base") if "value" in one]
        parts = [one for one in self.facts("data.parts") if not one["about"].startswith("test ")]
        ends = [flow.names.get(one["evidence"][0], "") for one in parts]
        edges = [(one, name) for one in (*ends, *base)]
        for one in tests:
            edges += [(flow.names.get(data, ""), one["about"]) for data in one["evidence"][1:2]]
            edges.append((name, one["about"]))
        (first, sources), *others = flow.steps
        steps = [(first, [*sources, *base]), *others]
        return Flow(
            [*steps, ("model", [name]), ("tests", [one["about"] for one in tests])],
            [*flow.edges, *edges],
        )

    def _evaluations(self) -> Iterator[Block]:
        yield Heading("How it was measured", page=True)
        for one in self.facts("evaluation.metric"):
            yield Chart("metrics", f"{one['title']}, {one['about']}", one["value"])
        classes = self.facts("evaluation.class")
        if classes:
            yield Heading("Each label", 3)
            rows = [
                (
                    (
                        one["title"],
                        self._records(one["value"]["support"]),
                        one["value"]["precision"],
                        one["value"]["recall"],
                        one["value"]["f1"],
                        one["value"].get("baselineF1", "not known"),
                    ),
                    self.cited(one["evidence"]),
                )
                for one in classes
            ]
            yield Table(("label", "records", "precision", "recall", "F1", "baseline F1"), rows)
        for kind in ("confusion", "calibration", "coverage"):
            for one in self.facts(f"evaluation.{kind}"):
                yield Heading(one["title"], 3)
                yield self.lines([one])
                yield Chart(kind, f"{one['title']}, {one['about']}", one["value"])
        slices = self.facts("evaluation.slice")
        if slices:
            yield Heading("Slices", 3)
            drawn = [[one["title"], one["value"]] for one in slices]
            yield Chart("slices", "metric of each slice", drawn)
            yield self.lines(slices)
        yield Heading("Failures, time, resources", 3)
        yield self.said(
            "evaluation.failure", "evaluation.latency", "evaluation.resources", "rights.evaluate",
            "evaluation.decision",
        )  # fmt: skip

    def _records(self, count: int) -> str:
        few = self.form.claims_what_is_shown and count < JUDGED_RECORDS
        return f"{count}, too few to judge" if few else str(count)

    def _training(self) -> Iterator[Block]:
        yield Heading("The run", page=True)
        yield self.said(
            "subject.name", "subject.content", "model.format", "model.architecture",
            "model.generates", "model.labels",
            "model.base", "model.base-rights", "run.registered", "run.purpose", "run.order",
            "run.code", "run.environment", "run.chosen", "run.passed-over",
            "run.planned", "run.taken", "run.reproduced", "run.reported",
        )  # fmt: skip
        yield Heading("Configuration", 3)
        yield self.said("run.config")


class DatasetLayout(Layout):
    """The card of a dataset: what is in it, who may use it for what, what was done to it."""

    def first_page(self) -> Iterator[Block]:
        """Yield the first page: purpose, contents, rights."""
        yield from self.head()
        yield Heading("What it is for")
        yield self.lines(
            self.answers("motivation", "suitable-uses", "unsuitable-uses")
            or self.facts("data.purposes", "data.prohibited-uses"),
            about=True,
        )
        yield Heading("What is in it")
        yield self.said(
            "subject.content", "data.about", "data.source", "data.collected", "data.geography",
            "data.classification", "data.annotation", "data.synthetic", about=True,
        )  # fmt: skip
        yield Heading("Who may use it for what")
        yield self.said(
            "data.licence", "data.licence-unstated", "rights.permits", "rights.prohibits",
            "rights.requires", "rights.attribution", "rights.deletion", "rights.limits",
            "rights.regulatory", "rights.withdrawn", about=True,
        )  # fmt: skip

    def second_page(self) -> Iterator[Block]:
        """Yield the second page: origin, liability, known errors."""
        yield Heading("Where the data comes from", page=True)
        yield Chart("flow", "from sources to the dataset", data_flow(self))
        yield self.said("data.derived", "data.found", "data.redacted", about=True)
        yield from self.liability()
        yield Heading("What is wrong with it")
        known = self.facts("data.quality", "data.biases", "data.limitations", "rights.quality")
        yield self.lines([*known, *self.answers("data-errors", "bias-sources")], about=True)
        yield from self.proof("that the records are true, complete, or of whom they seem to be")

    def annexes(self) -> Iterator[Block]:
        """Yield the annex: all statements about the data."""
        yield from self.data()
