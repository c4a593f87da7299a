"""What a run or an evaluation was expected to take, and took, in a model card (spec §14.4.4)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.publish.cards.v1.writer import CardWriter

_TITLES = (
    ("cpuSeconds", "processor time, s"),
    ("wallSeconds", "wall-clock time, s"),
    ("memoryBytes", "peak memory, bytes"),
    ("acceleratorMemoryBytes", "peak memory of the accelerator, bytes"),
    ("costUsd", "cost, USD"),
    ("energyKwh", "energy, kWh"),
    ("monthlyUsd", "cost of a month, USD"),
)


def resource_lines(
    writer: CardWriter, figures: Mapping[str, Any], what: str, source: tuple[Digest, str]
) -> Iterator[str]:
    """Yield the figures that there are.

    Args:
        writer: Writes lines with their evidence.
        figures: Member ``plan`` or ``actual``.
        what: Such as ``planned``.
        source: Whose figures they are.
    """
    for member, title in _TITLES:
        figure = figures.get(member)
        if figure is None:
            continue
        if isinstance(figure, str):
            yield writer.say(f"{what}, {title}: {Decimal(figure):f}", source)
            continue
        dated = f", price of {figure['asOf']}" if "asOf" in figure else ""
        said = f"{Decimal(figure['value']):f} ({figure['basis']}{dated})"
        yield writer.say(f"{what}, {title}: {said}", source)
