"""Output about a credential just issued, and about similar ones issued before."""

import json
from typing import Any

from lyrikstore.api import Store
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore_cli.output.screen import Screen


def earlier_rows(store: Store, credential: bytes) -> list[dict[str, Any]]:
    """Return id and log index of the credentials like this one that are in force next to it."""
    try:
        found = store.credentials.earlier(credential)
    except LyrikstoreError:  # the command itself succeeded; `verify` says what is wrong
        return []
    return [{"credential": str(entry.id), "logIndex": entry.index} for entry in found]


def status_urls(credential: bytes) -> list[str]:
    """Return the URLs of the status lists that a credential of ours names, sorted."""
    entries = json.loads(credential).get("credentialStatus", [])
    listed = entries if isinstance(entries, list) else [entries]
    return sorted({entry["statusListCredential"] for entry in listed})


def hint_earlier(screen: Screen, rows: list[dict[str, Any]]) -> None:
    """Say what may have been logged by a command that was interrupted before it wrote the file."""
    if not rows:
        return
    last, more = rows[-1], f", and {len(rows) - 1} before it" if rows[1:] else ""
    short = last["credential"].removeprefix("blake3:")[:12]
    screen.hint(
        f"credential {short}, log entry {last['logIndex']}, is about the same and in force "
        f"too{more}; where a command was interrupted before it wrote the file: "
        f"lyrikstore show {short} --raw > FILE"
    )
