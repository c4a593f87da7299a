"""Checks whether an issuer is trusted, and still stands by a credential (spec §11.4.1).

They follow for every credential of profile ``lyrik`` after its envelope was opened
(:mod:`lyrikstore.verify.credential.envelope`). Sans-IO.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON, may_contain
from lyrikstore.canon.limits import MAX_STATUS_CANDIDATES
from lyrikstore.canon.quoting import listed, name_some, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import CLOCK_SKEW, format_timestamp, parse_timestamp
from lyrikstore.credentials.did import DocumentSource, KeysAt, ResolvedKey
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import AllowedKeys, Trust
from lyrikstore.crypto.multikey import did_key
from lyrikstore.crypto.proofs.eddsa_jcs import CRYPTOSUITE
from lyrikstore.verify.credential.envelope import Envelope, keys_for, open_envelope
from lyrikstore.verify.credential.key_succession import (
    Believes,
    SuccessorKey,
    successor_of_attester,
    successor_of_publisher,
)
from lyrikstore.verify.credential.status import UNLISTED, StatusUpdates, check_status
from lyrikstore.verify.report import (
    Check,
    CheckState,
    failed,
    not_applicable,
    passed,
    unchecked,
    warned,
)

_HASHES = ("blake3", "sha2-256")
"""The hash functions of our credentials: the first for content, the second for the rest."""

_ANYTHING = AllowedKeys()

# What most credentials get, made once.
_OWN_KEY = not_applicable("issuer.document", "the issuer's DID is its key")
_UNLIMITED = not_applicable("trust.allowed", "your trust file limits no keys and algorithms")


def check_issuer(
    envelope: Envelope,
    name: str,
    store: Digest | None,
    claim: str | None = None,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates,
    only_if_believed: bool = False,
) -> tuple[tuple[Check, ...], SuccessorKey | None]:
    """Return the checks from ``issuer.document`` to ``status``: the issuer and its authority.

    Args:
        envelope: A credential that is well-formed.
        name: Name of what the credential is about.
        store: The store that the credential names, or None if it names none.
        claim: The kind of claim for which its issuer must be trusted as an attester; None: its
            issuer must be trusted as the publisher.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What its issuer has published about it since, and key statements of stores.
        only_if_believed: Do not read the status lists of an untrusted issuer: each may unpack to
            1 MiB, and anyone can put files next to a delivery.

    Returns:
        The checks, and the succession by which the issuer's key inherits trust, or None.
    """
    about: dict[str, Any] = {"name": name, "store": store, "at": at}
    if claim is None:
        believes, find = partial(trust.matches, role="publisher", **about), successor_of_publisher
    else:
        believes, find = partial(trust.believes, claim=claim, **about), successor_of_attester
    key = _unknown_key(envelope, trust)
    successor = (
        None if key is None else find(key, status_updates.statements, store, believes, trust.knows)
    )
    document, signer = envelope.document or {}, envelope.signer
    keys = None if signer is None else [did_key(signer.key)]
    believed = _check_trust(envelope, trust, believes, successor)
    if (
        only_if_believed
        and believed.state is not CheckState.PASS
        and (envelope.opened.is_listed or status_updates.log_lists(envelope.opened))
    ):
        status = unchecked("status", "not-believed", "not looked at: you do not believe the issuer")
    else:
        status = check_standing(envelope, status_updates, trust, at)
    checks = (
        check_document(envelope.signer),
        believed,
        check_allowed(keys, [CRYPTOSUITE], trust),
        check_period(document, at),
        status,
    )
    return checks, successor


def _unknown_key(envelope: Envelope, trust: Trust) -> str | None:
    """Return the key that issued it, as did:key, if it may inherit trust; else None.

    It may inherit trust if the trust file does not name it. The keys of an organisation are
    listed in its DID document instead.
    """
    signer, issuer = envelope.signer, envelope.issuer
    if (
        not envelope.signature_valid
        or signer is None
        or signer.source is not DocumentSource.DERIVED
    ):
        return None
    return issuer if issuer is not None and trust.knows(issuer) is None else None


def check_standing(
    envelope: Envelope,
    status_updates: StatusUpdates,
    trust: Trust,
    at: datetime,
    *,
    vouched: ResolvedKey | None = None,
) -> Check:
    """Return ``status``: whether the issuer neither revoked nor replaced the credential.

    Args:
        envelope: The credential.
        status_updates: What the issuer has published since.
        trust: Limits the age of status lists.
        at: The moment for which the result holds.
        vouched: The issuer's key that vouches for the credential; by default the key that signed
            it.
    """
    opened, issuer = envelope.opened, envelope.issuer
    if not envelope.signature_valid or issuer is None:
        return unchecked("status", "no-issuer", "whose status list counts is not established")
    known: Sequence[OpenedCredential] = ()
    if status_updates.successors and opened.id is not None:
        known = status_updates.successors.get(opened.id.urn, ())
    if not (opened.is_listed or status_updates.log_lists(opened) or known):
        return UNLISTED
    keys = keys_for(trust, status_updates, at)
    vouched = vouched or envelope.signer
    if vouched is not None and vouched.source is not DocumentSource.SNAPSHOT:
        # ATTACK: a document of the issuer's DID laid next to the credential, with a key of the
        # attacker's, who signs a status list by it.
        keys = keys.resolver.without_snapshots().at(at)
    status = check_status(opened, issuer, status_updates, at, trust.max_status_age, keys)
    claimed = [one for one in known if may_contain(one.data, issuer)]
    for one in claimed[:MAX_STATUS_CANDIDATES]:
        replaced = _replaced_by(one, opened, at, keys)
        if replaced is not None:
            return failed("status", "superseded", f"superseded by {replaced}", by=replaced)
    if len(claimed) > MAX_STATUS_CANDIDATES and status.state is not CheckState.FAIL:
        # ATTACK: whoever hands it over crowds out the successor that somebody else laid there.
        summary = (
            f"{pluralize(len(claimed), 'credential claims', 'credentials claim')} "
            f"to replace it; {MAX_STATUS_CANDIDATES} were looked at"
        )
        return unchecked("status", "too-many-successors", summary)
    return status


def check_document(signer: ResolvedKey | None) -> Check:
    """Return ``issuer.document``: whether the issuer's DID document lists the key that signed."""
    if signer is None:
        return unchecked("issuer.document", "no-proof", "no sound signature by any issuer")
    did, digest = signer.did, "" if signer.digest is None else str(signer.digest)
    if signer.source is DocumentSource.DERIVED:
        return _OWN_KEY
    if signer.source is DocumentSource.SNAPSHOT:
        known = " and ".join(source.value for source in signer.missing_from)
        return warned(
            "issuer.document",
            "snapshot-only",
            f"that this key is {did}'s is said only by the document beside the credential, which "
            + (f"the {known} one does not confirm" if known else "anybody could have written"),
            document=digest,
        )
    if signer.missing_from:
        return warned(
            "issuer.document",
            "withdrawn",
            f"{did} does not list this key any more; the document you pinned does",
            document=digest,
        )
    return passed(
        "issuer.document", f"the {signer.source.value} document of {did} lists it", document=digest
    )


