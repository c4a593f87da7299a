"""Lines about deliveries, deployments, recorded predictions and card decisions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli.output.screen import short_did


def event_lines(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each event of a dataset or checkpoint, and one for all its predictions.

    Args:
        events: The result of ``store.query.events_of``.
    """
    predictions = [one for one in events if one["kind"] == "prediction"]
    for one in events:
        if one["kind"] != "prediction" or len(predictions) == 1:
            yield (
                f"{escape_control(one['eventText'])}, claims {one['created']}: "
                f"{escape_control(one['name'])} {Digest.parse(one['id']).short}"
            )
    if len(predictions) > 1:
        names = ", ".join(sorted({escape_control(one["name"]) for one in predictions}))
        count = pluralize(len(predictions), "recorded prediction")
        dates = f"dated {predictions[0]['created']} to {predictions[-1]['created']}"
        yield f"{count}, {dates}: lyrikstore log {names} lists each"


def decided_line(one: Mapping[str, Any]) -> str:
    """Return the line for one decision of ``store.query.decisions_about``."""
    who = escape_control(one["nickname"] or f"{short_did(one['author'])} (unknown to you)")
    done = "withdrew approval of" if one["decision"] == "withdraw" else "approved"
    own = ", the signer's own work" if one["self"] else ""
    said = f": {escape_control(one['statement'])}" if one["statement"] else ""
    counted = "" if one["isCounted"] or one["decision"] == "withdraw" else ", which does not count"
    card = Digest.parse(one["card"]).short
    return (
        f"{who} {done} card {card}{own}{counted}, entry {one['logIndex']}, "
        f"claims {one['created']}{said} ({escape_control(one['ruleText'])})"
    )
