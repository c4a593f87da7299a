"""Steps that drop much: what a recipe took that nobody may have meant, and the way out."""

from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import Struct

from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.recipe import Recipe
from lyrikstore.curate.recipes.write_outcome import RecipeOutcome

MUCH = 5
"""A step that drops more than one in so many of the records that come to it says so."""


class LargeDrop(Struct, frozen=True):
    """A step that dropped more than a fifth of the records that came to it.

    Attributes:
        step: Its number, from 1.
        use: Its name and version.
        came: How many records came to it.
        reasons: Reason → how many of them it dropped.
        hint: What to do where they should stay.
    """

    step: int
    use: str
    came: int
    reasons: Mapping[str, int]
    hint: str

    @property
    def dropped(self) -> int:
        """How many records it dropped."""
        return sum(self.reasons.values())

    def __str__(self) -> str:
        """Return it as a line for people."""
        why = ", ".join(f"{reason} {count:,}" for reason, count in self.reasons.items())
        return (
            f"step {self.step} ({self.use}) dropped {self.dropped:,} of "
            f"{self.came:,} {'record' if self.came == 1 else 'records'} ({why}): {self.hint}"
        )


def large_drops(recipe: Recipe, outcome: RecipeOutcome, roles: FieldRoles) -> Iterator[LargeDrop]:
    """Yield the steps that dropped more than a fifth of the records that came to them.

    Records in whose place others came are no part of either number.

    Args:
        recipe: The steps.
        outcome: What became of the records.
        roles: Which field of the source has which role.
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
