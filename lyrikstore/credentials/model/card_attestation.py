"""Building of attestations about a card: answers to its questions, or a challenge (spec §20.9).

The attester has no store, but the draft of a card. The attestation names the model or dataset by
content and version, the draft by digest, and with each answer the statements beside the question.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.toml import check_user_file, parse_toml
from lyrikstore.credentials.model.credential import (
    CARD_ATTESTATION,
    CredentialMetadata,
    check_credential_shape,
)

CARD_ATTESTATION_KINDS: Mapping[str, str] = {
    "answers": "answers to a card",
    "challenge": "challenge to a card",
}
"""Kinds of attestation about a card → their names for people."""

TYPES: Mapping[str, str] = {"checkpoint": "Checkpoint", "dataset": "Dataset"}
"""Kind of a card's object → the type of the subject."""

MAX_STATEMENT_BYTES = 1 << 20

_ANSWER = frozenset({"text", "state", "choice", "scope"})
"""Members of an answer that the author writes; the other members are filled in."""

_HINT = "docs/cards.md has a complete file"


def parse_card_statement(data: bytes, kind: str) -> dict[str, Any]:
    """Return the statement of a TOML file, with every answer as a table.

    Args:
        data: The file: ``liability``; and ``answers``, question → a text or a table of ``text``,
            ``state``, ``choice``, ``scope``; or ``challenges``, ids of statements, and ``grounds``.
        kind: A word of :data:`CARD_ATTESTATION_KINDS`.

    Raises:
        InvalidInputError: (``bad-answers``) the file has another form.
    """
    try:
        found = parse_toml(data, max_bytes=MAX_STATEMENT_BYTES)
    except FormatError as error:
        raise _bad(error.message) from None
    wanted = {"answers"} if kind == "answers" else {"challenges", "grounds"}
    absent = sorted({"liability", *wanted} - found.keys())
    unknown = sorted(found.keys() - {"liability", *wanted})
    if absent or unknown:
        what = f"it lacks {absent[0]}" if absent else f"it has the unknown member {unknown[0]!r}"
        raise _bad(what)
    answers, challenges = found.get("answers", {}), found.get("challenges", [])
    if not isinstance(answers, dict) or (kind == "answers" and not answers):
        raise _bad("answers is a table: question = answer")
    if not isinstance(challenges, list):
        raise _bad("challenges is a list of ids of statements")
    if kind == "answers":
        found["answers"] = {
            name: {"text": one} if isinstance(one, str) else one for name, one in answers.items()
        }
    return found


def build_card_attestation(
    metadata: CredentialMetadata,
    subject: Mapping[str, str],
    *,
    kind: str,
    card: str,
    statement: Mapping[str, Any],
    asked: Mapping[str, str],
    seen: Mapping[str, Mapping[str, str]],
) -> dict[str, JSON]:
    """Return an unsigned attestation about a card.

    Args:
        metadata: Issuer and validity of the attestation.
        subject: ``type``, ``id`` (tree), ``files``, ``manifest``, ``store`` as URNs, and ``name``.
        kind: A word of :data:`CARD_ATTESTATION_KINDS`.
        card: BLAKE3 of the draft's ``card.json``, as a URN.
        statement: As :func:`parse_card_statement` returns it.
        asked: Question → its text.
        seen: Question → the statements beside it, id → text.

    Raises:
        InvalidInputError: (``bad-answers``) it does not satisfy the schema; the message names the
        place.
    """
    attestation: dict[str, JSON] = {
        "type": "Attestation",
        "kind": kind,
        "card": card,
        "liability": statement["liability"],
    }
    if kind == "answers":
        attestation["answers"] = [
            _answer(name, one, asked[name], seen.get(name, {}))
            for name, one in statement["answers"].items()
        ]
    else:
        challenged: Sequence[str] = statement["challenges"]
        attestation["challenges"] = list(challenged)
        attestation["grounds"] = statement["grounds"]
    label = CARD_ATTESTATION_KINDS[kind]
    document: dict[str, JSON] = {
        **metadata.members(CARD_ATTESTATION),
        "name": f"{label[:1].upper()}{label[1:]}: {subject['name']}",
        "credentialSubject": {**subject, "attestation": attestation},
    }
    try:
        inside = ("credentialSubject", "attestation")
        check_user_file(document, CARD_ATTESTATION.schema, inside=inside)
        check_credential_shape(document, CARD_ATTESTATION)
    except FormatError as error:
        raise _bad(error.message) from None
    return document


def _answer(question: str, stated: Any, asks: str, seen: Mapping[str, str]) -> JSON:
    if not isinstance(stated, dict):
        raise _bad(f"{question}: an answer is a text, or a table with one")
    if unknown := sorted(stated.keys() - _ANSWER):
        raise _bad(f"{question}: {unknown[0]!r} is not a member of an answer")
    found: dict[str, JSON] = {
        "state": "value",
        "scope": "version",
        **stated,
        "type": "Answer",
        "question": question,
        "asks": asks,
    }
    if seen:
        found["seen"] = [
            {"type": "SeenStatement", "statement": name, "text": text}
            for name, text in seen.items()
        ]
    return found


def _bad(message: str) -> InvalidInputError:
    return InvalidInputError("bad-answers", f"the answers: {message}", hint=_HINT)
