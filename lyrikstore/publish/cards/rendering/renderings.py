"""The renderings of cards, each with the version of its renderer."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.document import MAX_CARD, read_content
from lyrikstore.publish.cards.rendering import chai, croissant, cyclonedx, markdown
from lyrikstore.publish.cards.rendering.document_pdf import pdf_version, to_pdf
from lyrikstore.publish.cards.rendering.page import html_version, renderer_of, to_html

ROLES_OF: Mapping[str, Sequence[str]] = {
    "checkpoint": ("markdown", "html", "pdf", "cyclonedx", "chai"),
    "dataset": ("markdown", "html", "pdf", "croissant"),
}
"""Kind of the subject → roles of the renderings of its card."""

RENDERINGS = tuple(dict.fromkeys(role for roles in ROLES_OF.values() for role in roles))

ROLES = ("card", *RENDERINGS)
"""Roles of the attachments that may be handed over as the card."""

_MAKE: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {
    "markdown": markdown.to_markdown,
    "html": to_html,
    "pdf": to_pdf,
    "cyclonedx": cyclonedx.to_cyclonedx,
    "chai": chai.to_chai,
    "croissant": croissant.to_croissant,
}
_VERSIONS: Mapping[str, Callable[[], str]] = {
    "markdown": lambda: markdown.VERSION,
    "html": html_version,
    "pdf": pdf_version,
    "cyclonedx": lambda: cyclonedx.VERSION,
    "chai": lambda: chai.VERSION,
    "croissant": lambda: croissant.VERSION,
}


def version_of(role: str) -> str:
    """Return the renderer of a role with its version, or "" if it is not installed."""
    return _VERSIONS[role]() if role in _VERSIONS else ""


def render(card: Mapping[str, Any], roles: Sequence[str] | None = None) -> dict[str, bytes]:
    """Return ``card.json`` and its renderings: role of the attachment → bytes.

    Args:
        card: Contents of ``card.json``.
        roles: Roles of the renderings; None: all that can be made. A PDF needs Typst, and a letter
            for each character in its fonts; no rendering may be longer than ``MAX_CARD``.

    Raises:
        InvalidInputError: (``missing-extra``, ``not-printable``, ``too-large``) a requested
            rendering cannot be made.
        LyrikstoreError: As :func:`check_role`.
    """
    files = {"card": encode(card)}
    kind = card["subject"]["kind"]
    for role in ROLES_OF[kind] if roles is None else roles:
        check_role(kind, role)
        try:
            files[role] = _short(role, _MAKE[role](card))
        except InvalidInputError:
            if roles is not None:
                raise
    return files


def _short(role: str, data: bytes) -> bytes:
    # Longer renderings are never read again: such a card would not verify.
    if len(data) > MAX_CARD:
        raise InvalidInputError(
            "too-large",
            f"the {role} rendering has {pluralize(len(data), 'byte')}; at most {MAX_CARD:,} are "
            "allowed",
            hint="name fewer profiles",
        )
    return data


def check_role(kind: str, role: str) -> None:
    """Raise ``no-rendering`` unless cards of this kind of subject have this rendering.

    Args:
        kind: Kind of the subject of the card.
        role: Role of the attachment; ``card`` is no rendering, and every card has it.

    Raises:
        InvalidInputError: (``no-rendering``) such cards do not have it.
    """
    roles = ("card", *ROLES_OF.get(kind, RENDERINGS))
    if role not in roles:
        known = ", ".join(roles)
        raise InvalidInputError(
            "no-rendering",
            f"the card of a {kind} has no {role} rendering",
            hint=f"choose one of: {known}",
        )


def looks_like(text: bytes) -> list[str]:
    """Return the roles of renderings with the first bytes of a file, or ``card`` if none has."""
    starts = {
        "html": b"<!doctype", "pdf": b"%PDF", "markdown": b"---", "cyclonedx": b"{\n",
        "croissant": b"{\n", "chai": b"<?xml",
    }  # fmt: skip
    return [role for role, start in starts.items() if text.startswith(start)] or ["card"]


def drawn_from(data: bytes, card: Manifest, text: bytes) -> str | None:
    """Return the role of a file that is a rendering of a card, but not attached to it; or "".

    Args:
        data: The file.
        card: The manifest of the card.
        text: Its ``card.json``.

    Returns:
        The role; None if the file may be a rendering by another version, which cannot be drawn.

    Raises:
        LyrikstoreError: As :func:`read_content`.

    Cost: draws the rendering.
    """
    content = read_content(text)
    for role in looks_like(data):
        if role not in ROLES_OF[content["subject"]["kind"]] or card.attachments_in(role):
            continue
        with suppress(InvalidInputError):  # for example, Typst is not installed
            if render(content, [role])[role] == data:
                return role
        # Only the same version of Typst, or of the renderer of pages, gives the same bytes.
        if role == "pdf" or (role == "html" and renderer_of(data) != html_version()):
            return None
    return ""


def handed_out(card: Manifest) -> dict[Digest, str]:
    """Return the files that may be handed over as a card: digest → role, "" for its manifest."""
    roles = ROLES if "profiles" in card.body else ("card",)  # version 0.1.0 has a text only
    files = {item.id: item.role for item in card.attachments if item.role in roles}
    return {**files, card.id: ""}
