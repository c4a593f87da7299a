"""A run with its checkpoint and its evaluations, and the texts of their figures."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.lineage import label
from lyrikstore.explorer.graph.standing import StoreMap
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore.verify.evaluation.words import METRICS, figures_of, with_interval
from lyrikstore.web.texts import page_text

RESOURCES = (
    ("wallSeconds", "time"),
    ("cpuSeconds", "processor"),
    ("memoryBytes", "memory"),
    ("acceleratorMemoryBytes", "accelerator-memory"),
    ("energyKwh", "energy"),
    ("costUsd", "cost"),
)
"""Members of ``plan`` and ``actual``, with keys of their names in ``texts.json``."""

_LEARNED = ("train", "validation", "test")


class Training(Struct, frozen=True):
    """A run and what came of it.

    Attributes:
        run: Its manifest.
        name: Its name for people, with its version if there is a later one.
        checkpoint: Its last checkpoint; None: it has none.
        evaluations: The evaluations of that checkpoint on locked test data, the newest first.
        monitors: Its monitoring results, the newest first.
        data: Role → names of the data.
        tests: Ids of the test data of the newest evaluation.
    """

    run: Manifest
    name: str
    checkpoint: Manifest | None
    evaluations: Sequence[Manifest]
    monitors: Sequence[Manifest]
    data: Mapping[str, str]
    tests: frozenset[str]

    @property
    def body(self) -> Mapping[str, Any]:
        """What was registered before the first step."""
        found: Mapping[str, Any] = self.run.body
        return found

    @property
    def reached(self) -> Mapping[str, Any]:
        """The body of the checkpoint; empty without one."""
        return {} if self.checkpoint is None else self.checkpoint.body

    @property
    def result(self) -> Mapping[str, Any] | None:
        """The body of the newest evaluation; None without one."""
        return self.evaluations[0].body if self.evaluations else None

    @property
    def base(self) -> str:
        """The model it started from, as its config names it."""
        return str(self.body.get("config", {}).get("model", {}).get("base", ""))

    @property
    def chosen(self) -> str:
        """The candidate that was chosen; the only one where there was no choice; else empty."""
        chosen = self.reached.get("chosen")
        if chosen is not None:
            return ", ".join(one.name for one in candidates_of(chosen) if one.is_taken)
        return str(self.reached.get("format", ""))

    @property
    def metric(self) -> str:
        """The deciding metric on the test data with its interval; empty without an evaluation."""
        if self.result is None:
            return ""
        name = deciding(self.result)
        figures = figures_of(self.result["model"])
        return f"{METRICS[name]} {with_interval(figures[name])}" if name in figures else ""

    def used(self, member: str) -> str:
        """Return a measured resource in words; empty if it was not measured."""
        found = self.reached.get("actual", {}).get(member)
        return "" if found is None else amount(member, found)

    def planned(self, member: str) -> str:
        """Return a planned resource in words; empty if it was not planned."""
        found = self.body.get("plan", {}).get(member)
        return "" if found is None else amount(member, found["value"])


def deciding(body: Mapping[str, Any]) -> str:
    """Return the metric that decides an evaluation: that of its first comparison, or the first."""
    for one in body.get("comparisons", ()):
        return str(one["metric"])
    return next(iter(figures_of(body["model"])), "")


def training_of(explorer: Explorer, found: StoreMap, run: str) -> Training:
    """Return a run with what came of it.

    Args:
        explorer: The explorer.
        found: The map of its store.
        run: Id of the run.

    Raises:
        LyrikstoreError: A manifest is lost or damaged.

    Cost: one read and one signature check for each manifest that was not read yet.
    """
    read = explorer.store.repository.manifest
    manifest = read(Digest.parse(run))
    checkpoint = None
    made = _below(found, run, "run", "checkpoint")
    for identity in made:  # the last one is the final one
        checkpoint = read(Digest.parse(identity))
    evaluations: list[Manifest] = []
    if checkpoint is not None:
        named = _below(found, str(checkpoint.id), "checkpoint", "evaluation")
        evaluations = [read(Digest.parse(one)) for one in reversed(named)]
    locked = [one for one in evaluations if one.body.get("purpose") != "monitor"]
    tests = locked[0].inputs_in("test") if locked else ()
    data = {
        role: ", ".join(name_of(found, str(item.id)) for item in manifest.inputs_in(role))
        for role in _LEARNED
    }
    return Training(
        manifest,
        name_of(found, run),
        checkpoint,
        locked,
        [one for one in evaluations if one.body.get("purpose") == "monitor"],
        {role: names for role, names in data.items() if names},
        frozenset(str(one.id) for one in tests),
    )


def name_of(found: StoreMap, identity: str) -> str:
    """Return the name of an object for people; the id of one that is not logged here."""
    node = found.links.nodes.get(identity)
    return identity if node is None else label(node)


def history_of(explorer: Explorer, training: Training) -> Mapping[str, Any] | None:
    """Return the training history; None: it took no steps, was retired, or cannot be read."""
    if training.checkpoint is None:
        return None
    try:
        return explorer.store.models.history(training.checkpoint)
    except LyrikstoreError:
        return None


def amount(member: str, value: object) -> str:
    """Return a resource with its unit."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if member.endswith("Bytes"):
        return page_text("explorer.megabytes", count=f"{number / 1_000_000:,.0f}")
    if member.endswith("Seconds"):
        if number >= 120:
            return page_text("explorer.minutes", count=f"{number / 60:,.1f}")
        return page_text("explorer.seconds", count=f"{number.normalize():f}")
    shown = f"{number:.2g}" if 0 < number < 1 else f"{number.normalize():f}"
    shown = f"{Decimal(shown):f}"
    return page_text("explorer.kwh" if member == "energyKwh" else "explorer.usd", count=shown)


