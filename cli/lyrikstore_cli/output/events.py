"""Lines about what was handed over, deployed and asked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control, pluralize


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
