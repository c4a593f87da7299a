"""``quality/1``: reports, and optionally drops, texts of low quality (spec §12.5.25).

The usual thresholds were made for prose of the web; clauses, laboratory reports and tables break
them. The filter therefore only reports texts, with the value, unless the recipe lists rules to
drop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from msgspec import Struct

from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    Drop,
    FieldReport,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.select.quality_measures import Share, TextMeasures


class QualityRule(Struct, frozen=True):
    """A bound on one measure of a text.

    Attributes:
        name: The name of the rule; the reason is ``quality-NAME``.
        parameter: The parameter with the bound; ``least_…`` is a lower bound, others are upper
            ones.
        default: The default bound; a string is a share.
        meaning: One line for the documentation.
        measure: Computes a number, a share, or None if the text has nothing to measure.
    """

    name: str
    parameter: str
    default: int | str
    meaning: str
    measure: Callable[[TextMeasures], int | Share | None]

    def broken(self, text: TextMeasures, bound: Decimal) -> str | None:
        """Return the measured value as text if it breaks the bound, otherwise None."""
        measured = self.measure(text)
        if measured is None:
            return None
        value, of = measured if isinstance(measured, tuple) else (measured, 0)
        if isinstance(measured, tuple) and not of:
            return None
        limit = bound * (of or 1)
        if value >= limit if self.parameter.startswith("least_") else value <= limit:
            return None
        return _thousandths(value, of) if of else str(value)


RULES = (
    QualityRule("few-words", "least_words", 5, "words", lambda text: len(text.words)),
    QualityRule("many-words", "most_words", 100_000, "words", lambda text: len(text.words)),
    QualityRule(
        "short-words",
        "least_word_length",
        3,
        "mean length of words",
        lambda text: text.prose_word_length,
    ),
    QualityRule(
        "long-words", "most_word_length", 10, "mean length of words", lambda text: text.word_length
    ),
    QualityRule(
        "few-letters", "least_letters", "0.8", "words with a letter", lambda text: text.lettered
    ),
    QualityRule(
        "symbols", "most_symbols", "0.1", "# and … for each word", lambda text: text.symbols
    ),
    QualityRule(
        "bullets", "most_bullets", "0.9", "lines that begin with a bullet", lambda t: t.bullets
    ),
    QualityRule(
        "ellipses", "most_ellipses", "0.3", "lines that end in …", lambda text: text.ellipses
    ),
    QualityRule(
        "stop-words", "least_stop_words", 2, "different stop words", lambda text: text.stop_words
    ),
    QualityRule(
        "repeated-lines",
        "most_repeated_lines",
        "0.3",
        "lines that repeat an earlier line",
        lambda text: text.repeated_lines,
    ),
    QualityRule(
        "repeated-5-grams",
        "most_repeated_5_grams",
        "0.15",
        "characters in sequences of five words that occurred before",
        lambda text: text.repeated_grams,
    ),
    QualityRule(
        "short-lines",
        "most_short_lines",
        "0.67",
        "lines of fewer than 30 characters",
        lambda text: text.short_lines,
    ),
    QualityRule(
        "long-line",
        "longest_line",
        50_000,
        "characters of the longest line",
        lambda text: text.longest_line,
    ),
    QualityRule(
        "unreadable",
        "most_unreadable",
        "0.01",
        "unreadable characters",
        lambda text: text.unreadable,
    ),
)
"""The rules in the order of reports; the first one that drops gives the reason."""


@dataclass(frozen=True, slots=True)
class Quality(Filter):
    """Filter that reports texts that break a bound, and drops those that break a listed rule.

    Attributes:
        bounds: The bound of each rule.
        dropping: Names of the rules that drop records.
    """

    USE: ClassVar[str] = "quality/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "drop",
            "strings",
            "rules that drop records; default: keep and report all",
            optional=True,
            choices=tuple(rule.name for rule in RULES),
        ),
        *(
            Parameter(
                rule.parameter,
                "fraction" if isinstance(rule.default, str) else "number",
                rule.meaning,
                default=rule.default,
            )
            for rule in RULES
        ),
    )

    bounds: tuple[Decimal, ...]
    dropping: frozenset[str]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step."""
        bounds = tuple(Decimal(values[rule.parameter]) for rule in RULES)
        return cls(bounds, frozenset(values.get("drop", ())))

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text."""
        return (TEXT,)

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        text = TextMeasures(record.require_text(self.USE))
        reports = []
        for rule, bound in zip(RULES, self.bounds, strict=True):
            value = rule.broken(text, bound)
            if value is None:
                continue
            if rule.name in self.dropping:
                return Drop(f"quality-{rule.name}", value)
            reports.append(FieldReport(f"quality-{rule.name}", detail=value))
        return Keep(reports=tuple(reports))


def _thousandths(value: int, of: int) -> str:
    """Return a share with three decimals, rounded down."""
    whole = value * 1000 // of
    return f"{whole // 1000}.{whole % 1000:03}"
