"""Lines about what was handed over, deployed and asked."""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import escape_control


def event_line(event: Mapping[str, Any]) -> str:
    """Return one event of a dataset or checkpoint, as ``store.query.events_of`` gives it."""
    said = f"{escape_control(event['eventText'])}, claims {event['created']}"
    return f"{said}: {escape_control(event['name'])} {Digest.parse(event['id']).short}"
