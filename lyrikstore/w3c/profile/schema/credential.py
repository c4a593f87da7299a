"""Schema credentials: credentials with a schema in them, ``JsonSchemaCredential`` (spec §17.7).

The schema counts only if its credential verifies. The issuer of the schema credential does not
matter: the issuer of the credential that names it chose it.
"""

from typing import Any

from lyrikstore.canon.json import JSON, parse
from lyrikstore.verify.report import CheckState, Report
from lyrikstore.w3c.values import items_of, refuse, types_of

SCHEMA_CREDENTIAL = "JsonSchemaCredential"
_META_SCHEMA = (  # no set: what is looked for in it may be anything, also what has no hash
    "https://www.w3.org/ns/credentials/json-schema/v2.json",
    "https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json",  # older drafts
)
_META_DIGEST = "sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW"
_MADE = frozenset({"format", "model", "proof", "issuer.binding", "period", "status"})
_OF_ITS_OWN = frozenset({"schema", "related"})


def read_schema_credential(data: bytes, url: str) -> tuple[dict[str, JSON], str]:
    """Return the schema in a schema credential, and the URL that its ``$id`` must be.

    Proofs are not checked.

    Args:
        data: The schema credential.
        url: The URL of it in the credential that names it.

    Raises:
        FormatError: (``bad-json``, ``bad-credential``) it is no schema credential, or another one
            than the named one.
    """
    document = parse(data, floats=True, nulls=True)
    if not isinstance(document, dict):
        refuse("credential", "not a JSON object")
    if document.get("id") != url:
        refuse("id", "the schema is another one")
    if SCHEMA_CREDENTIAL not in types_of(document):
        refuse("type", f"does not include {SCHEMA_CREDENTIAL}")
    if not _is_of_meta_schema(document.get("credentialSchema")):
        refuse("credentialSchema", f"not that of a {SCHEMA_CREDENTIAL}")
    subject = document.get("credentialSubject")
    if not isinstance(subject, dict) or items_of(subject.get("type")) != ["JsonSchema"]:
        refuse("credentialSubject/type", "not JsonSchema")
    schema = subject.get("jsonSchema")
    if not isinstance(schema, dict):
        refuse("credentialSubject/jsonSchema", "missing, or not an object")
    return schema, str(subject.get("id", schema.get("$id")))


def why_not(report: Report) -> tuple[CheckState, str] | None:
    """Return why a schema credential does not verify: ``fail`` or ``unchecked``, and a line.

    Args:
        report: The report on the schema credential by profile ``w3c``. Trust in its issuer, and the
            schema that it names itself, are ignored.
    """
    own = [check for check in report.checks if check.id not in _OF_ITS_OWN]
    for check in own:
        if check.state is CheckState.FAIL:
            return CheckState.FAIL, f"{check.id}: {check.summary}"
    for check in own:
        if check.state is CheckState.UNCHECKED and not check.id.startswith("trust."):
            return CheckState.UNCHECKED, f"{check.id}: {check.summary}"
    made = {check.id for check in own}
    return None if made >= _MADE else (CheckState.UNCHECKED, "it was not verified")


def _is_of_meta_schema(stated: Any) -> bool:
    return (
        isinstance(stated, dict)
        and stated.get("id") in _META_SCHEMA
        and items_of(stated.get("type")) == ["JsonSchema"]
        and stated.get("digestSRI", _META_DIGEST) == _META_DIGEST
    )
