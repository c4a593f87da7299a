"""Presentations: a holder shows credentials to one verifier, once (spec §17.9).

Licensees prove that they hold a grant by signing the verifier's challenge with the key that the
grant names. The presented credentials are verified like any others; the presentation adds who shows
them, to whom and when.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import JSON, encode, parse
from lyrikstore.canon.limits import MAX_PRESENTED
from lyrikstore.canon.quoting import printable, printable_did, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.did import KnownDocument, Resolver, documents_among
from lyrikstore.credentials.model.credential import VC_CONTEXT, is_ours
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.verify.credential.grant import Holder
from lyrikstore.verify.credential.issuer import check_document
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.delivery.delivery import verify_alone
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.report import (
    Check,
    CheckState,
    Report,
    Verdict,
    failed,
    passed,
    unchecked,
    warned,
)
from lyrikstore.w3c.problems import SECURITY, malformed, problem_detail
from lyrikstore.w3c.profile.enveloped import (
    PRESENTATION,
    is_enveloped,
    judge_envelope,
)
from lyrikstore.w3c.profile.model import (
    check_credential_model,
    check_presentation_model,
    presented,
)
from lyrikstore.w3c.profile.proofs import Signed, check_binding, check_proofs, options_of
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.signing import encode_signed
from lyrikstore.w3c.profile.verify import (
    PROFILE,
    Surroundings,
    judge_credential,
    read_object,
    verify_w3c,
)
from lyrikstore.w3c.proofs import eddsa_rdfc
from lyrikstore.w3c.proofs.proof_set import add_proof
from lyrikstore.w3c.values import id_of, items_of, types_of

NOBODY = "nobody who signed it"
"""The holder of a presentation whose holder is not established; no grant names it."""


def make_presentation(
    credentials: Sequence[bytes],
    signer: Signer,
    *,
    challenge: str,
    domain: str,
    created: datetime,
    suite: str = "eddsa-jcs-2022",
) -> bytes:
    """Return a presentation of ``credentials`` for one verifier, in canonical form.

    Args:
        credentials: Bytes of the credentials, at least one; they are presented with their proofs.
        signer: The holder.
        challenge: The challenge that the verifier chose; not empty.
        domain: The verifier's own name, usually a URL; not empty.
        created: The current time.
        suite: ``eddsa-jcs-2022`` or ``eddsa-rdfc-2022``.

    Raises:
        InvalidInputError: (``usage``) no credential, challenge or domain.
        FormatError: (``bad-json``, ``bad-credential``) one is no credential, or has no canonical
            form that reads back as the same.
        IncompleteError: (``missing-extra``) eddsa-rdfc-2022, and PyLD is not installed.
        VerificationError: (``bad-rdf``, ``bad-signature``) it cannot be signed.
    """
    if not credentials or not challenge or not domain:
        raise InvalidInputError("usage", "a presentation needs credentials, challenge and domain")
    documents = [parse(data, floats=True, nulls=True) for data in credentials]
    for document in documents:
        if not isinstance(document, dict):
            raise FormatError("bad-credential", "a credential is not a JSON object")
        check_credential_model(document)
    presentation: dict[str, JSON] = {
        "@context": [VC_CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": signer.did,
        "verifiableCredential": documents,
    }
    signed = add_proof(
        presentation,
        signer,
        suite=suite,
        purpose="authentication",
        created=created,
        challenge=challenge,
        domain=domain,
    )
    return encode_signed(signed)


def is_presentation(data: bytes) -> bool:
    """Return whether ``data`` claims to be a presentation, without verification."""
    document, _ = read_object(data)
    return document is not None and not {"VerifiablePresentation", PRESENTATION}.isdisjoint(
        types_of(document)
    )


def verify_presentation(
    data: bytes,
    surroundings: Surroundings,
    *,
    challenge: str | None = None,
    domain: str | None = None,
) -> Report:
    """Return the report on a presentation, with a report on each of its credentials in ``parts``.

    The verdict is never better than that of the worst credential. Never raises for bad input.

    Args:
        data: Its bytes, as received.
        surroundings: All other inputs of verification.
        challenge: The challenge that the verifier chose; None leaves open whether it is a replay.
        domain: The verifier's own name; None leaves open whether it is meant for the verifier.

    Cost: as :func:`~lyrikstore.w3c.profile.verify.verify_w3c` for each of at most 64.
    """
    document, read = read_object(data)
    if document is None:
        return _report({}, [read], surroundings)
    return judge_presentation(document, surroundings, read, challenge=challenge, domain=domain)


def judge_presentation(
    document: dict[str, JSON],
    surroundings: Surroundings,
    read: Check,
    *,
    challenge: str | None = None,
    domain: str | None = None,
) -> Report:
    """Return the report on a parsed presentation, as :func:`verify_presentation`.

    Args:
        document: Parsed JSON.
        surroundings: As for :func:`verify_presentation`.
        read: The check ``format``.
        challenge: As for :func:`verify_presentation`.
        domain: As for :func:`verify_presentation`.
    """
    if is_enveloped(document, PRESENTATION):
        return judge_envelope(document, PRESENTATION, read, surroundings.at)
    try:
        check_presentation_model(document, secured=False)
        inner = presented(document)
    except FormatError as error:
        made = [read, malformed("model", error, "not a presentation of the VC Data Model 2.0: ")]
        return _report(document, made, surroundings)
    checks = [read, passed("model", "a presentation of the VC Data Model 2.0")]

    signed, holder = _check_holder(document, surroundings, checks)
    unverified = str(checks[-1].detail["reason"]) if checks[-1].state is CheckState.WARN else ""
    checks.append(_check_challenge(signed, challenge, domain))
    fresh = checks[-1].state is CheckState.PASS
    if signed.verified is not None:
        document = signed.verified.document
        inner = presented(document)
    by = Holder(holder or NOBODY, fresh, unverified)
    own = signed if holder is not None and "holder" in document else None
    check, reports = _check_presented(inner, by, surroundings, own)
    checks.append(check)
    return _report(document, checks, surroundings, reports)


def _check_holder(
    document: dict[str, JSON], surroundings: Surroundings, checks: list[Check]
) -> tuple[Signed, str | None]:
    if "proof" not in document:
        none = Signed(unchecked("proof", "no-proof", "nobody signed the presentation"), None)
        checks += [none.check, check_binding("holder.binding", None, none)]
        return none, None
    signed = check_proofs(
        _without_empty_list(document),
        purpose="authentication",
        at=surroundings.at,
        resolver=surroundings.resolver,
    )
    checks.append(signed.check)
    named = id_of(document["holder"]) if "holder" in document else None
    if named is None and len(set(signed.signers)) == 1:
        named = signed.signers[0]  # the model: then the securing mechanism says who holds it
        binding = passed("holder.binding", f"names no holder; {quote(named, 120)} signed it")
    else:
        binding = check_binding("holder.binding", named, signed)
    if named is None or binding.state is not CheckState.PASS:
        checks.append(binding)
        return signed, None
    # ATTACK: a DID document of the buyer's DID next to the presentation, with the thief's key.
    document_says = check_document(signed.key_of(named, surroundings.resolver, surroundings.at))
    if document_says.state is CheckState.WARN:
        binding = replace(document_says, id="holder.binding")
    checks.append(binding)
    return signed, named


def _without_empty_list(document: dict[str, JSON]) -> dict[str, JSON]:
    # RDF has no empty list, so RDF proofs refuse one. An empty list of credentials means the same
    # as no list, so only there an empty list is allowed, and removed as it was for signing.
    proofs = [proof for proof in items_of(document["proof"]) if isinstance(proof, dict)]
    if document.get("verifiableCredential") != [] or any(
        proof.get("cryptosuite") != eddsa_rdfc.CRYPTOSUITE for proof in proofs
    ):
        return document
    return {name: value for name, value in document.items() if name != "verifiableCredential"}


def _check_challenge(signed: Signed, challenge: str | None, domain: str | None) -> Check:
    if signed.verified is None:
        return unchecked("challenge", "no-proof", "no sound signature over a challenge")
    for options in options_of(signed):
        if challenge is not None and options.get("challenge") != challenge:
            return _refused("challenge", "INVALID_CHALLENGE_ERROR", options.get("challenge"))
        if domain is not None and domain not in items_of(options.get("domain")):
            return _refused("domain", "INVALID_DOMAIN_ERROR", options.get("domain"))
    if challenge is None or domain is None:
        missing = " or ".join(
            name for name, value in (("challenge", challenge), ("domain", domain)) if value is None
        )
        summary = (
            f"you named no {missing}: it may be one that was made for somebody else, or before"
        )
        return warned("challenge", "not-asked", summary)
    return passed("challenge", f"signed for {quote(domain)} over your challenge")


def _refused(what: str, problem: str, found: JSON) -> Check:
    summary = f"signed for another {what}: {quote(found)}; a replay, or not meant for you"
    return failed("challenge", f"other-{what}", summary, **problem_detail(SECURITY + problem))


def _check_presented(
    inner: list[dict[str, Any]], holder: Holder, surroundings: Surroundings, own: Signed | None
) -> tuple[Check, tuple[Report, ...]]:
    if not inner:
        # ATTACK: with no credential there is no issuer whom a trust file would have to name.
        return warned(
            "presented", "nothing", "presents no credential: there is nothing to trust"
        ), ()
    if len(inner) > MAX_PRESENTED:
        return failed("presented", "too-many", f"more than {MAX_PRESENTED} credentials"), ()
    # A licence grant rests on a dataset credential in the presentation or among the siblings.
    spelt = [OpenedCredential(encode(item)) for item in inner]
    others = map(OpenedCredential, surroundings.resources.files)
    siblings = SiblingFiles.unnamed([*spelt, *others])
    reports = tuple(
        _judge(item, opened, siblings, holder, surroundings, own)
        for item, opened in zip(inner, spelt, strict=True)
    )
    detail: dict[str, JSON] = {
        "verdicts": [str(report.verdict) for report in reports],
        "aboutHolder": [_is_about(item, holder.did) for item in inner],
    }
    counts = {verdict: sum(r.verdict is verdict for r in reports) for verdict in Verdict}
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    summary = f"{pluralize(len(reports), 'credential')}: {listed}"
    if counts[Verdict.INVALID]:
        return failed("presented", "invalid", summary, **detail), reports
    if counts[Verdict.INCOMPLETE]:
        return unchecked("presented", "incomplete", summary, **detail), reports
    if counts[Verdict.VALID]:
        return warned("presented", "valid", summary, **detail), reports
    return passed("presented", summary, **detail), reports


def verify_foreign(
    data: bytes,
    *,
    siblings: Mapping[str, bytes],
    status_files: Iterable[bytes],
    resources: Mapping[str, bytes],
    challenge: str | None,
    domain: str | None,
    trust: Trust,
    at: datetime,
    fetched: Sequence[KnownDocument] = (),
) -> Report:
    """Return the report on a document of profile ``w3c``, a credential or a presentation.

    Args:
        data: The document.
        siblings: The files beside it: status lists, DID documents, schemas.
        status_files: Newer status lists.
        resources: Name or URL → schemas and other resources that it names.
        challenge: The challenge that the verifier chose; with it, or with ``domain``, the document
            must be a presentation.
        domain: The verifier's own name.
        trust: The verifier's trust file.
        at: The moment of verification.
        fetched: DID documents that were fetched from the URLs of their DIDs.
    """
    documents = (*trust.known_documents(), *fetched, *documents_among(siblings.values()))
    around = Surroundings(
        trust=trust,
        at=at,
        resolver=Resolver(documents),
        status_updates=StatusUpdates.among(
            map(OpenedCredential, (*siblings.values(), *status_files)), fetched
        ),
        resources=Resources(resources, siblings.values()),
    )
    if challenge is not None or domain is not None or is_presentation(data):
        return verify_presentation(data, around, challenge=challenge, domain=domain)
    return verify_w3c(data, around)


def _judge(
    item: dict[str, Any],
    opened: OpenedCredential,
    siblings: SiblingFiles,
    holder: Holder,
    surroundings: Surroundings,
    own: Signed | None,
) -> Report:
    if is_ours(item):
        # A licence grant is worth something only to the holder it names; the rules are those of
        # profile lyrik (spec §20.5).
        return verify_alone(
            opened,
            siblings=siblings,
            status_updates=surroundings.status_updates,
            trust=surroundings.trust,
            at=surroundings.at,
            holder=holder,
        )
    shown = own if "proof" not in item and id_of(item.get("issuer")) == holder.did else None
    return judge_credential(item, surroundings, passed("format", "part of the presentation"), shown)


def _is_about(document: dict[str, Any], holder: str) -> bool:
    subjects = items_of(document.get("credentialSubject", []))
    return any(isinstance(one, dict) and one.get("id") == holder for one in subjects)


def _report(
    document: dict[str, Any],
    checks: Sequence[Check],
    surroundings: Surroundings,
    parts: tuple[Report, ...] = (),
) -> Report:
    return Report.of(
        "presentation",
        checks,
        subject=printable(document.get("id")) or "a presentation without an id",
        issuer=printable_did(id_of(document.get("holder"))),
        at=surroundings.at,
        open_questions=(line for part in parts for line in part.not_proven),
        profile=PROFILE,
        parts=parts,
    )
