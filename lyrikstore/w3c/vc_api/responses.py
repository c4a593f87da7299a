"""What the VC API's answers look like: JSON, and errors in the form of RFC 9457."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

HEADERS: Mapping[str, str] = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Of every answer."""


def json_answer(
    status: int,
    body: Any,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return ``body`` as JSON.

    Args:
        status: Of HTTP.
        body: A problem, if it has a ``status`` of its own and this one is an error.
        kind: Media type, where it is no problem.
        headers: Further ones.
    """
    if status >= 400 and isinstance(body, dict) and "status" in body:
        kind = "application/problem+json"
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    return Response(text, status, media_type=kind, headers={**HEADERS, **(headers or {})})


def problem(status: int, url: str, detail: str) -> dict[str, Any]:
    """Return a problem of a type that ``url`` names."""
    title = url.partition("#")[2] or HTTPStatus(status).phrase
    return {"type": url, "title": title, "status": status, "detail": detail[:500]}


def problem_answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a request that HTTP alone has a word for."""
    return json_answer(status, problem(status, "about:blank", detail), headers=headers)
