"""Terms of datasets: drawn, as the program writes them, and as its credentials say them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from lyrikstore.credentials.terms.model import Partition, Selector, Terms, UsageLimits
from lyrikstore.testing.clocks import FrozenClock
from tests.model.rights_oracle import Part, Wish

WORDS = ("train", "evaluate", "commercialUse", "redistribute", "modify", "derivativeModels")
TRAIN, EVALUATE = frozenset({"train"}), frozenset({"evaluate"})
WISHES = (Wish(TRAIN), Wish(TRAIN | {"commercialUse"}), Wish(TRAIN, "DE"))
WIDE = Part(frozenset(WORDS))
NARROW = Part(TRAIN | EVALUATE, requires=frozenset({"attribution"}))
PERMITS = [
    frozenset(WORDS),
    TRAIN | EVALUATE | {"redistribute"},
    TRAIN | EVALUATE | {"commercialUse"},
    TRAIN | EVALUATE | {"redistribute", "derivativeModels"},
    EVALUATE,
]


@st.composite
def parts(draw: Any, clock: FrozenClock, files: Sequence[str]) -> dict[str, Part]:
    """Return terms of a dataset: the same for all files, or of the first one others."""

    def one() -> Part:
        prohibits = draw(st.sampled_from([frozenset(), frozenset({"commercialUse"})]))
        permits = draw(st.sampled_from(PERMITS)) - prohibits
        grantable = draw(st.sampled_from([frozenset(), TRAIN | {"commercialUse", "redistribute"}]))
        duties = [(), ("attribution",), ("deleteOnExpiry", "attribution"), ("shareAlike",)]
        days = draw(st.sampled_from([None, None, 10, 60]))
        return Part(
            permits, prohibits, frozenset(draw(st.sampled_from(duties))),
            frozenset(draw(st.sampled_from([(), (), ("DE",)]))),
            None if days is None else clock() + timedelta(days=days),
            grantable - prohibits - permits,
        )  # fmt: skip

    most = one()
    found = dict.fromkeys(files, most)
    if len(found) > 1 and draw(st.booleans()):
        found[min(found)] = one()
    return found


def within(part: Part, places: frozenset[str]) -> Part:
    """Return terms of which a grant is for some countries only."""
    both = part.places & places if part.places and places else part.places | places
    return Part(part.permits, part.prohibits, part.requires, both, part.until, part.grantable)


def said_in(data: bytes, files: Iterable[str]) -> tuple[dict[str, Part], datetime | None]:
    """Return what a credential says: file → its terms, and its end."""
    document = json.loads(data)
    parts: dict[str, Part] = {}
    for item in document["credentialSubject"]["licence"]["partitions"]:
        chosen = [one["path"] for one in item.get("select", ())] or set(files) - parts.keys()
        limits = item.get("limits", {})
        until = limits.get("useUntil")
        words = ("permits", "prohibits", "requires")
        part = Part(
            *(frozenset(item.get(name, ())) for name in words),
            frozenset(limits.get("territory", ())),
            None if until is None else datetime.fromisoformat(until),
            frozenset(item.get("grantable", ())),
        )
        parts.update(dict.fromkeys(chosen, part))
    end = document.get("validUntil")
    return parts, None if end is None else datetime.fromisoformat(end)


def terms_of(parts: Mapping[str, Part]) -> Terms:
    """Return terms as the program has them: equal files are one partition."""
    if len(set(parts.values())) == 1:
        return Terms((_partition("all", next(iter(parts.values()))),))
    return Terms(
        tuple(
            _partition(path.replace("/", "-"), part, Selector(path=path))
            for path, part in sorted(parts.items())
        )
    )


def _partition(name: str, part: Part, *select: Selector) -> Partition:
    limits = UsageLimits(territory=tuple(sorted(part.places)), use_until=part.until)
    words = (part.permits, part.prohibits, part.requires)
    return Partition(
        name, *(tuple(sorted(some)) for some in words), limits=limits, select=select,
        grantable=tuple(sorted(part.grantable)),
    )  # fmt: skip
