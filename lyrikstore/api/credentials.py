"""``store.credentials``: issued and imported credentials, and their status."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lyrikstore.api import stages
from lyrikstore.api.bound import bound
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.context import StoreContext

if TYPE_CHECKING:
    from lyrikstore.credentials.model.opened import OpenedCredential
    from lyrikstore.curate.terms.holder import OtherHolder
    from lyrikstore.curate.terms.offer import Offer
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.publish.imports.import_credentials import ImportResult
    from lyrikstore.publish.status.current_list import CurrentList
    from lyrikstore.publish.status.status_registry import Issued, StatusRegistry


@dataclass
class Credentials:
    """The credentials of a store.

    An argument ``credential`` that is text is a ``urn:uuid``, a digest, or at least 8 hex digits of
    one. ``issuance`` is the issuer of a credential and its ways to end; None: the signer issues it,
    and outsiders cannot see a revocation.
    """

    store: StoreContext

    issue = bound(lambda: stages.issue_delivery)
    permit = bound(lambda: stages.permit_dataset)
    attest = bound(lambda: stages.attest)
    attest_opinion = bound(lambda: stages.attest_opinion)
    grant = bound(lambda: stages.grant_licence)
    earlier = bound(lambda: stages.earlier_alike)
    attestations = bound(lambda: stages.attestations_about)
    opinions_on_store = bound(lambda: stages.opinions_on_store)
    import_credentials = bound(lambda: stages.import_credentials)
    import_delivery = bound(lambda: stages.import_delivery)
    revoke = bound(lambda: stages.revoke)
    suspend = bound(lambda: stages.suspend)
    reinstate = bound(lambda: stages.reinstate)
    supersede = bound(lambda: stages.supersede)

    def import_attestations(self, delivered: Mapping[str, bytes]) -> "ImportResult":
        """Log the attestations by others in a delivery of this store.

        Args:
            delivered: File name → the files of the delivery. Attestations about something else, or
            invalid ones, are left out and listed.

        Raises:
            LyrikstoreError: As ``import_credentials``.
        """
        return self.import_credentials({}, delivered, attestations=True)

    def other_holder(self, ref: str, offer: "Offer") -> "OtherHolder | None":
        """Return the other holder of a dataset version, with the evidence; None: there is none.

        Args:
            ref: The version, as ``Store.resolve`` takes it.
            offer: The terms that a credential would contain.

        Raises:
            LyrikstoreError: As ``Store.resolve``.
        """
        manifest = self.store.resolve(ref)
        if manifest.kind != "dataset":
            return None
        licences = [part.licence for part in offer.terms.partitions]
        return stages.other_holder_of(self.store.repository, manifest, licences)

    def read(self, identity: Digest) -> bytes:
        """Return the signed bytes of a logged credential; only their digest is checked.

        Raises:
            IncompleteError, VerificationError: The credential is missing or damaged.
            LyrikstoreError: As :meth:`StoreView.credential`.
        """
        return self.store.repository.credential(identity)

    def is_about_ours(self, credential: "OpenedCredential") -> bool:
        """Return whether a dataset credential states a dataset of this store as its subject."""
        subject = (credential.document or {}).get("credentialSubject")
        return isinstance(subject, dict) and subject.get("store") == self.store.id.urn

    def find(self, credential: str) -> Digest | None:
        """Return the id of the logged credential with this id, digest or prefix, or None."""
        try:
            return self.registry.find(credential).id
        except (NotFoundError, InvalidInputError):
            return None

    def status_lists(self) -> "dict[str, CurrentList]":
        """Return the current status lists of this store's issuers, renewed where this key can sign.

        Returns:
            Published file name → list.

        Raises:
            LyrikstoreError: As :func:`lyrikstore.publish.status.changes.renew_lists`.
        """
        return stages.file_names(stages.renew_lists(self.store))

    def lists_of(self, issued: "Issued") -> dict[str, bytes]:
        """Return the current status lists that show whether one credential was revoked.

        Args:
            issued: As ``revoke`` returns it. If it names no list, these lists are in the log alone,
            and the holder of the credential sees a revocation only if you send them.

        Returns:
            File name → list.
        """
        lists = self.registry.lists
        return {
            f"{entry.purpose}-{issued.id.short}.json": lists[entry.url, issued.issuer].data
            for entry in issued.entries
            if (entry.url, issued.issuer) in lists
        }

    def publish_lists(self, place: "str | RemotePlace", *, dry_run: bool = False) -> list[str]:
        """Write this store's current status lists to a remote; return the places of the new ones.

        Args:
            place: The remote; lists that it already has are not written again.
            dry_run: Return the places, and write nothing.

        Raises:
            RemoteError, StorageError, InvalidInputError: As
                :func:`lyrikstore.publish.status.publish_lists.publish_lists`.
        """
        if not self._any() or not self.registry.lists:
            return []
        store, backend = self.store, self.store.reach(place).backend
        return stages.publish_lists(
            self.registry, store.repository.policy, backend, dry_run=dry_run
        )

    def unfinished_lists(self) -> list[str]:
        """Return the status lists that :meth:`status_lists` must sign again before publishing.

        Each was signed in two clones at the same time, and the later one would undo revocations of
        the other.
        """
        return stages.unfinished(self.registry, self.store.repository.policy) if self._any() else []

    def shared_places(self) -> "list[list[Issued]]":
        """Return the groups of credentials that can only be revoked together.

        Two clones drew the same place of a list, and both credentials are in force.
        """
        if not self._any():
            return []
        ours, registry = stages.own_keys(self.store.repository.policy), self.registry
        issuers = {issuer for (_, issuer), one in registry.lists.items() if one.signer in ours}
        return stages.shared_places(registry, issuers)

    def _any(self) -> bool:
        # Asked before what reads them is loaded: most stores have none.
        return any(entry.type == "credential" for entry in self.store.repository.entries())

    @property
    def registry(self) -> "StatusRegistry":
        """The status of every logged credential; each credential is read once."""
        return stages.current_registry(self.store.repository)
