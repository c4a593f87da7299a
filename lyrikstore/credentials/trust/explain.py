"""Description of a trust file in plain words, for the person who approves it."""

from collections.abc import Iterator
from datetime import datetime

from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.trust.model import Trust, TrustedIssuer

_ROLE = {
    "publisher": "about what its datasets are, who may use them for what, and about its stores",
    "trainer": "as trainer",
    "reviewer": "as reviewer",
    "auditor": "as auditor",
    "lawyer": "as lawyer",
    "expert": "as expert",
}
_CLAIM = {
    "quality": "quality",
    "legal": "the law and licences",
    "deidentification": "de-identification",
    "answers": "answers in model cards",
    "challenge": "challenges to model cards",
    "regulatory": "regulation",
}


def explain(trust: Trust, at: datetime) -> list[str]:
    """Return sentences about the trust at a moment; a warning begins with "!".

    Args:
        trust: A parsed trust file.
        at: Now.
    """
    return [*_issuers(trust, at), *_keys(trust), *_limits(trust)]


def _issuers(trust: Trust, at: datetime) -> Iterator[str]:
    if not trust.issuers:
        yield "It believes nobody: nothing is ever better than valid."
    pinned = {document.did for document in trust.documents}
    for did in dict.fromkeys(issuer.did for issuer in trust.issuers):
        if len(names := trust.nicknames(did)) > 1:
            yield f"! {_and([quote(name) for name in names])} are one issuer: {did}."
    for issuer in trust.issuers:
        yield _issuer(issuer, at)
        if issuer.did.startswith("did:web:") and issuer.did not in pinned:
            yield (
                f"! Nothing says which keys {issuer.did} has: pin its document, or use "
                "verify --fetch."
            )
        if issuer.names == ("*",) and not issuer.stores and "publisher" in issuer.roles:
            yield f"! {quote(issuer.nickname)} is believed about datasets of every name."


def _issuer(issuer: TrustedIssuer, at: datetime) -> str:
    said = [_ROLE[role] for role in issuer.roles]
    claims = [_CLAIM[claim] for claim in _CLAIM if claim in issuer.believed_about]
    if claims:
        said.append(f"when it attests to {_and(claims)}")
    text = f"{quote(issuer.nickname)} ({issuer.did}) is believed {_and(said)}"
    text += f", for names like {_or(issuer.names)}" if issuer.names != ("*",) else ", for any name"
    if issuer.stores:
        text += f", from {len(issuer.stores)} named store(s) only"
    if issuer.since is not None:
        text += f", from {format_timestamp(issuer.since)}"
    if issuer.until is not None:
        text += f", until {format_timestamp(issuer.until)}"
    if issuer.since is not None and at < issuer.since:
        text += " (not yet)"
    if issuer.until is not None and issuer.until < at:
        text += " (no longer)"
    return text + "."


def _keys(trust: Trust) -> Iterator[str]:
    for document in trust.documents:
        where = f"in {quote(document.path)}" if document.path else "in the file itself"
        yield f"The document of {document.did} is pinned, {where}: {document.digest}."
    for log in trust.logs:
        yield f"The log {quote(log.origin)} is believed, whoever founded its store."
    for witness in trust.witnesses:
        yield f"The witness {quote(witness.name)} is known."
    for authority in trust.authorities:
        yield f"The dates of the time stamp authority {quote(authority.name)} are believed."


def _limits(trust: Trust) -> Iterator[str]:
    days = trust.max_status_age.days
    yield (
        f"A status list older than {pluralize(days, 'day')} "
        "no longer shows that something is not revoked."
    )
    if trust.max_log_age is not None:
        yield f"A log checkpoint may be {pluralize(trust.max_log_age.days, 'day')} old."
    if trust.witnesses_required:
        yield f"{trust.witnesses_required} witness(es) must have countersigned a log checkpoint."
    if trust.max_log_age is not None or trust.witnesses_required:
        yield (
            "! This version cannot check what witnesses say: with this demand every delivery is "
            "incomplete."
        )
    allowed = trust.allowed
    if allowed.keys is not None:
        yield f"Nothing counts but what one of {pluralize(len(allowed.keys), 'named key')} signed."
    if allowed.hashes is not None:
        yield f"Only these hash functions count: {', '.join(sorted(allowed.hashes))}."
    if allowed.cryptosuites is not None:
        yield f"Only these cryptosuites count: {', '.join(sorted(allowed.cryptosuites))}."


def _and(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _or(items: tuple[str, ...]) -> str:
    return " or ".join(items)
