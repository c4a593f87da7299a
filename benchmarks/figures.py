"""What was measured, and the limits it is held to."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

from measure import Sample

OURS = "lyrikstore"


@dataclass
class Figure:
    """One operation of one tool on one corpus; either samples of time, or a size.

    Attributes:
        note: Why there is nothing, or what is odd about it.
    """

    corpus: str
    tool: str
    operation: str
    samples: list[Sample] = field(default_factory=list)
    bytes: int | None = None
    files: int | None = None
    note: str = ""

    @property
    def value(self) -> float | None:
        """Median wall seconds, or bytes."""
        if self.bytes is not None:
            return float(self.bytes)
        return statistics.median(s.wall for s in self.samples) if self.samples else None

    @property
    def cpu(self) -> float:
        """Median processor seconds."""
        return statistics.median(s.cpu for s in self.samples)

    @property
    def peak(self) -> int:
        """Most memory of all runs."""
        return max(s.peak for s in self.samples)


@dataclass(frozen=True)
class Limit:
    """An operation of lyrikstore against one of a peer, and the ratio it must not pass."""

    corpus: str
    operation: str
    peer: str
    ratio: float
    against: str = ""

    @property
    def base(self) -> str:
        """The peer's operation, where it is another one."""
        return self.against or self.operation


LIMITS = (
    Limit("docs", "commit", "restic", 0.40),
    Limit("docs", "commit", "dvc", 0.18),
    Limit("docs", "status", "restic", 0.30),
    Limit("docs", "status", "dvc", 0.18),
    Limit("docs", "verify", "restic", 0.50),
    Limit("docs", "checkout", "restic", 0.40),
    Limit("docs", "checkout", "dvc", 0.20),
    Limit("docs", "push", "restic", 0.06),
    Limit("docs", "bytes", "restic", 0.75),
    Limit("docs", "commit, one file changed", OURS, 0.15, "commit"),
    Limit("shards", "commit", "dvc", 0.50),
    Limit("shards", "commit", "restic", 0.25),
    Limit("shards", "verify", "restic", 0.50),
    Limit("shards", "verify --data", "model-signing", 0.45),
    Limit("shards", "verify --data", "b3sum", 1.3),
    Limit("shards", "checkout", "restic", 0.40),
    Limit("scattered", "bytes", "restic", 0.35),
    Limit("scattered", "bytes", "borg", 0.18),
    Limit("scattered", "bytes", "whole files", 0.12),
    Limit("scattered", "commit of the next", "restic", 0.30),
    Limit("clustered", "bytes", "restic", 0.95),
)


@dataclass(frozen=True)
class Bound:
    """A figure of lyrikstore that has a limit of its own, as memory has."""

    what: str
    unit: str
    value: float
    limit: float | None = None

    @property
    def held(self) -> bool:
        """Whether it is kept."""
        return self.limit is None or self.value <= self.limit


@dataclass(frozen=True)
class Ratio:
    """Two figures of one run, divided."""

    ours: Figure
    peer: Figure
    limit: float | None

    @property
    def value(self) -> float:
        """Lyrikstore's figure divided by the peer's."""
        return (self.ours.value or 0.0) / (self.peer.value or 1.0)

    @property
    def held(self) -> bool:
        """Whether the limit, if there is one, is kept."""
        return self.limit is None or self.value <= self.limit


class Figures:
    """All figures of a run, in order."""

    def __init__(self) -> None:
        self.all: list[Figure] = []

    def add(self, figure: Figure) -> Figure:
        """Keep a figure."""
        self.all.append(figure)
        return figure

    def find(self, corpus: str, tool: str, operation: str) -> Figure | None:
        """Return a figure that has a value."""
        for figure in self.all:
            if (figure.corpus, figure.tool, figure.operation) == (corpus, tool, operation):
                return figure if figure.value is not None else None
        return None

    def limited(self) -> Iterator[tuple[Limit, Ratio | None]]:
        """Yield every limit whose corpus was run, with its ratio if both sides were measured."""
        run = {figure.corpus for figure in self.all}
        for limit in LIMITS:
            if limit.corpus in run:
                ours = self.find(limit.corpus, OURS, limit.operation)
                peer = self.find(limit.corpus, limit.peer, limit.base)
                yield limit, Ratio(ours, peer, limit.ratio) if ours and peer else None

    def lost(self) -> Iterator[Ratio]:
        """Yield every comparison in which a peer is faster or smaller."""
        for peer in self.all:
            ours = self.find(peer.corpus, OURS, peer.operation)
            if ours and peer.value is not None and peer.tool != OURS:
                ratio = Ratio(ours, peer, None)
                if ratio.value > 1:
                    yield ratio

    def peaks(self, limit: float) -> Iterator[Bound]:
        """Yield lyrikstore's peak memory on each corpus."""
        for corpus in dict.fromkeys(figure.corpus for figure in self.all):
            ours = [f for f in self.all if (f.corpus, f.tool) == (corpus, OURS) and f.samples]
            if ours:
                most = max(ours, key=lambda figure: figure.peak)
                what = f"peak memory, {corpus} ({most.operation})"
                yield Bound(what, "MiB", most.peak / 2**20, limit)
