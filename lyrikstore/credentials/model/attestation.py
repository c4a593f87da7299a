"""Making an attestation: what somebody other than the publisher says about a dataset (spec §20.2).

An auditor has no store, but a delivery, a statement of their own, and documents that carry the
reasons; what they sign names all of it by digest, and says whether they checked the bytes.
"""

from collections.abc import Mapping
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.toml import check_user_file, parse_toml
from lyrikstore.credentials.model.credential import (
    ATTESTATION,
    Claims,
    CredentialMetadata,
    check_credential_shape,
    sha256_multibase,
)

ATTESTATION_KINDS: Mapping[str, str] = {
    "quality": "quality audit",
    "legal": "legal opinion",
    "deidentification": "expert de-identification determination",
    "regulatory": "regulatory opinion",
}
"""What an attestation can be; the words of ``kind``, and what people call them."""

MAX_STATEMENT_BYTES = 1 << 20

_HINT = "docs/grants.md shows a whole statement"
_RISK = 'it has a [[results]] with metric = "reidentificationRisk", and its value'


def parse_statement(data: bytes) -> dict[str, Any]:
    """Return the statement in a TOML file, to be judged by the schema once it is in its place.

    Args:
        data: The file.

    Raises:
        FormatError: (``bad-statement``) not TOML, or larger than a credential may be.
    """
    try:
        # A decimal is signed as it is written: as text, which nobody rounds.
        return parse_toml(data, max_bytes=MAX_STATEMENT_BYTES, decimal=lambda value: f"{value:f}")
    except FormatError as error:
        raise FormatError("bad-statement", f"the statement: {error.message}", hint=_HINT) from None


def build_attestation(
    metadata: CredentialMetadata,
    about: Claims,
    *,
    kind: str,
    statement: Mapping[str, Any],
    documents: Mapping[str, bytes],
    content_checked: bool,
) -> dict[str, JSON]:
    """Return an unsigned attestation about the dataset that ``about`` describes.

    Args:
        metadata: Who attests, and how it may end.
        about: What the dataset's own credential says it is.
        kind: A word of :data:`ATTESTATION_KINDS`.
        statement: ``extent``, ``records``, ``selection``, ``standard``, ``method``,
            ``conclusion``, ``results``, ``limitations``, ``liability``.
        documents: File name → the reports and opinions that carry the reasons.
        content_checked: Whether the attester verified that the bytes looked at are these.

    Raises:
        FormatError: (``schema``) the statement lacks something that this kind needs, or has
            something that no attestation has; the message names the place; (``bad-statement``) it
            is about more records than the dataset has.
    """
    stated = dict(statement)
    examined: dict[str, JSON] = {
        "type": "Examination",
        "content": "checked" if content_checked else "unchecked",
    }
    for member in ("extent", "records", "selection"):
        if member in stated:
            value = stated.pop(member)
            examined[member] = str(value) if type(value) is int else value
    results = stated.pop("results", None)
    attestation: dict[str, JSON] = {
        **stated,
        "type": "Attestation",
        "kind": kind,
        "examined": examined,
    }
    if results is not None:
        attestation["results"] = [
            _finding(item) if isinstance(item, dict) else item
            for item in (results if isinstance(results, list) else [results])
        ]
    label = ATTESTATION_KINDS.get(kind, kind)
    document: dict[str, JSON] = {
        **metadata.members(ATTESTATION),
        "name": f"{label[:1].upper()}{label[1:]}: {about.name}",
        "credentialSubject": {**about.reference(), "attestation": attestation},
    }
    if documents:
        document["evidence"] = [
            {
                "id": Digest.of(data).urn,
                "type": ["Report"],
                "name": name,
                "digestMultibase": sha256_multibase(data),
            }
            for name, data in sorted(documents.items())
        ]

    _check_statement(document, kind)
    if examines_too_much(examined, about):
        raise FormatError(
            "bad-statement",
            "the statement: "
            f"{pluralize(examined['records'], 'record was', 'records were')} examined, "
            "of a dataset that has "
            f"{about.subject['recordCount']}",
            hint="correct records in the statement",
        )
    return document


def _finding(result: dict[str, Any]) -> dict[str, JSON]:
    value = result.get("value")
    stated = {"value": str(value)} if type(value) is int else {}
    return {**result, **stated, "type": "Finding"}


def _check_statement(document: dict[str, JSON], kind: str) -> None:
    try:
        check_user_file(
            document, ATTESTATION.schema, inside=("credentialSubject", "attestation", "examined")
        )
        check_credential_shape(document, ATTESTATION)
    except FormatError as error:
        said, hint = error.message, error.hint
        if kind == "deidentification" and said.startswith("results: "):
            said, hint = "an expert determination states a risk", _RISK
        raise FormatError(error.kind, f"the statement: {said}", hint=hint or _HINT) from None


def examines_too_much(examined: Mapping[str, Any], about: Claims) -> bool:
    """Return whether more records were examined, by a statement, than the dataset has.

    Args:
        examined: The examination, as the schema wants it.
        about: What the dataset's own credential says of the very version that was looked at;
            another version of the same files may count its records in another way.
    """
    return int(examined.get("records", 0)) > int(about.subject["recordCount"])
