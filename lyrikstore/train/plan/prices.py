"""Prices of machines: dated price files, those of lyrikstore and those of users (spec §13.10.3).

A price was published on a day. It is shown with that day, and as stale after :data:`FRESH_DAYS`;
ask the provider before you spend money.
"""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError
from lyrikstore.canon.files import read_at_most, read_packaged
from lyrikstore.canon.text import suggest
from lyrikstore.canon.toml import check_user_file, parse_toml

MAX_BYTES = 1 << 16
"""Longest price file, in bytes."""

FRESH_DAYS = 90
"""Days after which a price is shown as stale."""

_FOLDER = Path(__file__).parent / "prices"
_NUMBERS = ("memoryGb", "boardWatts", "peakBf16Tflops", "usdPerHour")
_HINT = "docs/plan.md shows a price file"


class PricedMachine(Struct, frozen=True):
    """A machine that can be rented.

    Attributes:
        name: Its name in the file.
        gpu: Its GPU.
        memory_bytes: The GPU's memory.
        board_watts: Maximum power of the board.
        peak_bf16_flop_per_second: Dense bf16 operations per second.
        usd_per_hour: The price of an hour.
    """

    name: str
    gpu: str
    memory_bytes: int
    board_watts: Decimal
    peak_bf16_flop_per_second: Decimal
    usd_per_hour: Decimal


class PriceFile(Struct, frozen=True):
    """The prices of one provider on one day.

    Attributes:
        provider: The provider.
        as_of: The day.
        source: URL of the prices.
        kind: ``official``, or ``secondary``: not published by the provider.
        scale_to_zero: Whether time without requests is free.
        machines: The machines, in the order of the file.
        digest: BLAKE3 of the file; a run names it to identify the prices of its plan.
    """

    provider: str
    as_of: date
    source: str
    kind: str
    scale_to_zero: bool
    machines: tuple[PricedMachine, ...]
    digest: Digest

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a price file.

        Args:
            data: The file, TOML.

        Raises:
            InvalidInputError: (``bad-prices``) not TOML, an unknown or missing member, a value out
                of range, an invalid date, or a machine that occurs twice.
        """
        try:
            document = parse_toml(data, max_bytes=MAX_BYTES, decimal=lambda value: f"{value:f}")
            _write_integers(document)
            check_user_file(document, "prices")
            as_of = date.fromisoformat(document["asOf"])
        except FormatError as error:
            raise _bad(error.message, error.hint) from None
        except ValueError:
            raise _bad(f"asOf: {document['asOf']} is not a date") from None
        machines = tuple(_machine(one) for one in document["machine"])
        names = [one.name for one in machines]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise _bad(f"the machine {twice} occurs twice")
        return cls(
            provider=document["provider"],
            as_of=as_of,
            source=document["source"],
            kind=document["kind"],
            scale_to_zero=document["scaleToZero"],
            machines=machines,
            digest=Digest.of(data),
        )

    def is_stale(self, today: date) -> bool:
        """Return whether the prices are older than :data:`FRESH_DAYS`."""
        return today - self.as_of > timedelta(days=FRESH_DAYS)


def shipped_prices() -> tuple[PriceFile, ...]:
    """Return the price files that come with lyrikstore, by name."""
    return tuple(PriceFile.parse(read_packaged(path)) for path in sorted(_FOLDER.glob("*.toml")))


def load_prices(path: Path | None, today: date) -> tuple[PriceFile, ...]:
    """Return the prices to plan with.

    Args:
        path: A price file of the user, instead of the shipped ones; None: the shipped ones.
        today: The day of the plan.

    Raises:
        NotFoundError, InvalidInputError: The file does not exist, is unreadable or (``bad-prices``)
            not a price file, or is dated after today: such a price would not become stale in time.
    """
    if path is None:
        return shipped_prices()
    found = PriceFile.parse(read_at_most(path, MAX_BYTES + 1))
    if found.as_of > today + timedelta(days=1):  # some time zones are a day ahead
        raise _bad(f"asOf: {found.as_of} is in the future")
    return (found,)


def find_machine(prices: tuple[PriceFile, ...], on: str) -> tuple[PriceFile, PricedMachine]:
    """Return the machine of a name ``provider/machine``, and its price file.

    Raises:
        NotFoundError: (``no-machine``) no price file has it; similar names are listed.
    """
    known = {f"{file.provider}/{one.name}": (file, one) for file in prices for one in file.machines}
    if on not in known:
        raise NotFoundError(
            "no-machine",
            f"the machine {on[:80]!r} is in no price file",
            hint=suggest(on, known) or f"known: {', '.join(sorted(known))[:300]}",
        )
    return known[on]


def _machine(table: dict[str, Any]) -> PricedMachine:
    memory, watts, tflops, usd = (Decimal(table[name]) for name in _NUMBERS)
    return PricedMachine(
        name=table["name"],
        gpu=table["gpu"],
        memory_bytes=int(memory * 10**9),
        board_watts=watts,
        peak_bf16_flop_per_second=tflops * 10**12,
        usd_per_hour=usd,
    )


def _write_integers(document: dict[str, Any]) -> None:
    # TOML distinguishes 24 and 24.0; here both are the decimal 24.
    machines = document.get("machine")
    for table in machines if isinstance(machines, list) else ():
        for name in _NUMBERS:
            if isinstance(table, dict) and type(table.get(name)) is int:
                table[name] = str(table[name])


def _bad(message: str, hint: str = "") -> InvalidInputError:
    return InvalidInputError("bad-prices", f"the price file: {message}", hint=hint or _HINT)
