"""What the VC API signs: credentials and presentations of the one signer it was given.

Sans-HTTP. Knows how to refuse before it signs: a signature under a malformed credential is the
issuer's mistake for ever.
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
"""Characters of an id that a status is kept for."""

LIST_VALID_FOR = timedelta(days=1)
"""Of a status list of this process; it is made anew whenever somebody asks for it."""


@dataclass
class StatusLists:
    """Status lists that live as long as the process does.

    For trying things out. What has to outlive the process is issued and revoked with the commands
    of the same names, whose lists are logged.

    Args:
        base: URL under which the lists are served, without a slash at the end.
    """

    base: str
    _bits: dict[str, bytearray] = field(default_factory=dict)
    _places: dict[str, int] = field(default_factory=dict)
    _taken: set[int] = field(default_factory=set)

    def draw(self, credential_id: str) -> int:
        """Return a random free place for a new credential; :meth:`take` makes it taken.

        Raises:
            InvalidInputError: (``full``, ``id-taken``, ``bad-id``).
        """
        if len(credential_id) > MAX_ID:
            raise InvalidInputError("bad-id", f"an id of more than {MAX_ID} characters")
        if len(self._taken) >= STATUS_LIST_ENTRIES // 2:
            raise InvalidInputError("full", "half of the status list is taken; start another")
        if credential_id in self._places:
            raise InvalidInputError("id-taken", f"{credential_id[:80]!a} has a status already")
        place = secrets.randbelow(STATUS_LIST_ENTRIES)
        while place in self._taken:
            place = secrets.randbelow(STATUS_LIST_ENTRIES)
        return place

    def take(self, credential_id: str, place: int) -> None:
        """Keep a place for a credential that was signed."""
        self._taken.add(place)
        self._places[credential_id] = place

    def entries(self, place: int, purposes: Sequence[str]) -> list[dict[str, JSON]]:
        """Return the status entries of a place."""
        return [StatusEntry(purpose, place, self.url(purpose)).to_json() for purpose in purposes]

    def set(self, credential_id: str, purpose: str, value: bool) -> None:
        """Set or clear a credential's bit.

        Raises:
            NotFoundError: (``no-credential``) none of that id was given an entry here.
        """
        place = self._places.get(credential_id)
        if place is None:
            raise NotFoundError(
                "no-credential", f"no status of {credential_id[:80]!a} is kept here"
            )
        set_bit(self._of(purpose), place, value=value)

    def url(self, purpose: str) -> str:
        """Return where the list of a purpose is served."""
        return f"{self.base}/status/{purpose}"

    def signed(self, purpose: str, signer: Signer, now: datetime) -> bytes:
        """Return the list of a purpose, signed now."""
        bits = bytes(self._of(purpose))
        return signed_list(self.url(purpose), purpose, bits, signer, now, LIST_VALID_FOR)

    def _of(self, purpose: str) -> bytearray:
        return self._bits.setdefault(purpose, bytearray(STATUS_LIST_ENTRIES // 8))


class VcApiIssuer(Struct, frozen=True):
    """Signs what is well-formed, as the one who it is.

    Attributes:
        signer: The only key.
        book: Its status lists.
        resources: The available schemas and resources, to refuse what does not satisfy them.
    """

    signer: Signer
    book: StatusLists
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
        """Return the credential with its proof.

        Args:
            credential: Unsigned; ``id`` and ``validFrom`` may be absent.
            suite: One of the cryptosuites.
            now: Time of signing.
            purposes: Status entries to give it.
            replace_issuer: Whatever issuer it names, name the signer instead.

        Raises:
            InvalidInputError, FormatError: As
                :func:`lyrikstore.w3c.profile.signing.check_unsigned`; (``has-status``) it has a
                status and shall be given one; (``unknown-suite``).
            VerificationError: (``bad-rdf``) it cannot be signed as RDF.
            IncompleteError: (``unknown-context``, ``missing-extra``) likewise.
        """
        if suite not in SUITES:
            raise InvalidInputError("unknown-suite", f"no cryptosuite is called {suite[:80]!a}")
        document = dict(credential)
        if replace_issuer:
            check_credential_model(document, secured=False)  # the issuer that it names as well
            document["issuer"] = _renamed(document["issuer"], self.signer.did)
        check_unsigned(document, self.signer.did, self.resources)
        if not purposes:
            return add_proof(document, self.signer, suite=suite, created=now)
        if "credentialStatus" in document:
            raise InvalidInputError("has-status", "the credential has a status already")
        name = document.setdefault("id", f"urn:uuid:{uuid4()}")
        place = self.book.draw(name)
        entries = self.book.entries(place, purposes)
        document["credentialStatus"] = entries if len(entries) > 1 else entries[0]
        signed = add_proof(document, self.signer, suite=suite, created=now)
        self.book.take(name, place)
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
            InvalidInputError: (``wrong-holder``) of another holder; (``has-proof``) it is signed
                already.
            VerificationError, IncompleteError: As :meth:`issue`.
            LyrikstoreError: As :func:`check_presentation_model`.
        """
        if "proof" in presentation:
            raise InvalidInputError("has-proof", "the presentation is signed already")
        document = {**presentation, "holder": presentation.get("holder", self.signer.did)}
        check_presentation_model(document, secured=False)
        if id_of(document["holder"]) != self.signer.did:
            raise InvalidInputError("wrong-holder", f"the holder here is {self.signer.did}")
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
        return self.book.signed(purpose, self.signer, now)

    def lists_for(self, credential: dict[str, Any], now: datetime) -> list[bytes]:
        """Return those of its own lists that a credential names: nobody has to fetch them."""
        entries = items_of(credential.get("credentialStatus", []))
        named = [item.get("statusListCredential") for item in entries if isinstance(item, dict)]
        return [
            self.status_list(purpose, now)
            for purpose in PURPOSES
            if self.book.url(purpose) in named
        ]


def _renamed(issuer: JSON, did: str) -> JSON:
    return {**issuer, "id": did} if isinstance(issuer, dict) else did
