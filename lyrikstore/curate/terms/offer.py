"""The terms file ``terms.toml``: terms and claims that a publisher issues (docs/terms.md).

The file uses the words of the credential (spec/10-credentials.md), so that publishers write what
they will sign.
"""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn, Self

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import read_at_most, real_path
from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.canon.toml import check_user_file, parse_toml
from lyrikstore.credentials.terms.model import (
    NO_LICENCE,
    WHOLE,
    Partition,
    Selector,
    Terms,
    UsageLimits,
    whole,
)
from lyrikstore.credentials.terms.vocabulary import territory_of
from lyrikstore.curate.terms.licence import parse_licence

MAX_BYTES = 1 << 20
MAX_TEXT_BYTES = 16 << 20

_HINT = "docs/terms.md shows a whole file"


class Offer(Struct, frozen=True):
    """The content of a credential beyond the manifest.

    Attributes:
        terms: The terms of the files, by partition.
        texts: Licence texts, each with the id of the licence.
        regulatory: Statements about laws, as the credential has them; a party without ``did`` or
            ``name`` is the issuer.
        quality: Claims about quality that cannot be recomputed, as the credential has them.
        measures: Recipes to measure when issuing: ``{use, parameters?}``.
    """

    terms: Terms
    texts: tuple[tuple[str, bytes], ...] = ()
    regulatory: tuple[Mapping[str, JSON], ...] = ()
    quality: tuple[Mapping[str, JSON], ...] = ()
    measures: tuple[Mapping[str, JSON], ...] = field(default=())

    @classmethod
    def of_words(
        cls,
        permits: tuple[str, ...],
        prohibits: tuple[str, ...] = (),
        requires: tuple[str, ...] = (),
        grantable: tuple[str, ...] = (),
    ) -> Self:
        """Return an offer with the same terms for all files, and no claims."""
        return cls(whole(permits, prohibits, requires, grantable))


def load_offer(path: Path) -> Offer:
    """Return the offer in a terms file.

    Args:
        path: A TOML file; licence texts must lie in its folder.

    Raises:
        InvalidInputError: (``unreadable``) the file, or a licence text, cannot be read;
            (``bad-terms``) it is not TOML, has an unknown or missing member, an invalid value, or a
            text outside its folder; the message names the place; (``bad-licence``) a licence is not
            an SPDX expression. Terms that do not fit the dataset are found when issuing.
    """
    try:
        document = parse_toml(read_at_most(path, MAX_BYTES + 1), max_bytes=MAX_BYTES)
    except FormatError as error:
        _bad(f"{path.name}: {error.message}")
    plain = _plain(document)
    try:
        check_user_file(plain, "terms")
        partitions = tuple(_partition(part) for part in plain.get("partition", ())) or (
            _partition({"name": WHOLE, **plain}),
        )
    except FormatError as error:
        _bad(f"{path.name}: {error.message}", error.hint)
    return Offer(
        Terms(partitions),
        tuple(
            (name, read_licence_text(_beside(path, file)))
            for name, file in plain.get("texts", {}).items()
        ),
        tuple(_statement(item) for item in plain.get("regulatory", ())),
        tuple(
            {"type": "QualityMeasurement", "basis": "human-asserted", **item}
            for item in plain.get("quality", ())
        ),
        tuple(plain.get("measure", ())),
    )


def _partition(part: Mapping[str, Any]) -> Partition:
    licence = part.get("licence")
    return Partition(
        name=part["name"],
        permits=tuple(part.get("permits", ())),
        prohibits=tuple(part.get("prohibits", ())),
        requires=tuple(part.get("requires", ())),
        grantable=tuple(part.get("grantable", ())),
        limits=_limits(part.get("limits", {})),
        select=tuple(Selector.of(item) for item in part.get("select", ())),
        licence=licence if licence in (None, NO_LICENCE) else parse_licence(licence),
    )


def _limits(given: Mapping[str, Any]) -> UsageLimits:
    limits = UsageLimits.of(given)
    return replace(limits, territory=territory_of(limits.territory))


def _statement(item: Mapping[str, Any]) -> dict[str, JSON]:
    named = item.get("warrantedBy", {})
    return {
        "type": "RegulatoryStatement",
        **{member: item[member] for member in ("regime", "status", "basis", "asOf")},
        "warrantedBy": {"type": "Party", **named},
    }


def _beside(terms: Path, name: str) -> Path:
    # ATTACK: a terms file from another person names a private file, so that it is published.
    if "\0" in name:
        _bad(f"licence text {name[:200]!r} is not a file name")
    path = real_path(terms.parent / name)
    if not path.is_relative_to(real_path(terms.parent)):
        _bad(f"licence text {name[:200]!r} is not in the folder of {terms.name}")
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - raise nothing
        _bad(f"licence text {name[:200]!r} is not a file")  # reading a FIFO would never end
    return path


def read_licence_text(path: Path) -> bytes:
    """Return the text of a licence.

    Raises:
        InvalidInputError: (``bad-terms``) it is too long.
        LyrikstoreError: See :func:`read_at_most`.
    """
    data = read_at_most(path, MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        _bad(f"licence text {path} is longer than {MAX_TEXT_BYTES} bytes")
    return data


def _plain(value: Any, member: str = "") -> Any:
    match value:
        case dict():
            return {str(key): _plain(item, str(key)) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case Decimal():
            return format(value, "f")
        case datetime():
            aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
            try:
                return format_timestamp(aware.astimezone(UTC).replace(microsecond=0))
            except OverflowError:
                _bad(f"{value.isoformat()} is not between the years 1 and 9999")
        case date() if member in ("useFrom", "useUntil"):
            hour = time(23, 59, 59) if member == "useUntil" else time()
            return format_timestamp(datetime.combine(value, hour, UTC))
        case date() | time():
            return value.isoformat()
        case _:
            return value


def _bad(message: str, hint: str = "") -> NoReturn:
    raise InvalidInputError("bad-terms", message, hint=hint or _HINT)
