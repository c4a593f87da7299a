"""Predictions as they were written before: every line has the id of its record."""

import json
from collections.abc import Iterable

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode


def by_id(data: bytes, ids: Iterable[Digest]) -> bytes:
    """Return an attachment of the format ``predictions/2`` in the format ``predictions/1``."""
    head, *lines = map(json.loads, data.splitlines())
    head["format"] = "predictions/1"
    named = [line | {"record": one.hex} for line, one in zip(lines, ids, strict=True)]
    return b"".join(encode(one) + b"\n" for one in (head, *named))