def check_period(
    document: Mapping[str, JSON],
    at: datetime,
    parse: Callable[[JSON], datetime] = parse_timestamp,
) -> Check:
    """Return ``period``: whether a credential is valid at that moment, within the clock skew.

    Args:
        document: The credential; either end may be absent if its profile allows it.
        at: The moment for which the result holds.
        parse: The profile's parser of timestamps.
    """
    start, end = document.get("validFrom"), document.get("validUntil")
    detail: dict[str, JSON] = {"at": format_timestamp(at)}
    detail |= {name: document[name] for name in ("validFrom", "validUntil") if name in document}
    if start is not None and parse(start) - at > CLOCK_SKEW:
        return failed("period", "not-yet-valid", f"not yet valid: it begins at {start}", **detail)
    if end is not None and at - parse(end) > CLOCK_SKEW:
        return failed("period", "expired", f"expired at {end}", **detail)
    return passed("period", f"valid until {end}" if end else "valid without an end", **detail)


def is_named_by_a_copy_alone(check: Check) -> bool:
    """Return whether only an available, unpinned DID document lists the key that signed.

    ATTACK: the party that hands over a credential writes that document. The trust file's entry for
    the name then proves nothing about the key, so the credential must not count as that issuer's.
    """
    return check.detail.get("reason") == "snapshot-only"


def check_allowed(keys: list[str] | None, cryptosuites: list[str], trust: Trust) -> Check:
    """Return ``trust.allowed``: whether the trust file allows all keys and algorithms used.

    Args:
        keys: The keys that signed, as did:key; None if no signature is valid.
        cryptosuites: The cryptosuites of the signatures.
        trust: The keys and algorithms that the verifier allows.
    """
    if trust.allowed == _ANYTHING:
        return _UNLIMITED
    if keys is None:
        return unchecked("trust.allowed", "no-proof", "no sound signature by any key")
    wrong = trust.allowed.refusals(keys=keys, hashes=_HASHES, cryptosuites=cryptosuites)
    if wrong:
        summary = f"your trust file does not allow {name_some(wrong)}"
        return failed("trust.allowed", "not-allowed", summary, used=listed(wrong))
    return passed("trust.allowed", "your trust file allows the key and the algorithms")


def _replaced_by(
    later: OpenedCredential, opened: OpenedCredential, at: datetime, keys: KeysAt
) -> str | None:
    # Only who issued it replaces it, and only by a credential of the same kind that names
    # it by id and by digest: anybody can write "supersedes" into something of their own.
    kind, document = opened.kind, opened.document
    successor = open_envelope(later, kind, keys) if kind is not None else None
    if document is None or successor is None or not successor.signature_valid:
        return None
    said = successor.document or {}
    if successor.issuer != opened.issuer or parse_timestamp(said["validFrom"]) - at > CLOCK_SKEW:
        return None
    return str(said["id"]) if said["supersedes"]["id"] == document["id"] else None


def _check_trust(
    envelope: Envelope, trust: Trust, believes: Believes, successor: SuccessorKey | None
) -> Check:
    issuer = envelope.issuer
    if not envelope.signature_valid or issuer is None:
        return unchecked("trust.issuer", "no-issuer", "who issued it is not established")
    entry = believes(issuer)
    if entry is not None:
        return _believed(entry.nickname, issuer)
    known = trust.knows(issuer)
    if known is not None:
        return warned(
            "trust.issuer",
            "out-of-scope",
            f"you trust {quote(known.nickname)}, but not for this claim, name, store and time",
            nickname=known.nickname,
            issuer=issuer,
        )
    if successor is not None:
        return successor.inherited.check(issuer)
    return warned(
        "trust.issuer",
        "unknown-issuer",
        f"nobody you trust: anybody can make a key, and {issuer} is not in your trust file",
        issuer=issuer,
    )


@lru_cache(maxsize=256)  # a trust file names few
def _believed(nickname: str, issuer: str) -> Check:
    summary = f"you trust this issuer as {quote(nickname)}"
    return passed("trust.issuer", summary, nickname=nickname, issuer=issuer)
