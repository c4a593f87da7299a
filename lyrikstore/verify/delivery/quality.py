"""Checks whether claims have the same values when they are measured again (spec §19.5)."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, BinaryIO, Protocol

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.report import (
    Check,
    failed,
    not_applicable,
    passed,
    stated,
    unchecked,
    warned,
)

DECIMALS = 6
"""Decimals of a share."""


class Measured(Struct, frozen=True):
    """The result of one recipe.

    Attributes:
        value: The exact number, or None if it could not be measured.
        share: Whether it is a share, written with :data:`DECIMALS` decimals.
        problem: Why there is no number.
    """

    value: Fraction | None
    share: bool
    problem: str

    @property
    def text(self) -> str:
        """The number as claims write it; half a unit is rounded to the even neighbour."""
        value = self.value or Fraction(0)
        if not self.share:
            return str(value)
        units = round(value * 10**DECIMALS)
        return f"{units // 10**DECIMALS}.{units % 10**DECIMALS:0{DECIMALS}d}"

    def agrees(self, claimed: str) -> str:
        """Return ``equal``, ``within-rounding`` or ``different`` for a claimed value.

        A claim with fewer decimals than the recipe writes is different: ``0`` is within the
        rounding of anything below a half.
        """
        if self.value is None:
            return "unchecked"
        if claimed == self.text:
            exact = not self.share or self.value * 10**DECIMALS == round(self.value * 10**DECIMALS)
            return "equal" if exact else "within-rounding"
        whole, dot, decimals = claimed.partition(".")
        written = whole.isascii() and whole.isdigit() and decimals.isascii() and decimals.isdigit()
        if not self.share or not dot or not written or len(decimals) != DECIMALS:
            return "different"
        near = abs(Fraction(claimed) - self.value) < Fraction(1, 10**DECIMALS)
        return "within-rounding" if near else "different"


class Measuring(Protocol):
    """Protocol of an object that measures records while they are read, such as ``Measurement``."""

    @property
    def reads_documents(self) -> bool:
        """Whether documents must be read, and not only hashed."""
        ...

    def record_ids(
        self, reader: str, entry: TreeEntry, stream: BinaryIO | None
    ) -> Iterable[Digest]:
        """Yield the record ids of one file, and measure its records."""
        ...

    def add_documents(self, tree: Tree) -> None:
        """Measure documents that need not be read."""
        ...

    def values(self) -> Sequence[Measured]:
        """Return the measurements, recipe by recipe."""
        ...

    def statistics(self) -> Mapping[str, Any]:
        """Return the members of the descriptor's ``stats`` for rows; empty for documents.

        Raises:
            InvalidInputError: (``bad-record``) a row is malformed.
        """
        ...


def check_stated(subject: Mapping[str, Any]) -> Check:
    """Return ``quality.stated``: the quality claims that no recipe can measure again.

    Args:
        subject: The credential's subject.
    """
    claims = [claim for claim in subject.get("quality", ()) if "recipe" not in claim]
    if not claims:
        return not_applicable("quality.stated", "no claim of quality without a recipe")
    shown = "; ".join(
        f"{quote(claim['metric'])}: {quote(claim['value'])}, {claim['basis']}"
        for claim in claims[:3]
    )
    more = f"; and {len(claims) - 3} more" if len(claims) > 3 else ""
    return stated("quality.stated", shown + more, claims=len(claims))


def recipes_of(subject: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the recipes of a credential's measured claims, in order."""
    return [claim["recipe"] for claim in subject.get("quality", ()) if "recipe" in claim]


def check_quality(
    subject: Mapping[str, Any], measuring: Measuring | None, *, complete: bool
) -> Check:
    """Return ``quality``: whether each measured claim has the value that its recipe gives.

    Args:
        subject: The credential's subject.
        measuring: The object that measured the data while it was read, or None.
        complete: Whether all files are as listed, so that the measured data is the dataset.
    """
    claims = [claim for claim in subject.get("quality", ()) if "recipe" in claim]
    if not claims:
        return not_applicable("quality", "no measured claim")
    if measuring is None:
        summary = "none of its measured claims was recomputed"
        return warned("quality", "not-recomputed", summary, claims=len(claims))
    if not complete:
        summary = "nothing to recompute from: not all files are as listed and readable as records"
        return unchecked("quality", "incomplete-data", summary, claims=len(claims))
    rows: list[dict[str, JSON]] = []
    for claim, measured in zip(claims, measuring.values(), strict=True):
        row: dict[str, JSON] = {
            "metric": claim["metric"],
            "claimed": claim["value"],
            "result": measured.agrees(claim["value"]),
        }
        if "parameters" in claim["recipe"]:
            row["parameters"] = claim["recipe"]["parameters"]
        if measured.value is None:
            row["problem"] = measured.problem
        else:
            row["found"] = measured.text
        rows.append(row)
    detail: dict[str, JSON] = {"measurements": list(rows)}
    wrong = [row for row in rows if row["result"] == "different"]
    if wrong:
        first = wrong[0]
        summary = (
            f"{len(wrong)} of {len(rows)} measured claims differ: {quote(first['metric'])} is "
            f"{first['found']}, not {quote(first['claimed'])}"
        )
        return failed("quality", "different", summary, **detail)
    unknown = [row for row in rows if row["result"] == "unchecked"]
    if unknown:
        summary = f"{quote(unknown[0]['metric'])}: {unknown[0]['problem']}"
        return unchecked("quality", "unknown-recipe", summary, **detail)
    rounded = sum(row["result"] == "within-rounding" for row in rows)
    summary = f"measured claims recomputed: {len(rows) - rounded} equal"
    if rounded:
        summary += f", {rounded} within rounding"
    return passed("quality", summary, **detail)
