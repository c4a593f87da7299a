"""Reproductions, as people read them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.canon.text import escape_control

_REASONS = {
    "other-environment": "it was done on another processor or with other packages",
    "other-code": "it was done by another version of the code",
    "input-missing": "data or a base model that the run read is not here",
    "not-kept": "points that it starts from were not kept",
}


def reason_lines(
    body: Mapping[str, Any], differences: Sequence[tuple[str, str, str]]
) -> Iterator[str]:
    """Yield why a difference would decide nothing.

    Args:
        body: Of the reproduction.
        differences: What of its environment is another: what it is, of the run, of now.
    """
    for reason in body.get("reasons", ()):
        yield f"! {_REASONS[reason]}"
    for name, then, now in differences:
        yield escape_control(f"  {name}: {now or 'absent'}; of the run: {then or 'absent'}")


def reproduction_line(row: Mapping[str, Any]) -> str:
    """Return one reproduction of a run or checkpoint."""
    by = "the key that trained" if row["byTrainer"] else escape_control(row["author"])
    return f"reproduced {row['created'][:10]}  {row['verdictText']} ({row['method']}) by {by}"
