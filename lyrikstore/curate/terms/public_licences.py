"""Acts that well-known public licences permit to everybody; used only for one warning.

Terms that prohibit commercial use of data under ``CC-BY-4.0`` do not bind a user who has the data
under that licence. No licence id implies terms (spec §19.2), so no decision depends on this table.
"""

from functools import cache, reduce
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.files import read_packaged
from lyrikstore.canon.toml import parse_toml
from lyrikstore.credentials.terms.model import WHOLE, Partition, Terms

_FILE = Path(__file__).with_suffix(".toml")


class PublicLicence(Struct, frozen=True):
    """The rights that a licence gives to everybody.

    Attributes:
        permits: Acts that its text permits.
        requires: Duties that its text demands.
    """

    permits: frozenset[str]
    requires: frozenset[str]


class NarrowerTerms(Struct, frozen=True):
    """Terms of a partition that are narrower than its licence.

    Attributes:
        partition: Its name.
        licence: The licence, an SPDX expression.
        acts: Acts that the licence permits and the terms do not.
        duties: Duties that the terms demand and the licence does not.
        limits: Names of the limits in the terms: ``territory``, ``seats`` and so on.
    """

    partition: str
    licence: str
    acts: tuple[str, ...]
    duties: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line."""
        where = "" if self.partition == WHOLE else f" of partition {self.partition}"
        said = [
            f"{verb} {', '.join(words)}"
            for verb, words in (
                ("do not permit", self.acts),
                ("demand", self.duties),
                ("limit", self.limits),
            )
            if words
        ]
        return (
            f"narrower than {self.licence}: the terms{where} {' and '.join(said)}; whoever has the "
            "data under that licence is not bound to that"
        )


def narrower_terms(terms: Terms) -> list[NarrowerTerms]:
    """Return the partitions whose terms are narrower than their stated public licence.

    Args:
        terms: The terms, with the licence of the whole dataset.
    """
    found = []
    for partition in terms.partitions:
        expression = terms.licence_of(partition)
        licence = None if expression is None else _read(expression)
        if expression is not None and licence is not None:
            one = _compared(partition, expression, licence)
            found += [one] if one.acts or one.duties or one.limits else []
    return found


def _compared(partition: Partition, expression: str, licence: PublicLicence) -> NarrowerTerms:
    limits = [name for name in partition.limits.to_json() if name != "type"]
    return NarrowerTerms(
        partition.name,
        expression,
        tuple(sorted(licence.permits.difference(partition.permits))),
        tuple(sorted(set(partition.requires) - licence.requires)),
        tuple(limits),
    )


def _read(expression: str) -> PublicLicence | None:
    """Return the rights of a licence expression; None if a part of it is not in the table."""
    from license_expression import ExpressionError, get_spdx_licensing  # slow to load

    try:
        parsed: Any = get_spdx_licensing().parse(expression, validate=False, strict=False)
    except (ExpressionError, AssertionError, LookupError, AttributeError, TypeError):
        return None
    return _of_node(parsed)


def _of_node(node: Any) -> PublicLicence | None:
    known = _licences().get(str(node))
    operator = getattr(node, "operator", "").strip()
    if known is not None or operator not in ("AND", "OR"):
        return known
    parts = [_of_node(one) for one in node.args]
    sound = [one for one in parts if one is not None]
    if len(sound) < len(parts):
        return None
    return reduce(_both if operator == "AND" else _either, sound)


def _both(one: PublicLicence, other: PublicLicence) -> PublicLicence:
    return PublicLicence(one.permits & other.permits, one.requires | other.requires)


def _either(one: PublicLicence, other: PublicLicence) -> PublicLicence:
    return PublicLicence(one.permits | other.permits, one.requires & other.requires)


@cache
def _licences() -> dict[str, PublicLicence]:
    data = read_packaged(_FILE)
    return {
        identity: PublicLicence(frozenset(entry["permits"]), frozenset(entry["requires"]))
        for entry in parse_toml(data, max_bytes=len(data))["licence"]
        for identity in entry["ids"]
    }
