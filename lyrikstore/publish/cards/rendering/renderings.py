"""The renderings that a card has, each with the version of what makes it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.document import MAX_CARD, read_content
from lyrikstore.publish.cards.rendering import chai, croissant, cyclonedx
from lyrikstore.publish.cards.rendering.document_pdf import pdf_version, to_pdf
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.publish.cards.rendering.page import to_html

ROLES_OF: Mapping[str, Sequence[str]] = {
    "checkpoint": ("markdown", "html", "pdf", "cyclonedx", "chai"),
    "dataset": ("markdown", "html", "pdf", "croissant"),
}
"""What a card is about → the roles of its renderings."""

RENDERINGS = tuple(dict.fromkeys(role for roles in ROLES_OF.values() for role in roles))

ROLES = ("card", *RENDERINGS)
"""Attachments that may be handed to somebody as the card."""

_MAKE: Mapping[str, Callable[[Mapping[str, Any]], bytes]] = {
    "markdown": to_markdown,
    "html": to_html,
    "pdf": to_pdf,
    "cyclonedx": cyclonedx.to_cyclonedx,
    "chai": chai.to_chai,
    "croissant": croissant.to_croissant,
}
_VERSIONS: Mapping[str, Callable[[], str]] = {
    "markdown": lambda: "markdown/1",
    "html": lambda: "html/1",
    "pdf": pdf_version,
    "cyclonedx": lambda: cyclonedx.VERSION,
    "chai": lambda: chai.VERSION,
    "croissant": lambda: croissant.VERSION,
}


def version_of(role: str) -> str:
    """Return what makes a rendering here, with its version; empty: nothing does."""
    return _VERSIONS[role]() if role in _VERSIONS else ""


def render(card: Mapping[str, Any], roles: Sequence[str] | None = None) -> dict[str, bytes]:
    """Return ``card.json`` and its renderings: role of the attachment → bytes.

    Args:
        card: What ``card.json`` holds.
        roles: Which renderings; None: all that can be made here. A PDF cannot where Typst is not
            installed, or its fonts lack a letter; none can that is longer than ``MAX_CARD``.

    Raises:
        InvalidInputError: (``missing-extra``, ``not-printable``, ``too-large``) it is asked for and
            cannot be made.
        LyrikstoreError: As :func:`check_role`.
    """
    found = {"card": encode(card)}
    kind = card["subject"]["kind"]
    for role in ROLES_OF[kind] if roles is None else roles:
        check_role(kind, role)
        try:
            found[role] = _short(role, _MAKE[role](card))
        except InvalidInputError:
            if roles is not None:
                raise
    return found


def _short(role: str, data: bytes) -> bytes:
    # What is longer is never read again: such a card would not verify.
    if len(data) > MAX_CARD:
        raise InvalidInputError(
            "too-large",
            f"its {role} has {pluralize(len(data), 'byte')}, of at most {MAX_CARD:,}",
            hint="name fewer profiles",
        )
    return data


def check_role(kind: str, role: str) -> None:
    """Refuse a rendering that no card of this kind has.

    Args:
        kind: What the card is about.
        role: Role of the attachment; ``card`` is no rendering, and every card has it.

    Raises:
        InvalidInputError: (``no-rendering``) there is none.
    """
    roles = ("card", *ROLES_OF.get(kind, RENDERINGS))
    if role not in roles:
        known = ", ".join(roles)
        raise InvalidInputError(
            "no-rendering", f"the card of a {kind} has no {role} rendering", hint=f"it has {known}"
        )


def looks_like(text: bytes) -> list[str]:
    """Return which renderings a file may be by its looks; ``card`` if none."""
    looks = {
        "html": b"<!doctype", "pdf": b"%PDF", "markdown": b"---", "cyclonedx": b"{\n",
        "croissant": b"{\n", "chai": b"<?xml",
    }  # fmt: skip
    return [role for role, start in looks.items() if text.startswith(start)] or ["card"]


def drawn_from(data: bytes, card: Manifest, text: bytes) -> str | None:
    """Return which rendering of a card a file is that nobody attached; empty: none.

    Args:
        data: The file.
        card: The manifest of the card.
        text: Its ``card.json``.

    Returns:
        The role; None where it may be one that nothing here draws as whoever made it did.

    Raises:
        LyrikstoreError: As :func:`read_content`.

    Cost: draws it.
    """
    content = read_content(text)
    for role in looks_like(data):
        if role not in ROLES_OF[content["subject"]["kind"]] or card.attachments_in(role):
            continue
        with suppress(InvalidInputError):  # such as that Typst is not installed
            if render(content, [role])[role] == data:
                return role
        if role == "pdf":  # only the same version of its maker gives the same bytes
            return None
    return ""


def handed_out(card: Manifest) -> dict[Digest, str]:
    """Return what somebody can be handed as a card: digest → role, of the manifest an empty one."""
    roles = ROLES if "profiles" in card.body else ("card",)  # of 0.1.0, the text alone
    found = {item.id: item.role for item in card.attachments if item.role in roles}
    return {**found, card.id: ""}
