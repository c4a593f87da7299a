"""A resource of a request to the rules: what it is, its facts, and their evidence (spec §21.7)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from lyrikstore.canon.digest import Digest


class Resource(Struct, frozen=True):
    """A partition of a dataset, or a model, with its facts.

    Attributes:
        kind: ``Dataset`` or ``Model``.
        name: Its name, unique in a request.
        facts: All attributes that the schema gives its kind, but for ``name``.
        evidence: Ids of the manifests and credentials from which the facts follow, sorted.
        about: Ids of the manifests for which a waiver lifts a rule of this resource.
        unread: Why facts may be incomplete: parts of the store that cannot be read.
    """

    kind: Literal["Dataset", "Model"]
    name: str
    facts: Mapping[str, Any]
    evidence: tuple[Digest, ...] = ()
    about: frozenset[Digest] = frozenset()
    unread: tuple[str, ...] = ()


def worst_of(values: Iterable[str], order: Sequence[str]) -> str:
    """Return the worst of some words.

    Args:
        values: Words of ``order``, at least one.
        order: All words, the worst first.
    """
    found = set(values)
    return next(word for word in order if word in found)
