"""The ``licence`` of a credential: building it, and checking its consistency.

A publisher may state less than a verifier accepts: words of the vocabulary or with the prefix
``x-``, existing territories, and a text for every licence without a public text.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.terms.model import NO_LICENCE, Partition, Terms
from lyrikstore.credentials.terms.partitioning import assign, extents
from lyrikstore.credentials.terms.vocabulary import (
    DUTIES,
    PERMISSIONS,
    PURPOSES,
    check_territory,
    check_words,
)
from lyrikstore.history.trees.tree import Tree

_ID = re.compile(r"[A-Za-z0-9.+:-]+")
_OPERATORS = frozenset({"AND", "OR", "WITH"})


@lru_cache(maxsize=256)  # publishers use few licences
def licence_ids(expression: str | None) -> frozenset[str]:
    """Return the licence and exception ids in an SPDX expression."""
    return frozenset(_ID.findall(expression or "")) - _OPERATORS


@lru_cache(maxsize=256)
def own_ids(expression: str | None) -> frozenset[str]:
    """Return the licence ids in an SPDX expression that have no public text."""
    return frozenset(one for one in licence_ids(expression) if one.startswith("LicenseRef-"))


def licence_claim(
    terms: Terms,
    tree: Tree,
    stated: Mapping[str, Any],
    texts: Sequence[tuple[str | None, bytes]],
    records: Sequence[int] | None,
) -> dict[str, JSON]:
    """Return the ``licence`` of a credential.

    Args:
        terms: The partitions; texts and the expression for the whole come from the other arguments.
        tree: The dataset's tree.
        stated: The ``licence`` of the dataset's manifest, or an empty mapping.
        texts: Licence texts with the ids whose texts they are.
        records: Number of records in each partition; None where every file is one.

    Raises:
        InvalidInputError: (``contradiction``) an act is permitted and prohibited, or the manifest
        does not name a licence; (``licence-text``) a text is missing, or differs from the one
        in the manifest; (``bad-partition``) a file is in no partition or in several, or a
        partition has no files.
        LyrikstoreError: As :func:`check_words`.

    Cost: O(files).
    """
    expression = stated.get("expression")
    for partition in terms.partitions:
        _check_words(partition)
        if expression is not None and partition.licence == NO_LICENCE:
            raise InvalidInputError(
                "contradiction",
                f"partition {partition.name} states no licence, and the data was committed with "
                f"{expression} for all of it",
                hint="commit again without --licence, and name the licences of the other "
                "partitions in the terms file",
            )
        foreign = licence_ids(partition.licence) - licence_ids(expression)
        if expression is not None and foreign:
            raise InvalidInputError(
                "contradiction",
                f"partition {partition.name} names {min(foreign)}, which the licence that was "
                f"committed, {expression}, does not",
                hint="commit again without --licence: each partition names its own; or with one "
                "that names them all, joined by AND",
            )
    found = {Digest.of(data): name for name, data in texts}
    wanted = stated.get("textDigest")
    if wanted is not None and Digest.parse(wanted) not in found:
        _refuse_text("the licence text has another digest than the manifest states")
    try:
        numbers = assign(tree, terms.partitions)
    except FormatError as error:
        raise InvalidInputError(error.kind, f"the terms do not fit: {error.message}") from None
    parts = extents(tree, numbers, len(terms.partitions))
    partitions: list[JSON] = []
    counts = [extent.files for extent in parts] if records is None else records
    for partition, extent, count in zip(terms.partitions, parts, counts, strict=True):
        if not extent.files and len(parts) > 1:
            raise InvalidInputError(
                "bad-partition",
                f"partition {partition.name} selects no file",
                hint="every partition must have files: correct its selectors, or omit it",
            )
        partitions.append(
            {
                **partition.to_json(),
                "fileCount": extent.files,
                "byteSize": str(extent.bytes),
                "recordCount": str(count),
            }
        )
    licence: dict[str, JSON] = {"type": "LicenceTerms", "partitions": partitions}
    if expression is not None:
        licence["spdxExpression"] = expression
    if found:
        licence["texts"] = [
            {"type": "LicenceText", "digest": digest.urn, **({"name": name} if name else {})}
            for digest, name in found.items()
        ]
    missing = missing_texts(licence)
    if missing:
        _refuse_text(f"{missing[0]} is not a public licence, and its text is missing")
    return licence


def check_licence_claim(subject: Mapping[str, Any]) -> Terms:
    """Return the terms of a subject that satisfies the schema; raise unless they are consistent.

    Raises:
        FormatError: (``bad-credential``, ``bad-timestamp``, ``bad-digest``) they are inconsistent.
    """
    licence = subject["licence"]
    terms = Terms.of(licence)
    names = [partition.name for partition in terms.partitions]
    if len(set(names)) != len(names):
        _refuse("two partitions have one name")
    if sum(not partition.select for partition in terms.partitions) > 1:
        _refuse("two partitions take what is left")
    for partition in terms.partitions:
        both = set(partition.prohibits).intersection(partition.permits + partition.grantable)
        if both:
            _refuse(f"the licence both allows and prohibits {min(both)!r}")
        start, end = partition.limits.use_from, partition.limits.use_until
        if start is not None and end is not None and end < start:
            _refuse("a period of use ends before it begins")
        if terms.licence is None or partition.licence is None:
            continue
        foreign = licence_ids(partition.licence) - licence_ids(terms.licence)
        if foreign:
            _refuse(f"a partition names {min(foreign)[:80]!r}, which the whole does not")
    for member in ("fileCount", "byteSize", "recordCount"):
        if sum([int(part[member]) for part in licence["partitions"]]) != int(subject[member]):
            _refuse(f"the partitions' {member} do not add up to the dataset's")
    if len(terms.texts) != len(licence.get("texts", ())):
        _refuse("a licence text occurs twice")
    missing = missing_texts(licence)
    if missing:
        _refuse(f"no text of {missing[0][:80]!r} is named")
    return terms


def missing_texts(licence: Mapping[str, Any]) -> list[str]:
    """Return the ``LicenseRef-`` ids in a licence claim that have no text in it."""
    stated = [one.get("spdxExpression") for one in (licence, *licence["partitions"])]
    named = [text.get("name") for text in licence.get("texts", ())]
    return sorted(frozenset().union(*map(own_ids, stated)).difference(named))


def text_name(expression: str | None) -> str | None:
    """Return the id of the licence to which the single licence text of a manifest belongs, or None.

    Among several licences, it is the one without a public text.
    """
    candidates = own_ids(expression) or licence_ids(expression)
    return next(iter(candidates)) if len(candidates) == 1 else None


def _check_words(partition: Partition) -> None:
    check_words("permission", (*partition.permits, *partition.grantable), PERMISSIONS)
    check_words("prohibition", partition.prohibits, PERMISSIONS)
    check_words("duty", partition.requires, DUTIES)
    check_words("purpose", partition.limits.purposes, PURPOSES)
    check_territory(partition.limits.territory)
    both = sorted({*partition.permits, *partition.grantable} & set(partition.prohibits))
    if both:
        raise InvalidInputError("contradiction", f"{both[0]!r} is both allowed and prohibited")


def _refuse_text(message: str) -> NoReturn:
    raise InvalidInputError(
        "licence-text",
        message,
        hint="add it with commit --licence-text, or in the terms file",
    )


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-credential", f"the credential is malformed: {reason}")
