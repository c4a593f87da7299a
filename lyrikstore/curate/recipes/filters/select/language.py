"""``language/1``: detects the language of records, and keeps chosen ones (spec §12.5.24)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import unknown_word
from lyrikstore.curate.language import (
    LANGUAGE_MODEL,
    LANGUAGE_PACKAGES,
    LEAST_PROBABILITY,
    open_language_model,
)
from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    Decide,
    Drop,
    FieldReport,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.weights import installed_versions

UNSURE = "language-unsure"
_CODE = re.compile("[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class KeepLanguages(Filter):
    """Filter that drops records in other languages than the wanted ones, or reports languages.

    Attributes:
        wanted: Language codes; None: keep all records and report the language of each.
        least: The least probability with which a language counts as detected.
        drop_unsure: Whether to drop records whose language is less probable.
    """

    USE: ClassVar[str] = "language/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "keep",
            "strings",
            "codes of the languages to keep, such as en; default: keep and report all",
            optional=True,
            limits={"items": {"type": "string", "pattern": f"^{_CODE.pattern}$"}},
        ),
        Parameter(
            "least",
            "fraction",
            "least probability with which a language counts as detected",
            default=str(LEAST_PROBABILITY),
        ),
        Parameter(
            "unsure",
            "string",
            "what to do with records whose language is less probable",
            default="keep",
            choices=("keep", "drop"),
        ),
    )

    wanted: frozenset[str] | None
    least: float
    drop_unsure: bool

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) a value is not a language code.
        """
        wanted = values.get("keep")
        for code in wanted or ():
            if not _CODE.fullmatch(code):
                raise InvalidInputError(
                    "bad-recipe",
                    f"language/1: {code[:40]!r} is not a language code",
                    hint='codes have two or three letters: keep = ["en", "de"]',
                )
        least = float(values["least"])
        return cls(None if wanted is None else frozenset(wanted), least, values["unsure"] == "drop")

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text."""
        return (TEXT,)

    def libraries(self) -> Mapping[str, str]:
        """Return the packages that detect the language."""
        return installed_versions(LANGUAGE_PACKAGES, LANGUAGE_MODEL.extra)

    def models(self) -> Sequence[Mapping[str, str]]:
        """Return the model that detects the language."""
        open_language_model()
        return (LANGUAGE_MODEL.facts,)

    def start(self) -> Decide:
        """Return the decision function.

        Raises:
            InvalidInputError: (``bad-recipe``) the model does not know a wanted language.
            LyrikstoreError: As :func:`open_language_model`.
        """
        detect, known = open_language_model()
        for code in sorted(self.wanted or ()):
            if code not in known:
                raise unknown_word("bad-recipe", "language in language/1:", code, known)

        def decide(record: FilterRecord) -> Outcome:
            code, probability = detect(record.require_text(self.USE))
            if probability < self.least:
                if self.drop_unsure:
                    return Drop(UNSURE)
                return Keep(reports=(FieldReport(UNSURE),))
            if self.wanted is None:
                return Keep(reports=(FieldReport(f"language-{code}"),))
            return Keep() if code in self.wanted else Drop(f"language-{code}")

        return decide
