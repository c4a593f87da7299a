"""Messages of ``commit``, ``issue`` and ``permit`` about licences."""

from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api.commands import LicenceCount, NarrowerTerms, OtherHolder

SHOWN = 10


def say_licences(screen: Screen, found: "LicenceCount") -> None:
    """Print the licence of the whole and the licences of records, each with a count.

    Args:
        screen: Where it is printed.
        found: The counted licences.
    """
    records = pluralize(found.records, "record")
    if found.field is None:
        stated = (
            f"{escape_control(found.expression)} for" if found.expression else "none stated, of"
        )
        screen.result(f"  licence  {stated} {records}")
        return
    whole = escape_control(found.expression) if found.expression else "none stated"
    listed = [f"{escape_control(one)} {count:,}" for one, count in found.values[:SHOWN]]
    listed += ["others …"] if len(found.values) > SHOWN else []
    listed.append("none not counted" if found.unstated is None else f"none {found.unstated:,}")
    screen.result(
        f"  licence  {whole} for all; in {escape_control(found.field)}, of {records}: "
        f"{', '.join(listed)}"
    )


def warn_of_gaps(screen: Screen, found: "LicenceCount") -> None:
    """Warn of records that state no licence, or one that the licence of the whole does not name."""
    if found.others:
        screen.say(
            f"! {escape_control(found.expression)} does not name licences that records state: "
            f"{', '.join(map(escape_control, found.others[:SHOWN]))}",
            "yellow",
        )
    if found.expression is None or not found.has_gaps:
        return
    records = pluralize(found.unstated or 0, "record", "records")
    screen.say(
        f"! {escape_control(found.expression)} is also claimed for {records} without a licence",
        "yellow",
    )
    screen.hint(
        'commit without --licence to claim none for them; in a terms file, licence = "NONE" '
        "states it for their files: docs/terms.md"
    )


def warn_of_textless(screen: Screen, licences: "tuple[str, ...]") -> None:
    """Warn of licences that are not public and whose text is missing."""
    for one in licences:
        screen.say(
            f"! {escape_control(one)} is not a public licence, and its text is missing", "yellow"
        )
    if licences:
        screen.hint(
            "commit again with --licence-text FILE, which issue and permit require; the texts of "
            "further licences are named in a terms file: docs/terms.md"
        )


def own_word(other: "OtherHolder") -> str:
    """Return the warning that the user sets terms for data of another holder."""
    return f"by your own word: {escape_control(other.summary)}"


def warn_of_own_word(screen: Screen, other: "OtherHolder", *, asked: bool) -> None:
    """Warn that the user sets terms for data of another holder.

    Args:
        screen: Where it is printed.
        other: Why the data may belong to another holder.
        asked: Whether the user has already confirmed it.
    """
    if not asked:
        screen.say(f"! {own_word(other)}", "yellow")
    if other.reason != "imported":
        screen.hint(
            "if the data is your own, state it once: commit --describe FILE with [origin] "
            'state = "not-applicable" and a reason'
        )


def warn_of_narrower(screen: Screen, found: "tuple[NarrowerTerms, ...]") -> None:
    """Warn of terms that are narrower than the stated public licence."""
    for one in found:
        screen.say(f"! {escape_control(one.summary)}", "yellow")
