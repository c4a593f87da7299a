"""Lines about what was handed over, deployed, asked and decided."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.output.screen import short_did


def event_lines(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each event of a dataset or checkpoint; one for all times it was asked.

    Args:
        events: As ``store.query.events_of`` gives them.
    """
    asked = [one for one in events if one["kind"] == "prediction"]
    for one in events:
        if one["kind"] != "prediction" or len(asked) == 1:
            yield (
                f"{escape_control(one['eventText'])}, claims {one['created']}: "
                f"{escape_control(one['name'])} {Digest.parse(one['id']).short}"
            )
    if len(asked) > 1:
        names = ", ".join(sorted({escape_control(one["name"]) for one in asked}))
        said = f"asked {pluralize(len(asked), 'time')}, claims {asked[0]['created']} to"
        yield f"{said} {asked[-1]['created']}: lyrikstore log {names} has each"


def decided_line(one: Mapping[str, Any]) -> str:
    """Return one decision about a card, as ``store.query.decisions_about`` gives it."""
    who = escape_control(one["nickname"] or f"{short_did(one['author'])} (unknown to you)")
    done = "withdrew approval of" if one["decision"] == "withdraw" else "approved"
    own = ", their own work" if one["self"] else ""
    said = f": {escape_control(one['statement'])}" if one["statement"] else ""
    counted = "" if one["isCounted"] or one["decision"] == "withdraw" else ", which does not count"
    card = Digest.parse(one["card"]).short
    return (
        f"{who} {done} card {card}{own}{counted}, entry {one['logIndex']}, "
        f"claims {one['created']}{said} ({escape_control(one['ruleText'])})"
    )
