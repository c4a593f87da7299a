"""Evidence that data belongs to another holder than the issuer of its terms (spec §19.10).

Only the holder of data can license it. An issuer of terms about another holder's data makes an own
statement, and the terms mark it as such for their readers. The mark changes no decision: signature
and trust file decide as before.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.credentials.terms.claim import licence_ids
from lyrikstore.credentials.terms.model import NO_LICENCE
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.datasets.licences import count_licences

MAX_TEXT_BYTES = 16 << 20
_MAX_NAME = 200
_NOTICE = re.compile(
    r"^\W{0,9}(?:copyright\s{1,9}(?:\(c\)|©)?|\(c\)|©)\s{0,9}\d{4}[\d\s,–-]{0,99}(?:by\s)?([^\r\n]{1,400})",
    re.IGNORECASE | re.MULTILINE,
)
"""A notice with a year: ``Copyright (c) 2019 NAME``. Licences speak of copyright without one."""

_OF_THE_TEXT = ("free software foundation",)
"""Holders whose notice is about the text of a licence, not about the licensed data."""


class OtherHolder(Struct, frozen=True):
    """Evidence that data belongs to another holder.

    Attributes:
        reason: ``imported``; ``origin``: its description names another origin; ``licence-text``: a
            notice in the text names a holder; ``licence``: it is under a public licence, and the
            issuer does not state that the data is their own.
        licence: The licence, as an SPDX expression or as a field names it, or None.
        holder: The named holder, or None.
    """

    reason: str
    licence: str | None
    holder: str | None

    @property
    def summary(self) -> str:
        """One line."""
        return {
            "imported": f"it was imported, and signed by {self.holder}",
            "origin": f"its description names another origin: {self.holder}",
            "licence-text": f"its licence{self._licence} names a holder: {self.holder}",
            "licence": f"it is under {self.licence}, and nobody states that it is one's own",
        }[self.reason]

    @property
    def _licence(self) -> str:
        return "" if self.licence is None else f", {self.licence},"

    def to_json(self) -> dict[str, JSON]:
        """Return the evidence as JSON of results."""
        return {
            "reason": self.reason,
            "licence": self.licence,
            "namedHolder": self.holder,
            "summary": self.summary,
        }


def other_holder(
    licences: Iterable[str | None],
    origin: Mapping[str, Any],
    texts: Iterable[bytes] = (),
) -> OtherHolder | None:
    """Return the evidence that data belongs to another holder, or None.

    Args:
        licences: The licence expressions stated for all of the data or parts of it.
        origin: The field ``origin`` of its descriptor: the organisation that it comes from, if not
            the issuer; ``not-applicable`` states that the data is the issuer's own.
        texts: The available texts of its licences.
    """
    stated = [one for one in licences if one not in (None, NO_LICENCE)]
    licence = " AND ".join(dict.fromkeys(filter(None, stated))) or None
    if origin.get("state") == "value":
        return OtherHolder("origin", licence, _words(origin["value"]))
    if origin.get("state") == "not-applicable":
        return None
    for text in texts:
        if (named := _named_in(text)) is not None:
            return OtherHolder("licence-text", licence, named)
    ids = frozenset[str]().union(*map(licence_ids, stated))
    if all(one.startswith("LicenseRef-") for one in ids):
        return None
    return OtherHolder("licence", licence, None)


def other_holder_of(
    repository: Repository, manifest: Manifest, licences: Iterable[str | None] = ()
) -> OtherHolder | None:
    """Return the evidence that a dataset of a store belongs to another holder, or None.

    Args:
        repository: The store.
        manifest: A dataset version.
        licences: The licences that terms state for parts of it.
    """
    counted = count_licences(manifest.body, None)
    try:
        lineage = Lineage.read(repository, manifest.id)
        for source in lineage.rests_on([manifest.id], strict=True).direct:
            for foreign in source.attachments_in("foreign-manifest"):
                author = parse_manifest(_read(repository, foreign.id)).author
                return OtherHolder("imported", counted.expression, author)
        texts = [_read(repository, one.id) for one in manifest.attachments_in("licence-text")]
    except LyrikstoreError:  # missing or retired: only the remaining evidence counts
        texts = []
    origin: Mapping[str, Any] = manifest.body["descriptor"].get("origin", {})
    found = other_holder([counted.expression, *licences], origin, texts)
    some = counted.field is not None and counted.unstated != counted.records
    if found is None and some and origin.get("state") != "not-applicable":
        return OtherHolder("licence", f"the licences in {counted.field}", None)
    return found


def _read(repository: Repository, identity: Digest) -> bytes:
    return repository.blobs.read(identity, max_bytes=MAX_TEXT_BYTES)


def _named_in(text: bytes) -> str | None:
    for found in _NOTICE.finditer(text.decode("utf-8", "replace")):
        name = " ".join(found[1].split())[:_MAX_NAME]
        if name and not any(one in name.casefold() for one in _OF_THE_TEXT):
            return name
    return None


def _words(value: JSON) -> str:
    return value[:_MAX_NAME] if isinstance(value, str) else str(value)[:_MAX_NAME]