def flat(value: object, name: str = "") -> dict[str, str]:
    """Return the leaves of nested JSON: path with dots → text; a list of texts is one leaf."""
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, inner in value.items():
            found |= flat(inner, f"{name}.{key}" if name else str(key))
        return found
    if isinstance(value, list):
        if all(not isinstance(one, (Mapping, list)) for one in value):
            return {name: ", ".join(map(_text, value))}
        found = {}
        for at, inner in enumerate(value):
            found |= flat(inner, f"{name}.{at + 1}")
        return found
    return {name: _text(value)}


def _text(value: object) -> str:
    return {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else str(value)


def differing(columns: Sequence[Mapping[str, str]]) -> list[tuple[str, list[str]]]:
    """Return the rows in which some columns differ: name, and the text of each column."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, [column.get(name, "") for column in columns]) for name in names]
    return [(name, texts) for name, texts in rows if len(set(texts)) > 1]


def registered(training: Training) -> dict[str, str]:
    """Return all settings of a run by path: config, data, seed and code."""
    body = training.body
    records = body.get("order", {}).get("records", {})
    found = {f"data.{role}": names for role, names in training.data.items()}
    found |= {f"records.{role}": f"{count:,}" for role, count in records.items()}
    config = {key: one for key, one in body.get("config", {}).items() if key != "data"}
    found |= flat(config)
    named = flat(body.get("config", {}).get("data", {}), "data")
    found |= {name: text for name, text in named.items() if name not in found}
    code = body.get("code", {})
    found |= {"code": " ".join(str(code[one]) for one in ("package", "version") if one in code)}
    found |= {"code.digest": str(code.get("digest", ""))[:19]}
    packages = body.get("environment", {}).get("packages", {})
    return found | {f"package.{name}": str(version) for name, version in packages.items()}


def _below(found: StoreMap, identity: str, role: str, kind: str) -> list[str]:
    nodes = found.links.nodes
    return [
        link.child
        for link in found.links.below(identity)
        if link.role == role
        and nodes[link.child].kind == kind
        and nodes[link.child].flagged is None
    ]
