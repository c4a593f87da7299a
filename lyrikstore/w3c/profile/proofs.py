"""The checks ``proof`` and ``issuer.binding`` of a foreign document (spec §17.4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.did import Resolver
from lyrikstore.credentials.did.resolver import ResolvedKey
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import did_key
from lyrikstore.verify.credential.envelope import refused_proof
from lyrikstore.verify.credential.issuer import check_allowed
from lyrikstore.verify.report import Check, failed, passed, unchecked
from lyrikstore.w3c.problems import problem_detail, problem_type
from lyrikstore.w3c.proofs.proof_set import VerifiedProofs, verify_proofs


class Signed(Struct, frozen=True):
    """The result of checking the proofs of a document.

    Attributes:
        check: The check ``proof``.
        verified: The signed document and its proofs, or None if one does not verify.
    """

    check: Check
    verified: VerifiedProofs | None

    @property
    def signers(self) -> tuple[str, ...]:
        """The DIDs whose keys signed, in the order of the proofs."""
        if self.verified is None:
            return ()
        return tuple(proof.verification_method.partition("#")[0] for proof in self.verified.proofs)

    def key_of(self, did: str, resolver: Resolver, at: datetime) -> ResolvedKey | None:
        """Return the key with which ``did`` signed, and the source that assigns it to ``did``."""
        for proof in () if self.verified is None else self.verified.proofs:
            if proof.verification_method.partition("#")[0] == did:
                purpose = str(proof.options["proofPurpose"])
                return resolver.find(proof.verification_method, purpose, at)
        return None


def check_proofs(
    document: dict[str, JSON], *, purpose: str, at: datetime, resolver: Resolver
) -> Signed:
    """Return the check ``proof``: every proof of the document must verify.

    Args:
        document: A document that conforms to the data model.
        purpose: The required ``proofPurpose`` of each proof.
        at: The moment of verification.
        resolver: Finds the keys.
    """

    def key(method: str, wanted: str) -> PublicKey:
        return resolver.key(method, wanted, at)

    try:
        verified = verify_proofs(document, at=at, purpose=purpose, resolve=key)
    except LyrikstoreError as error:
        return Signed(refused_proof(error, **problem_detail(problem_type(error))), None)
    suites = ", ".join(sorted({proof.suite for proof in verified.proofs}))
    count = len(verified.proofs)
    summary = f"{suites}: " + ("the signature holds" if count == 1 else f"all {count} hold")
    methods: list[JSON] = [proof.verification_method for proof in verified.proofs]
    return Signed(passed("proof", summary, methods=methods), verified)


def check_binding(check: str, named: str | None, signed: Signed) -> Check:
    """Return the check that the issuer or holder in the document is among its signers.

    Args:
        check: ``issuer.binding`` or ``holder.binding``.
        named: The issuer or holder.
        signed: The proofs.
    """
    role = check.partition(".")[0]
    if signed.verified is None:
        return unchecked(check, "no-proof", f"no sound signature to bind the {role} to")
    if named not in signed.signers:
        who: list[JSON] = list(signed.signers)
        summary = (
            f"it names {quote(named)} as {role} but is signed by {quote(signed.signers[0], 120)}"
        )
        return failed(check, "foreign-key", summary, **{role: named or "", "signers": who})
    others = len(set(signed.signers)) - 1
    more = f", with {pluralize(others, 'other')}" if others else ""
    return passed(check, f"signed by the {role}'s key{more}")


def options_of(signed: Signed) -> tuple[Mapping[str, Any], ...]:
    """Return the options of each verified proof."""
    return () if signed.verified is None else tuple(p.options for p in signed.verified.proofs)


def check_used(signed: Signed, trust: Trust) -> Check:
    """Return the check ``trust.allowed`` for all keys and cryptosuites of the proofs."""
    proofs = None if signed.verified is None else signed.verified.proofs
    keys = None if proofs is None else [did_key(proof.key) for proof in proofs]
    return check_allowed(keys, [proof.suite for proof in proofs or ()], trust)
