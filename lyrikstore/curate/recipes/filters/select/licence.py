"""``licence/1``: keeps records under allowed licences (spec §12.5.22)."""

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
    """Filter that drops records unless the allowed licences satisfy their licence expression.

    A record with an unknown licence, or without one, is dropped.

    Attributes:
        field: The field; empty: the field with the role ``licence``.
        allowed: SPDX ids, in their canonical spelling.
    """

    USE: ClassVar[str] = "licence/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("allow", "strings", "allowed SPDX licences, such as CC-BY-4.0"),
        Parameter(
            "field", "string", "the field; default: the field with the role licence", optional=True
        ),
    )

    field: str
    allowed: frozenset[str]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) an allowed value is not a licence.
        """
        try:
            allowed = frozenset(map(parse_licence, values["allow"]))
        except InvalidInputError as error:
            raise InvalidInputError(
                "bad-recipe", f"licence/1: {error.message}", hint=error.hint
            ) from None
        return cls(values.get("field", ""), allowed)

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: its field, if the recipe names one."""
        return (f"meta:{self.field}",) if self.field else ()

    def start(self) -> Decide:
        """Return the decision function."""
        satisfied = lru_cache(maxsize=4096)(self._satisfied)

        def decide(record: FilterRecord) -> Outcome:
            field = self.field or record.roles.licence
            if not field:
                raise InvalidInputError(
                    "no-licence-field",
                    "the licence/1 step names no field, and no field has the role licence",
                    hint="name the field: field = FIELD, or commit --licence-field FIELD",
                )
            text = as_text(record.fields.get(field))
            answer = None if text is None else satisfied(text)
            if answer is None:
                detail = "no licence" if text is None else f"{text[:200]!r} is not an SPDX licence"
                return Drop("licence-unknown", detail)
            return Keep() if answer else Drop("licence-not-allowed", str(text)[:200])

        return decide

    def _satisfied(self, text: str) -> bool | None:
        """Return whether the allowed licences satisfy an expression; None if SPDX lacks it."""
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
