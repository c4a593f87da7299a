"""Building of attestations: claims about a dataset by other people than its publisher (spec §20.2).

An auditor has no store, but a delivery, a statement and supporting documents. The attestation names
all of these by digest, and states whether the auditor checked the bytes.
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
    CredentialKind,
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
"""Kinds of attestation → their names for people."""

MAX_STATEMENT_BYTES = 1 << 20

_HINT = "docs/grants.md shows a whole statement"
_RISK = 'it has a [[results]] with metric = "reidentificationRisk", and its value'


def parse_statement(data: bytes) -> dict[str, Any]:
    """Return the statement in a TOML file; the schema checks it later, in the attestation.

    Args:
        data: The file.

    Raises:
        FormatError: (``bad-statement``) the file is not TOML, or larger than a credential may be.
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
        metadata: Issuer and validity of the attestation.
        about: The claims of the dataset's credential.
        kind: A word of :data:`ATTESTATION_KINDS`.
        statement: ``extent``, ``records``, ``selection``, ``standard``, ``method``,
            ``conclusion``, ``results``, ``limitations``, ``liability``.
        documents: File name → supporting reports and opinions.
        content_checked: Whether the attester verified that the examined bytes are these.

    Raises:
        FormatError: (``schema``) a member that this kind needs is missing, or a member is
        unknown; the message names the place; (``bad-statement``) it is about more records than
        the dataset has.
    """
    attestation = attested(statement, kind, content_checked=content_checked)
    examined: Any = attestation["examined"]
    label = ATTESTATION_KINDS.get(kind, kind)
    document: dict[str, JSON] = {
        **metadata.members(ATTESTATION),
        "name": f"{label[:1].upper()}{label[1:]}: {about.name}",
        "credentialSubject": {**about.reference(), "attestation": attestation},
    }
    if documents:
        document["evidence"] = evidence_of(documents)
    check_statement(document, kind)
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


def attested(statement: Mapping[str, Any], kind: str, *, content_checked: bool) -> dict[str, JSON]:
    """Return the member ``attestation`` of a credential; its schema is not checked here.

    Args:
        statement: The statement of an attester, as :func:`parse_statement` returns it.
        kind: The kind of attestation.
        content_checked: Whether the attester verified that the examined bytes are these.
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
    return attestation


def evidence_of(documents: Mapping[str, bytes]) -> list[JSON]:
    """Return the member ``evidence`` for supporting documents, by file name."""
    return [
        {
            "id": Digest.of(data).urn,
            "type": ["Report"],
            "name": name,
            "digestMultibase": sha256_multibase(data),
        }
        for name, data in sorted(documents.items())
    ]


def _finding(result: dict[str, Any]) -> dict[str, JSON]:
    value = result.get("value")
    stated = {"value": str(value)} if type(value) is int else {}
    return {**result, **stated, "type": "Finding"}


def check_statement(
    document: dict[str, JSON], kind: str, credential: CredentialKind = ATTESTATION
) -> None:
    """Raise unless an unsigned attestation satisfies its schema; messages name the statement.

    Args:
        document: The attestation.
        kind: The kind of attestation.
        credential: The kind of credential.

    Raises:
        FormatError: (``schema``, ``bad-credential``) a member is missing, unknown or malformed.
    """
    try:
        check_user_file(
            document, credential.schema, inside=("credentialSubject", "attestation", "examined")
        )
        check_credential_shape(document, credential)
    except FormatError as error:
        said, hint = error.message, error.hint
        if kind == "deidentification" and said.startswith("results: "):
            said, hint = "an expert determination states a risk", _RISK
        raise FormatError(error.kind, f"the statement: {said}", hint=hint or _HINT) from None


def examines_too_much(examined: Mapping[str, Any], about: Claims) -> bool:
    """Return whether a statement claims more examined records than the dataset has.

    Args:
        examined: The examination, in the form of the schema.
        about: The claims of the dataset's credential about the examined version; another version
        of the same files may count its records in another way.
    """
    return int(examined.get("records", 0)) > int(about.subject["recordCount"])
