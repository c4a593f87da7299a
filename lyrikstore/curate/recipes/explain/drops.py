"""Warnings about steps that drop many records, with a hint how to keep them."""

from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import Struct

from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.curate.recipes.write_outcome import RecipeOutcome

MUCH = 5
"""A step that drops more than one in ``MUCH`` of the records that reach it causes a warning."""


class LargeDrop(Struct, frozen=True):
    """A step that dropped more than a fifth of the records that reached it.

    Attributes:
        step: The number of the step, from 1.
        use: Name and version of its filter.
        came: Number of records that reached it.
        reasons: Reason → number of records dropped.
        hint: How to keep these records.
    """

    step: int
    use: str
    came: int
    reasons: Mapping[str, int]
    hint: str

    @property
    def dropped(self) -> int:
        """Number of records that the step dropped."""
        return sum(self.reasons.values())

    def __str__(self) -> str:
        """Return the warning, in one line."""
        why = ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.items())
        return (
            f"step {self.step} ({self.use}) dropped {self.dropped:,} of "
            f"{self.came:,} {'record' if self.came == 1 else 'records'} ({why}): {self.hint}"
        )


def large_drops(recipe: Recipe, outcome: RecipeOutcome, roles: FieldRoles) -> Iterator[LargeDrop]:
    """Yield the steps that dropped more than a fifth of the records that reached them.

    Records that a step replaced by others count in neither number.

    Args:
        recipe: The steps.
        outcome: The outcome of the recipe.
        roles: The roles of the source's fields.
    """
    came = outcome.total
    for number, step in enumerate(recipe.steps, start=1):
        reasons = outcome.dropped_by.get(number, Counter[str]())
        dropped = reasons.total()
        if dropped * MUCH > came:
            hint = step.filter.way_out(roles)
            yield LargeDrop(number, step.use, came, dict(reasons.most_common()), hint)
        divided, made = outcome.divided_by.get(number, (0, 0))
        came += made - divided - dropped
        roles = step.filter.roles(roles)
