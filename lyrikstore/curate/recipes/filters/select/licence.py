"""``licence/1``: records under licences that are allowed; unknown is not (spec §12.5.22)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.filters.contract import (
    Decide,
    Drop,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.terms.licence import parse_licence


@dataclass(frozen=True, slots=True)
class LicenceFilter(Filter):
    """Drops records whose licence expression the allowed licences do not satisfy.

    Attributes:
        field: The field; empty: that of the role ``licence``.
        allowed: SPDX ids, in their canonical spelling.
    """

    USE: ClassVar[str] = "licence/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("allow", "strings", "SPDX licences that are allowed, as CC-BY-4.0"),
        Parameter(
            "field", "string", "the field; without it that of the role licence", optional=True
        ),
    )

    field: str
    allowed: frozenset[str]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) what is allowed is no licence.
        """
        try:
            allowed = frozenset(parse_licence(one) for one in values["allow"])
        except InvalidInputError as error:
            raise InvalidInputError(
                "bad-recipe", f"licence/1: {error.message}", hint=error.hint
            ) from None
        return cls(values.get("field", ""), allowed)

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads its field, if it names one."""
        return (f"meta:{self.field}",) if self.field else ()

    def start(self) -> Decide:
        """Return the decision function."""
        satisfied = lru_cache(maxsize=4096)(self._satisfied)

        def decide(record: FilterRecord) -> Outcome:
            field = self.field or record.roles.licence
            if not field:
                raise InvalidInputError(
                    "no-licence-field",
                    "licence/1 names no field, and none is the licence",
                    hint="name it: field = FIELD, or commit --licence-field FIELD",
                )
            text = as_text(record.fields.get(field))
            answer = None if text is None else satisfied(text)
            if answer is None:
                said = "nothing is said" if text is None else f"{text[:200]!r} is none"
                return Drop("licence-unknown", said)
            return Keep() if answer else Drop("licence-not-allowed", str(text)[:200])

        return decide

    def _satisfied(self, text: str) -> bool | None:
        """Return whether an expression allows the use; None if it is none that SPDX knows."""
        from license_expression import get_spdx_licensing

        try:
            parsed: Any = get_spdx_licensing().parse(parse_licence(text), validate=False)
        except InvalidInputError:
            return None
        return self._holds(parsed)

    def _holds(self, parsed: Any) -> bool:
        if str(parsed) in self.allowed:
            return True
        operator = getattr(parsed, "operator", "").strip()
        if operator in ("AND", "OR"):
            answers = map(self._holds, parsed.args)
            return all(answers) if operator == "AND" else any(answers)
        return False
