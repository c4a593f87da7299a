"""The data model of foreign credentials and presentations (spec §17.3).

A JCS proof signs any JSON, so every MUST of the VC Data Model 2.0 is checked here, with its number
in spec §17.3; no JSON-LD processor is used.
"""

from collections.abc import Iterator
from typing import Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import parse_foreign_timestamp
from lyrikstore.w3c.profile.enveloped import CREDENTIAL, check_envelope, is_enveloped
from lyrikstore.w3c.profile.terms import check_contexts, check_types
from lyrikstore.w3c.values import (
    id_of,
    is_language_value,
    is_url,
    items_of,
    objects_of,
    refuse,
    types_of,
)

_TYPED = (
    *("credentialStatus", "credentialSchema", "termsOfUse", "evidence"),
    *("refreshService", "renderMethod", "confidenceMethod"),
)
_OPAQUE = frozenset({"jsonSchema"})
"""Members with arbitrary JSON: for example, the ``properties`` of a schema may have an ``id``."""


def check_credential_model(document: dict[str, JSON], *, secured: bool = True) -> None:
    """Raise ``bad-credential`` unless ``document`` is a credential of the VC Data Model 2.0.

    Args:
        document: Parsed JSON; fractions and nulls are allowed.
        secured: Whether it must have a ``proof`` (M10); before issuing it has none.

    Raises:
        FormatError: (``bad-credential``) it violates the model; the message names the place.
    """
    _check_document(document, "VerifiableCredential", secured=secured)
    _check_issuer(document.get("issuer"))
    for subject in objects_of(document.get("credentialSubject", []), "credentialSubject"):
        if not subject:
            refuse("credentialSubject", "an object without a claim")
    _check_period(document)
    for name in _TYPED:
        for item in objects_of(document[name], name) if name in document else ():
            _check_type(item, name)
    for schema in items_of(document.get("credentialSchema", [])):
        if not is_url(schema.get("id")):
            refuse("credentialSchema/id", "missing, or not a URL")
    if document.get("relatedResource", []) != []:
        _check_related(objects_of(document["relatedResource"], "relatedResource"))


def check_presentation_model(document: dict[str, JSON], *, secured: bool = True) -> None:
    """Raise ``bad-credential`` unless ``document`` is a presentation of the VC Data Model 2.0.

    The presented credentials must be objects; their own members are not checked here.

    Raises:
        FormatError: (``bad-credential``) it violates the model; the message names the place.
    """
    _check_document(document, "VerifiablePresentation", secured=secured)
    if "holder" in document and not is_url(id_of(document["holder"])):
        refuse("holder", "neither a URL nor an object with one as id")
    for item in presented(document):
        if is_enveloped(item, CREDENTIAL):
            check_envelope(item, CREDENTIAL)
        else:
            _check_type(item, "verifiableCredential")
    for item in (
        objects_of(document["termsOfUse"], "termsOfUse") if "termsOfUse" in document else ()
    ):
        _check_type(item, "termsOfUse")


def presented(document: dict[str, JSON]) -> list[dict[str, Any]]:
    """Return the credentials in a presentation.

    Raises:
        LyrikstoreError: As :func:`objects_of`.
    """
    if document.get("verifiableCredential", []) == []:
        return []
    return objects_of(document["verifiableCredential"], "verifiableCredential")


def _check_document(document: dict[str, JSON], kind: str, *, secured: bool) -> None:
    check_contexts(document.get("@context", []))
    if "id" in document and not is_url(document["id"]):
        refuse("id", "not one URL")
    _check_type(document, "document")
    if kind not in types_of(document):
        refuse("type", f"does not include {kind}")
    for name in ("name", "description"):
        _check_text(document, name, name)
    if "proof" in document:
        for proof in objects_of(document["proof"], "proof"):
            _check_type(proof, "proof")
    elif secured:
        refuse("proof", "missing: nothing secures it")
    types = set(types_of(document))
    for item in _objects_below(document):
        _check_object(item)
        types.update(types_of(item))
    check_types(document["@context"], sorted(types))


def _check_issuer(issuer: JSON) -> None:
    if not is_url(id_of(issuer)):
        refuse("issuer", "neither a URL nor an object with one as id")
    if isinstance(issuer, dict):
        for name in ("name", "description"):
            _check_text(issuer, name, f"issuer/{name}")


def _check_period(document: dict[str, JSON]) -> None:
    moments = {}
    for name in ("validFrom", "validUntil"):
        if name in document:
            try:
                moments[name] = parse_foreign_timestamp(document[name])
            except FormatError as error:
                refuse(name, error.message)
    if len(moments) == 2 and moments["validUntil"] < moments["validFrom"]:
        refuse("validUntil", "before validFrom")


def _check_related(resources: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for resource in resources:
        name = resource.get("id")
        if not isinstance(name, str) or not is_url(name):
            refuse("relatedResource/id", "missing, or not a URL")
        if name in seen:
            refuse("relatedResource/id", f"{name[:80]!a} occurs twice")
        seen.add(name)
        if not {"digestSRI", "digestMultibase"} & resource.keys():
            refuse("relatedResource", "without digestSRI and digestMultibase")
        if not isinstance(resource.get("mediaType", ""), str):
            refuse("relatedResource/mediaType", "not a string")


def _check_type(item: dict[str, JSON], where: str) -> None:
    names = items_of(item.get("type", []))
    if not names or not all(isinstance(name, str) and name for name in names):
        refuse(f"{where}/type", "missing, or not terms and URLs")


def _check_text(item: dict[str, JSON], name: str, where: str) -> None:
    if name not in item:
        return
    values = items_of(item[name])
    if not values:
        refuse(where, "an empty list")
    for value in values:
        if not isinstance(value, str) and not (
            isinstance(value, dict) and is_language_value(value)
        ):
            refuse(where, "neither a string nor a language value object")


def _check_object(item: dict[str, JSON]) -> None:
    if "id" in item and not is_url(item["id"]):
        refuse("id", f"{str(item['id'])[:80]!a} is not one URL")
    # ATTACK: an inner context redefines the claims next to it; @graph, @reverse and @type contain
    # statements for RDF readers that JSON readers do not see. Only language values are allowed.
    keywords = sorted(name for name in item if name.startswith("@"))
    if keywords and not is_language_value(item):
        refuse(keywords[0][:80], "a JSON-LD keyword below the top level")


def _objects_below(document: dict[str, JSON]) -> Iterator[dict[str, JSON]]:
    # Presented credentials have their own contexts and are checked separately; a proof may repeat
    # the document's context.
    pending: list[JSON] = []
    for name, value in document.items():
        if name == "proof":
            pending += [
                {key: inner for key, inner in proof.items() if key != "@context"}
                for proof in items_of(value)
            ]
        elif name not in {"@context", "verifiableCredential"}:
            pending.append(value)
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            pending.extend(inner for key, inner in value.items() if key not in _OPAQUE)
        elif isinstance(value, list):
            pending.extend(value)
