"""Verification of a foreign credential, sans-IO (spec §17.5).

All inputs are arguments. Input by an attacker never raises: it becomes a failed check, or a check
that could not be made.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.quoting import printable, printable_did, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import parse_foreign_timestamp
from lyrikstore.credentials.did import DocumentSource, Resolver
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.issuer import check_document, check_period
from lyrikstore.verify.credential.status import NO_STATUS_UPDATES, StatusUpdates
from lyrikstore.verify.report import Check, CheckState, Report, failed, passed, unchecked, warned
from lyrikstore.w3c.problems import MODEL, malformed, problem_detail
from lyrikstore.w3c.profile.enveloped import CREDENTIAL, is_enveloped, judge_envelope
from lyrikstore.w3c.profile.model import check_credential_model
from lyrikstore.w3c.profile.proofs import Signed, check_binding, check_proofs, check_used
from lyrikstore.w3c.profile.resources import NO_RESOURCES, Resources, check_related
from lyrikstore.w3c.profile.schema.check import check_schemas
from lyrikstore.w3c.profile.status import check_w3c_status
from lyrikstore.w3c.values import id_of, types_of

PROFILE = "w3c"


class Surroundings(Struct, frozen=True):
    """All inputs of verification besides the document.

    Attributes:
        trust: The verifier's trust file.
        at: The moment of verification.
        resolver: Finds the keys that proofs name.
        status_updates: The available status lists.
        resources: The available schemas and other resources.
        role: The role in which the issuer must be trusted.
    """

    trust: Trust
    at: datetime
    resolver: Resolver = field(default_factory=Resolver)
    status_updates: StatusUpdates = NO_STATUS_UPDATES
    resources: Resources = NO_RESOURCES
    role: str = "publisher"


def verify_w3c(data: bytes, surroundings: Surroundings) -> Report:
    """Return the report on a foreign credential. Never raises for bad input.

    Args:
        data: Its bytes, as received.
        surroundings: All other inputs of verification.

    Cost: a signature and a canonical form per proof, and for each status list that is read.
    """
    document, check = read_object(data)
    if document is None:
        return _report({}, [check], surroundings.at)
    return judge_credential(document, surroundings, check)


def judge_credential(
    document: dict[str, JSON], surroundings: Surroundings, read: Check, shown: Signed | None = None
) -> Report:
    """Return the report on a parsed credential, as :func:`verify_w3c`.

    Args:
        document: Parsed JSON.
        surroundings: All other inputs of verification.
        read: The check ``format``.
        shown: The proofs of the presentation with this credential, if only they secure it: the
            holder issued it, without a proof (spec §17.9). None for every other credential.
    """
    at = surroundings.at
    if is_enveloped(document, CREDENTIAL):
        return judge_envelope(document, CREDENTIAL, read, at)
    try:
        check_credential_model(document, secured=shown is None)
    except FormatError as error:
        made = [read, malformed("model", error, "not a credential of the VC Data Model 2.0: ")]
        return _report(document, made, at)
    checks = [read, passed("model", "a credential of the VC Data Model 2.0")]

    if shown is not None:
        summary = "self-asserted: it has none, and is secured by the presentation alone"
        signed = Signed(passed("proof", summary), shown.verified)
    else:
        signed = check_proofs(
            document, purpose="assertionMethod", at=at, resolver=surroundings.resolver
        )
        if signed.verified is not None:  # from here on only what was signed
            document = signed.verified.document
    issuer = id_of(document["issuer"]) or ""
    binding = check_binding("issuer.binding", issuer, signed)
    genuine = signed.verified is not None and binding.state is CheckState.PASS
    checks += [signed.check, binding]
    signer = signed.key_of(issuer, surroundings.resolver, at) if genuine else None
    checks.append(check_document(signer))
    if shown is not None:
        checks.append(_self_asserted(issuer))
    else:
        checks.append(_check_trust(document, issuer, surroundings, genuine=genuine))
    checks.append(check_used(signed, surroundings.trust))
    checks.append(check_period(document, at, parse_foreign_timestamp))
    if genuine:
        resolver = surroundings.resolver
        if signer is not None and signer.source is not DocumentSource.SNAPSHOT:
            # ATTACK: as in lyrikstore.verify.credential.envelope.check_standing.
            resolver = resolver.without_snapshots()
        status = check_w3c_status(
            document,
            issuer,
            status_updates=surroundings.status_updates,
            at=at,
            max_age=surroundings.trust.max_status_age,
            resolver=resolver,
        )
    else:
        status = unchecked("status", "no-issuer", "whose status list counts is not established")
    alone = replace(surroundings, resources=NO_RESOURCES)
    checks.append(status)
    checks.append(
        check_schemas(document, surroundings.resources, lambda data: verify_w3c(data, alone))
    )
    checks.append(check_related(document, surroundings.resources))
    return _report(document, checks, at)


def read_object(data: bytes) -> tuple[dict[str, JSON] | None, Check]:
    """Parse ``data``; return the JSON object, or None, and the check ``format``."""
    problem = problem_detail(MODEL + "PARSING_ERROR")
    try:
        document = parse(data, floats=True, nulls=True)
    except FormatError as error:
        return None, failed("format", error.kind, quote(error.message, 300), **problem)
    if not isinstance(document, dict):
        return None, failed("format", "bad-json", "not a JSON object", **problem)
    return document, passed("format", f"strict JSON, {pluralize(len(data), 'byte')}")


def claim_names(document: dict[str, JSON]) -> list[str]:
    """Return the names for which the trust file must list the issuer of a foreign credential.

    They are ``credentials/`` with each of its own types, so that an issuer who is trusted for
    ``datasets/acme/*`` is not trusted for diplomas.
    """
    own = [name for name in types_of(document) if name != "VerifiableCredential"]
    return [f"credentials/{name}" for name in own or ["VerifiableCredential"]]


def _check_trust(
    document: dict[str, JSON], issuer: str, surroundings: Surroundings, *, genuine: bool
) -> Check:
    if not genuine:
        return unchecked("trust.issuer", "no-issuer", "who issued it is not established")
    trust, at, names = surroundings.trust, surroundings.at, claim_names(document)
    # ATTACK: an RDF proof signs no order, so an attacker can move a trusted type to the front.
    for name in names:
        entry = trust.matches(issuer, role=surroundings.role, name=name, store=None, at=at)
        if entry is None:
            break
    detail: dict[str, JSON] = {"issuer": issuer, "name": name}
    if entry is None:
        known = trust.knows(issuer)
        if known is not None:
            summary = f"you trust {quote(known.nickname)}, but not for {quote(name)} at this time"
            return warned("trust.issuer", "out-of-scope", summary, **detail)
        who = quote(issuer, 120)
        summary = f"nobody you trust: anybody can make a key, and {who} is not in your trust file"
        return warned("trust.issuer", "unknown-issuer", summary, **detail)
    summary = f"you trust this issuer as {quote(entry.nickname)}"
    return passed("trust.issuer", summary, nickname=entry.nickname, **detail)


def _self_asserted(issuer: str) -> Check:
    # ATTACK: a holder signs any content of a wallet to log in somewhere. That is no assertion, also
    # if the same key is trusted as that of an issuer.
    summary = "the holder's own word, signed to show it and not to assert it: trusted by nobody"
    return warned("trust.issuer", "self-asserted", summary, issuer=issuer)


def _report(document: Mapping[str, Any], checks: Sequence[Check], at: datetime) -> Report:
    return Report.of(
        "w3c",
        checks,
        subject=printable(document.get("id")) or "a credential without an id",
        issuer=printable_did(id_of(document.get("issuer"))),
        at=at,
        profile=PROFILE,
    )
