"""Signing for the VC API: credentials and presentations of its only signer.

Without HTTP. All checks are made before signing, as a signature under a malformed credential cannot
be undone.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.model.status_entry import PURPOSES, StatusEntry
from lyrikstore.credentials.model.status_list import set_bit, signed_list
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.w3c.profile.model import check_credential_model, check_presentation_model
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.signing import check_unsigned
from lyrikstore.w3c.proofs.proof_set import SUITES, add_proof
from lyrikstore.w3c.values import id_of, items_of

MAX_ID = 2000
"""Characters of the id of a credential with a status, at most."""

LIST_VALID_FOR = timedelta(days=1)
"""Validity of a status list of this process; each request gets a new one."""


@dataclass
class StatusLists:
    """Status lists in memory, which are lost when the process ends.

    They are for tests. Issue and revoke credentials that must outlive the process with the commands
    ``issue`` and ``credential revoke``, whose lists are logged.

    Args:
        base: URL under which the lists are served, without a slash at the end.
    """

    base: str
    _bits: dict[str, bytearray] = field(default_factory=dict)
    _places: dict[str, int] = field(default_factory=dict)
    _taken: set[int] = field(default_factory=set)

    def draw(self, credential_id: str) -> int:
        """Return a random free index for a new credential; :meth:`take` reserves it.

        Raises:
            InvalidInputError: (``full``) half of the list is in use; (``id-taken``) the credential
                has an index; (``bad-id``) its id is too long.
        """
        if len(credential_id) > MAX_ID:
            raise InvalidInputError("bad-id", f"the id has more than {MAX_ID} characters")
        if len(self._taken) >= STATUS_LIST_ENTRIES // 2:
            raise InvalidInputError("full", "half of the status list is in use; restart the server")
        if credential_id in self._places:
            raise InvalidInputError("id-taken", f"{credential_id[:80]!a} has a status already")
        place = secrets.randbelow(STATUS_LIST_ENTRIES)
        while place in self._taken:
            place = secrets.randbelow(STATUS_LIST_ENTRIES)
        return place

    def take(self, credential_id: str, place: int) -> None:
        """Reserve an index for a signed credential."""
        self._taken.add(place)
        self._places[credential_id] = place

    def entries(self, place: int, purposes: Sequence[str]) -> list[dict[str, JSON]]:
        """Return the status entries of an index, one for each purpose."""
        return [StatusEntry(purpose, place, self.url(purpose)).to_json() for purpose in purposes]

    def set(self, credential_id: str, purpose: str, value: bool) -> None:
        """Set or clear the bit of a credential.

        Raises:
            NotFoundError: (``no-credential``) no credential of that id has a status in this
                process.
        """
        place = self._places.get(credential_id)
        if place is None:
            raise NotFoundError(
                "no-credential", f"{credential_id[:80]!a} has no status in this server"
            )
        set_bit(self._of(purpose), place, value=value)

    def url(self, purpose: str) -> str:
        """Return the URL of the list of a purpose."""
        return f"{self.base}/status/{purpose}"

    def signed(self, purpose: str, signer: Signer, now: datetime) -> bytes:
        """Return the list of a purpose, signed now."""
        bits = bytes(self._of(purpose))
        return signed_list(self.url(purpose), purpose, bits, signer, now, LIST_VALID_FOR)

    def _of(self, purpose: str) -> bytearray:
        return self._bits.setdefault(purpose, bytearray(STATUS_LIST_ENTRIES // 8))


class VcApiIssuer(Struct, frozen=True):
    """Signs well-formed credentials and presentations with one key.

    Attributes:
        signer: The signer with that key.
        lists: Its status lists.
        resources: The available schemas and resources, which credentials must satisfy.
    """

    signer: Signer
    lists: StatusLists
    resources: Resources

    def issue(
        self,
        credential: dict[str, Any],
        suite: str,
        now: datetime,
        purposes: Sequence[str] = (),
        *,
        replace_issuer: bool = False,
    ) -> dict[str, JSON]:
        """Return the credential with a proof.

        Args:
            credential: The unsigned credential; ``id`` and ``validFrom`` may be absent.
            suite: One of the cryptosuites.
            now: Time of signing.
            purposes: Purposes of the status entries to add.
            replace_issuer: Replace the issuer that it names by the signer.

        Raises:
            InvalidInputError, FormatError: As
                :func:`lyrikstore.w3c.profile.signing.check_unsigned`; (``has-status``) it has a
                status, and ``purposes`` would add another; (``unknown-suite``) no such cryptosuite.
            VerificationError: (``bad-rdf``) it cannot be signed as RDF.
            IncompleteError: (``unknown-context``, ``missing-extra``) it cannot be signed as RDF
                in this installation.
        """
        if suite not in SUITES:
            raise InvalidInputError("unknown-suite", f"no cryptosuite has the name {suite[:80]!a}")
        document = dict(credential)
        if replace_issuer:
            check_credential_model(document, secured=False)  # including the issuer that it names
            document["issuer"] = _renamed(document["issuer"], self.signer.did)
        check_unsigned(document, self.signer.did, self.resources)
        if not purposes:
            return add_proof(document, self.signer, suite=suite, created=now)
        if "credentialStatus" in document:
            raise InvalidInputError("has-status", "the credential has a status already")
        name = document.setdefault("id", f"urn:uuid:{uuid4()}")
        place = self.lists.draw(name)
        entries = self.lists.entries(place, purposes)
        document["credentialStatus"] = entries if len(entries) > 1 else entries[0]
        signed = add_proof(document, self.signer, suite=suite, created=now)
        self.lists.take(name, place)
        return signed

    def prove(
        self,
        presentation: dict[str, Any],
        suite: str,
        now: datetime,
        *,
        challenge: str | None,
        domain: str | None,
    ) -> dict[str, JSON]:
        """Return the presentation with the holder's proof.

        Raises:
            InvalidInputError: (``wrong-holder``) it names another holder; (``has-proof``) it is
                signed already.
            VerificationError, IncompleteError: As :meth:`issue`.
            LyrikstoreError: As :func:`check_presentation_model`.
        """
        if "proof" in presentation:
            raise InvalidInputError("has-proof", "the presentation is signed already")
        document = {**presentation, "holder": presentation.get("holder", self.signer.did)}
        check_presentation_model(document, secured=False)
        if id_of(document["holder"]) != self.signer.did:
            raise InvalidInputError(
                "wrong-holder", f"this server can sign only for the holder {self.signer.did}"
            )
        return add_proof(
            document,
            self.signer,
            suite=suite,
            purpose="authentication",
            created=now,
            challenge=challenge,
            domain=domain,
        )

    def status_list(self, purpose: str, now: datetime) -> bytes:
        """Return the list of a purpose, signed now."""
        return self.lists.signed(purpose, self.signer, now)

    def lists_for(self, credential: dict[str, Any], now: datetime) -> list[bytes]:
        """Return the lists of this process that a credential names, so that none is fetched."""
        entries = items_of(credential.get("credentialStatus", []))
        named = [item.get("statusListCredential") for item in entries if isinstance(item, dict)]
        return [
            self.status_list(purpose, now)
            for purpose in PURPOSES
            if self.lists.url(purpose) in named
        ]


def _renamed(issuer: JSON, did: str) -> JSON:
    return {**issuer, "id": did} if isinstance(issuer, dict) else did
