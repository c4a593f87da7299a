"""Lines about reproductions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.canon.text import escape_control

_REASONS = {
    "other-environment": "the reproduction ran on another processor or with other packages",
    "other-code": "the reproduction ran another version of the code",
    "input-missing": "data or a base model that the run read is missing here",
    "not-kept": "resume states that it would start from were not kept",
}


def reason_lines(
    body: Mapping[str, Any], differences: Sequence[tuple[str, str, str]]
) -> Iterator[str]:
    """Yield the reasons why a difference would be inconclusive.

    Args:
        body: The body of the reproduction.
        differences: Settings of the environment that differ: name, value of the run, value now.
    """
    for reason in body.get("reasons", ()):
        yield f"! {_REASONS[reason]}"
    for name, then, now in differences:
        yield escape_control(f"  {name}: {now or 'absent'}; in the run: {then or 'absent'}")


def reproduction_line(row: Mapping[str, Any]) -> str:
    """Return the line for one reproduction of a run or checkpoint."""
    by = "the key that trained" if row["byTrainer"] else escape_control(row["author"])
    return f"reproduced {row['created'][:10]}  {row['verdictText']} ({row['method']}) by {by}"
