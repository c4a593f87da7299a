"""Answers of the VC API: JSON, and errors by RFC 9457."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

HEADERS: Mapping[str, str] = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Headers of every answer."""


def json_answer(
    status: int,
    body: Any,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response with ``body`` as JSON.

    Args:
        status: The HTTP status.
        body: The body; a problem if it has a ``status`` member and the HTTP status is an error.
        kind: Media type, unless the body is a problem.
        headers: Further headers.
    """
    if status >= 400 and isinstance(body, dict) and "status" in body:
        kind = "application/problem+json"
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    return Response(text, status, media_type=kind, headers={**HEADERS, **(headers or {})})


def problem(status: int, url: str, detail: str) -> dict[str, Any]:
    """Return a problem of RFC 9457 with the type ``url``."""
    title = url.partition("#")[2] or HTTPStatus(status).phrase
    return {"type": url, "title": title, "status": status, "detail": detail[:500]}


def problem_answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer with a problem that has no type besides its HTTP status."""
    return json_answer(status, problem(status, "about:blank", detail), headers=headers)
