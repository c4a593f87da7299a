"""``store.credentials``: what is said to outsiders and by them, and whether it still holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.api.credential_status import CredentialStatus
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest

if TYPE_CHECKING:
    from lyrikstore.credentials.model.opened import OpenedCredential
    from lyrikstore.curate.readers.fields import FieldRoles
    from lyrikstore.curate.terms.holder import OtherHolder
    from lyrikstore.curate.terms.offer import Offer
    from lyrikstore.publish.identity.issuer import Issuance
    from lyrikstore.publish.imports.attestations import Attested
    from lyrikstore.publish.imports.import_credentials import ImportResult
    from lyrikstore.publish.issue.attest import Findings
    from lyrikstore.publish.issue.dataset import IssueResult
    from lyrikstore.publish.issue.grant import Licence
    from lyrikstore.publish.issue.issue import IssuedCredential
    from lyrikstore.verify.report import Report


@dataclass
class Credentials(CredentialStatus):
    """The credentials of a store.

    ``credential``, where text is taken, is a ``urn:uuid``, a digest, or at least 8 hex digits of
    one. ``issuance`` says in whose name a credential is, and how it may end; None: the signer's,
    and outsiders never learn it if it is taken back.
    """

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
    ) -> "IssueResult":
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
            trust=store.trust,
            progress=progress,
            signer=store.signer(),
            clock=store.clock,
        )

    def permit(
        self,
        ref: str,
        *,
        offer: "Offer",
        issuance: "Issuance | None" = None,
        valid_for: timedelta | None = None,
        version: str | None = None,
        progress: OnProgress = silent,
    ) -> "IssueResult":
        """Issue and log a credential about a dataset version, without anything to hand over.

        It is what one's own training asks for, about one's own data; it counts for whoever has
        this log or a clone of it.

        Args:
            ref: The version, as ``Store.resolve`` takes it.
            offer: What the credential says beyond the manifest.
            issuance: In whose name, and how it may end.
            valid_for: How long, from now, at most ten years; None for no end.
            version: A version label for people.
            progress: Progress callback, called per file, in the phase ``records``.

        Raises:
            LyrikstoreError: As ``Store.resolve`` and
                :func:`lyrikstore.publish.issue.dataset.permit_dataset`.
        """
        from lyrikstore.publish.issue.dataset import permit_dataset

        store = self.store
        return permit_dataset(
            store.repository,
            store.repository.resolve(ref),
            offer=offer,
            issuance=issuance,
            valid_for=valid_for,
            version=version,
            trust=store.trust,
            progress=progress,
            signer=store.signer(),
            clock=store.clock,
        )

    def other_holder(self, ref: str, offer: "Offer") -> "OtherHolder | None":
        """Return what says that a dataset version is somebody else's, or None.

        Args:
            ref: The version, as ``Store.resolve`` takes it.
            offer: What a credential would say of it.

        Raises:
            LyrikstoreError: As ``Store.resolve``.
        """
        from lyrikstore.curate.terms.holder import other_holder_of

        manifest = self.store.repository.resolve(ref)
        if manifest.kind != "dataset":
            return None
        licences = [part.licence for part in offer.terms.partitions]
        return other_holder_of(self.store.repository, manifest, licences)

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
            trust=store.trust,
        )

    def earlier(self, credential: bytes) -> list[LoggedEntry]:
        """Return the log entries of credentials that say the same as this one, and are in force.

        Args:
            credential: The bytes of one that is logged here.
        """
        from lyrikstore.publish.status.similar import earlier_alike

        store = self.store
        return earlier_alike(store.repository, self.book, credential, store.clock())

    def attestations(self, manifests: Iterable[Manifest]) -> "dict[Digest, list[Attested]]":
        """Return what others say here about dataset versions, each with its verdict, by id.

        Args:
            manifests: The versions.
        """
        from lyrikstore.publish.imports.attestations import attestations_about

        store = self.store
        return attestations_about(store.repository, manifests, trust=store.trust, at=store.clock())

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
            self.book,
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
        roles: "FieldRoles | None" = None,
        progress: OnProgress = silent,
    ) -> "ImportResult":
        """Take in the dataset of another store: the same content, with all that store signed.

        Args:
            credential: The delivery's credential.
            siblings: File name → the files next to it.
            data: The folder of data.
            report: What :func:`lyrikstore.api.verify_delivery` said about it just now.
            name: What the dataset is called here; by default as there.
            roles: Roles of fields, where its publisher states none.
            progress: Progress callback, called per file.

        Raises:
            LyrikstoreError: As
                :func:`lyrikstore.publish.imports.import_delivery.import_delivery`.
        """
        from lyrikstore.publish.imports.import_delivery import NO_ROLES, import_delivery

        store = self.store
        signer = store.signer()  # which may bring the log up to date
        return import_delivery(
            store.repository,
            self.book,
            credential,
            siblings,
            data,
            report,
            name=name,
            roles=roles or NO_ROLES,
            trust=store.trust,
            signer=signer,
            clock=store.clock,
            progress=progress,
        )
