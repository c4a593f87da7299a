"""Output about similar credentials that were issued before."""

import json
from typing import Any

from lyrikstore.api import Store
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore_cli.output.screen import Screen


def earlier_rows(store: Store, credential: bytes) -> list[dict[str, Any]]:
    """Return id and log index of earlier credentials about the same that are still in force."""
    try:
        found = store.credentials.earlier(credential)
    except LyrikstoreError:  # the command itself succeeded; `verify` says what is wrong
        return []
    return [{"credential": str(entry.id), "logIndex": entry.index} for entry in found]


def status_urls(credential: bytes) -> list[str]:
    """Return the sorted URLs of the status lists that our credential names."""
    entries = json.loads(credential).get("credentialStatus", [])
    listed = entries if isinstance(entries, list) else [entries]
    return sorted({entry["statusListCredential"] for entry in listed})


def hint_earlier(screen: Screen, rows: list[dict[str, Any]]) -> None:
    """Print the earlier credentials, which an interrupted command may have logged."""
    if not rows:
        return
    last, more = rows[-1], f", and {len(rows) - 1} before it" if rows[1:] else ""
    short = last["credential"].removeprefix("blake3:")[:12]
    screen.hint(
        f"credential {short}, log entry {last['logIndex']}, is about the same and also in "
        f"force{more}; if an interrupted command logged it, write its file: "
        f"lyrikstore show {short} --raw > FILE"
    )
