"""``language/1``: tells the language of records, and keeps those in some (spec §12.5.24)."""

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
    """Drops records in other languages than those wanted; if none is, tells that of each.

    Attributes:
        wanted: Codes of languages; None: all, and each is reported.
        least: How probable a language has to be.
        drop_unsure: Whether records go of which the language is not sure.
    """

    USE: ClassVar[str] = "language/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "keep",
            "strings",
            "codes of the languages that stay, as en; without it all stay and are reported",
            optional=True,
            limits={"items": {"type": "string", "pattern": f"^{_CODE.pattern}$"}},
        ),
        Parameter(
            "least",
            "fraction",
            "how probable a language has to be",
            default=str(LEAST_PROBABILITY),
        ),
        Parameter(
            "unsure",
            "string",
            "what happens to records of which it is less probable",
            default="keep",
            choices=("keep", "drop"),
        ),
    )

    wanted: frozenset[str] | None
    least: float
    drop_unsure: bool

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) something that cannot be the code of a language.
        """
        wanted = values.get("keep")
        for code in wanted or ():
            if not _CODE.fullmatch(code):
                raise InvalidInputError(
                    "bad-recipe",
                    f"language/1: {code[:40]!r} is no code of a language",
                    hint='codes have two or three letters: keep = ["en", "de"]',
                )
        least = float(values["least"])
        return cls(None if wanted is None else frozenset(wanted), least, values["unsure"] == "drop")

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the text."""
        return (TEXT,)

    def libraries(self) -> Mapping[str, str]:
        """Return the packages that tell the language."""
        return installed_versions(LANGUAGE_PACKAGES, LANGUAGE_MODEL.extra)

    def models(self) -> Sequence[Mapping[str, str]]:
        """Return the model that tells the language."""
        open_language_model()
        return (LANGUAGE_MODEL.facts,)

    def start(self) -> Decide:
        """Return the decision function.

        Raises:
            InvalidInputError: (``bad-recipe``) the model does not know a language that is wanted.
            LyrikstoreError: As :func:`open_language_model`.
        """
        tell, known = open_language_model()
        for code in sorted(self.wanted or ()):
            if code not in known:
                raise unknown_word("bad-recipe", "language in language/1:", code, known)

        def decide(record: FilterRecord) -> Outcome:
            code, probability = tell(record.require_text(self.USE))
            if probability < self.least:
                if self.drop_unsure:
                    return Drop(UNSURE)
                return Keep(reports=(FieldReport(UNSURE),))
            if self.wanted is None:
                return Keep(reports=(FieldReport(f"language-{code}"),))
            return Keep() if code in self.wanted else Drop(f"language-{code}")

        return decide
