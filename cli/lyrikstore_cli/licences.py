"""What ``commit``, ``issue`` and ``permit`` say of licences: how many records state none."""

from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api.commands import LicenceCount, NarrowerTerms, OtherHolder

SHOWN = 10


def say_licences(screen: Screen, found: "LicenceCount") -> None:
    """Say what is stated for the whole, what in how many records, and in how many nothing.

    Args:
        screen: Where to.
        found: What was counted.
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
    """Say that a licence for the whole is claimed for records that state none, or another."""
    if found.others:
        screen.say(
            f"! {escape_control(found.expression)} does not name what records state: "
            f"{', '.join(map(escape_control, found.others[:SHOWN]))}",
            "yellow",
        )
    if found.expression is None or not found.has_gaps:
        return
    records = pluralize(found.unstated or 0, "record that states", "records that state")
    screen.say(
        f"! {escape_control(found.expression)} is claimed for the {records} none of their own, too",
        "yellow",
    )
    screen.hint(
        'leave --licence out to claim none for them; a terms file says licence = "NONE" of their '
        "files: docs/terms.md"
    )


def warn_of_textless(screen: Screen, licences: "tuple[str, ...]") -> None:
    """Ask for the texts of licences that have no public one."""
    for one in licences:
        screen.say(
            f"! {escape_control(one)} is no public licence, and its text is not given", "yellow"
        )
    if licences:
        screen.hint(
            "commit again with --licence-text FILE, which issue and permit ask for; of several "
            "licences the terms file names the others: docs/terms.md"
        )


def own_word(other: "OtherHolder") -> str:
    """Return that terms about somebody else's data are one's own word, for people."""
    return f"by your own word: {escape_control(other.summary)}"


def warn_of_own_word(screen: Screen, other: "OtherHolder", *, asked: bool) -> None:
    """Say that terms about somebody else's data are one's own word.

    Args:
        screen: Where to.
        other: What says that it is.
        asked: Whether that was said before.
    """
    if not asked:
        screen.say(f"! {own_word(other)}", "yellow")
    if other.reason != "imported":
        screen.hint(
            "if it is your own, state so once: commit --describe FILE with [origin] "
            'state = "not-applicable" and a reason'
        )


def warn_of_narrower(screen: Screen, found: "tuple[NarrowerTerms, ...]") -> None:
    """Say where terms are narrower than the public licence that is stated."""
    for one in found:
        screen.say(f"! {escape_control(one.summary)}", "yellow")
