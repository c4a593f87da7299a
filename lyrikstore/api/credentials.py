"""``store.credentials``: what is said to outsiders and by them, and whether it still holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.api.context import StoreContext
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest

if TYPE_CHECKING:
    from lyrikstore.credentials.model.opened import OpenedCredential
    from lyrikstore.curate.terms.offer import Offer
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.publish.identity.issuer import Issuance
    from lyrikstore.publish.imports.attestations import Attested
    from lyrikstore.publish.imports.import_credentials import ImportResult
    from lyrikstore.publish.issue.attest import Findings
    from lyrikstore.publish.issue.delivery import DeliveryResult
    from lyrikstore.publish.issue.grant import Licence
    from lyrikstore.publish.issue.issue import IssuedCredential
    from lyrikstore.publish.status.book import Issued, StatusBook
    from lyrikstore.publish.status.current_list import CurrentList
    from lyrikstore.verify.report import Report


@dataclass
class Credentials:
    """The credentials of a store.

    ``credential``, where text is taken, is a ``urn:uuid``, a digest, or at least 8 hex digits of
    one. ``issuance`` says in whose name a credential is, and how it may end; None: the signer's,
    and it cannot be taken back.
    """

    store: StoreContext

    def issue(
        self,
        ref: str,
        folder: Path | str,
        *,
        offer: "Offer",
        issuance: "Issuance | None" = None,
        valid_for: timedelta | None = None,
        version: str | None = None,
        progress: OnProgress = silent,
    ) -> "DeliveryResult":
        """Issue a credential about a dataset version and write the delivery to ``folder``.

        Args:
            ref: The version, as ``Store.resolve`` takes it.
            folder: A folder that does not exist or is empty.
            offer: What the credential says beyond the manifest.
            issuance: In whose name, and how it may end.
            valid_for: How long, from now, at most ten years; None for no end.
            version: A version label for people.
            progress: Progress callback, called per file, in the phases ``records`` and ``data``.

        Raises:
            LyrikstoreError: As ``Store.resolve`` and
                :func:`lyrikstore.publish.issue.delivery.issue_delivery`.
        """
        from lyrikstore.publish.issue.delivery import issue_delivery

        store = self.store
        return issue_delivery(
            store.repository,
            store.repository.resolve(ref),
            Path(folder),
            offer=offer,
            issuance=issuance,
            valid_for=valid_for,
            version=version,
            progress=progress,
            signer=store.signer(),
            clock=store.clock,
        )

    def attest(
        self,
        credential: bytes,
        report: "Report",
        findings: "Findings",
        issuance: "Issuance | None" = None,
        *,
        valid_for: timedelta | None,
        unchecked: bool = False,
    ) -> "IssuedCredential":
        """Attest something about the dataset of a delivery, and log it here to take it back.

        Args:
            credential: The delivery's credential.
            report: What :func:`lyrikstore.api.verify_delivery` said about it just now.
            findings: What is attested.
            issuance: In whose name, and how it may end.
            valid_for: How long; None for no end.
            unchecked: Attest although the bytes were not checked; the attestation says so.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.publish.issue.attest.attest`, which takes no
                store where nothing need be taken back.
        """
        from lyrikstore.publish.issue.attest import attest

        store = self.store
        return attest(
            credential,
            report,
            findings,
            issuance,
            signer=store.signer(),
            clock=store.clock,
            valid_for=valid_for,
            unchecked=unchecked,
            repository=store.repository,
        )

    def grant(
        self, credential: bytes, licence: "Licence", issuance: "Issuance | None" = None
    ) -> "IssuedCredential":
        """Grant a licence to a named holder under the terms of a dataset credential.

        Args:
            credential: The dataset credential, issued by whoever signs here.
            licence: Who may do what, until when.
            issuance: In whose name, and how it may end.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.publish.issue.grant.grant_licence`.
        """
        from lyrikstore.publish.issue.grant import grant_licence

        store = self.store
        return grant_licence(
            store.repository,
            credential,
            licence,
            issuance,
            signer=store.signer(),
            clock=store.clock,
        )

    def earlier(self, credential: bytes) -> list[LoggedEntry]:
        """Return the log entries of credentials that say the same as this one, and are in force.

        Args:
            credential: The bytes of one that is logged here.
        """
        from lyrikstore.publish.status.similar import earlier_alike

        store = self.store
        return earlier_alike(store.repository, self._book, credential, store.clock())

    def attestations(self, manifests: Iterable[Manifest]) -> "dict[Digest, list[Attested]]":
        """Return what others say here about dataset versions, each with its verdict, by id.

        Args:
            manifests: The versions.
        """
        from lyrikstore.publish.imports.attestations import attestations_about

        store = self.store
        return attestations_about(store.repository, manifests, trust=store.trust, at=store.clock())

    def find(self, credential: str) -> Digest | None:
        """Return the id of the logged credential that a person means; None: there is none."""
        try:
            return self._book.find(credential).id
        except (NotFoundError, InvalidInputError):
            return None

    def read(self, identity: Digest) -> bytes:
        """Return the bytes of a logged credential, as they were signed; only their id is checked.

        Raises:
            NotFoundError: (``not-logged``) no entry says that these bytes are a credential.
            IncompleteError, VerificationError: They are lost or damaged.
        """
        return self.store.repository.credential(identity)

    def import_credentials(
        self,
        wanted: Mapping[str, bytes],
        siblings: Mapping[str, bytes],
        *,
        attestations: bool = False,
    ) -> "ImportResult":
        """Log what others said about datasets that are here.

        Args:
            wanted: File name → credential; one that cannot be taken in is an error.
            siblings: The files next to them: status lists, DID documents, statements.
            attestations: Whether those among them are imported, too; what does not fit is left
                out, and named.

        Raises:
            LyrikstoreError: As
                :func:`lyrikstore.publish.imports.import_credentials.import_credentials`.
        """
        from lyrikstore.publish.imports.import_credentials import import_credentials

        store = self.store
        store.signer()  # which may bring the log up to date
        return import_credentials(
            store.repository,
            self._book,
            wanted,
            siblings,
            attestations=attestations,
            trust=store.trust,
            clock=store.clock,
        )

    def is_about_ours(self, credential: "OpenedCredential") -> bool:
        """Return whether a dataset credential says that it is about a dataset of this store."""
        subject = (credential.document or {}).get("credentialSubject")
        return isinstance(subject, dict) and subject.get("store") == self.store.id.urn

    def import_attestations(self, delivered: Mapping[str, bytes]) -> "ImportResult":
        """Log what others attest in a delivery of this store.

        Args:
            delivered: File name → the files of the delivery. What is about something else, or does
                not hold, is left out, and named.

        Raises:
            LyrikstoreError: As :meth:`import_credentials`.
        """
        return self.import_credentials({}, delivered, attestations=True)

    def import_delivery(
        self,
        credential: bytes,
        siblings: Mapping[str, bytes],
        data: Path,
        report: "Report",
        name: str | None = None,
        *,
        progress: OnProgress = silent,
    ) -> "ImportResult":
        """Take in the dataset of another store: the same content, with all that store signed.

        Args:
            credential: The delivery's credential.
            siblings: File name → the files next to it.
            data: The folder of data.
            report: What :func:`lyrikstore.api.verify_delivery` said about it just now.
            name: What the dataset is called here; by default as there.
            progress: Progress callback, called per file.

        Raises:
            LyrikstoreError: As
                :func:`lyrikstore.publish.imports.import_delivery.import_delivery`.
        """
        from lyrikstore.publish.imports.import_delivery import import_delivery

        store = self.store
        signer = store.signer()  # which may bring the log up to date
        return import_delivery(
            store.repository,
            self._book,
            credential,
            siblings,
            data,
            report,
            name=name,
            trust=store.trust,
            signer=signer,
            clock=store.clock,
            progress=progress,
        )

    def revoke(self, credential: str, *, alone: bool = True) -> "Issued":
        """Take a credential back for good; others learn of it from the status lists.

        Args:
            credential: One that this signer issued, with a ``status_url``.
            alone: Whether to refuse where that would take back another with it, which drew the
                same place of the list.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.publish.status.changes.set_status`.
        """
        return self._set_status(credential, "revocation", value=True, alone=alone)

    def suspend(self, credential: str, *, alone: bool = True) -> "Issued":
        """Suspend a credential until it is reinstated; arguments and errors as :meth:`revoke`."""
        return self._set_status(credential, "suspension", value=True, alone=alone)

    def reinstate(self, credential: str, *, alone: bool = True) -> "Issued":
        """End the suspension of a credential; arguments and errors as :meth:`revoke`."""
        return self._set_status(credential, "suspension", value=False, alone=alone)

    def supersede(self, credential: str, *, alone: bool = True) -> "Issued":
        """Revoke a credential in whose place this issuer has issued another; returns that one.

        Arguments and errors are those of :meth:`revoke`.
        """
        from lyrikstore.publish.status.changes import supersede

        store = self.store
        signer = store.signer()  # which may bring the log up to date
        return supersede(
            store.repository,
            self._book,
            credential,
            alone=alone,
            signer=signer,
            clock=store.clock,
        )

    def status_lists(self) -> "dict[str, CurrentList]":
        """Return the current status lists of this store's people, renewed as far as this key can.

        Returns:
            File name, as it is published → list.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.publish.status.changes.renew_lists`.
        """
        from lyrikstore.publish.status.changes import renew_lists
        from lyrikstore.publish.status.publish_lists import file_names

        store = self.store
        signer = store.signer()
        return file_names(
            renew_lists(store.repository, self._book, signer=signer, clock=store.clock)
        )

    def publish_lists(self, place: "str | RemotePlace", *, dry_run: bool = False) -> list[str]:
        """Write this store's current status lists to a remote; return where the new ones are.

        Args:
            place: Where to; lists that are there already are left alone.
            dry_run: Find out, and write nothing.

        Raises:
            RemoteError, StorageError, InvalidInputError: As
                :func:`lyrikstore.publish.status.publish_lists.publish_lists`.
        """
        if not self._any():
            return []
        from lyrikstore.publish.status.publish_lists import publish_lists

        if not self._book.lists:
            return []
        store = self.store
        backend = store.reach(place).backend
        return publish_lists(self._book, store.repository.policy, backend, dry_run=dry_run)

    def unfinished_lists(self) -> list[str]:
        """Return which status lists are not published before :meth:`status_lists` made them anew.

        Each was signed in two clones at the same time, and the last one would take back what the
        other revoked.
        """
        if not self._any():
            return []
        from lyrikstore.publish.status.publish_lists import unfinished

        return unfinished(self._book, self.store.repository.policy)

    def shared_places(self) -> "list[list[Issued]]":
        """Return the credentials of this store's people that only fall together.

        Two clones drew one place of a list, and both credentials are in force.
        """
        if not self._any():
            return []
        from lyrikstore.publish.identity.issuer import own_keys
        from lyrikstore.publish.status.shared_index import shared_places

        ours, book = own_keys(self.store.repository.policy), self._book
        issuers = {issuer for (_, issuer), one in book.lists.items() if one.signer in ours}
        return shared_places(book, issuers)

    def _set_status(self, credential: str, purpose: str, **how: bool) -> "Issued":
        from lyrikstore.publish.status.changes import set_status

        store = self.store
        signer = store.signer()  # which may bring the log up to date
        return set_status(
            store.repository,
            self._book,
            credential,
            purpose,
            **how,
            signer=signer,
            clock=store.clock,
        )

    def _any(self) -> bool:
        # Asked before what reads them is loaded: most stores have none.
        return any(entry.type == "credential" for entry in self.store.repository.entries())

    @property
    def _book(self) -> "StatusBook":
        """The standing of every logged credential; each is read once."""
        return self._read_before.update(self.store.repository)

    @cached_property
    def _read_before(self) -> "StatusBook":
        from lyrikstore.publish.status.book import StatusBook

        return StatusBook()
