"""What a store does with credentials after they are issued: grants, taking back, taking in."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import Clock
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.crypto.keys.signer import Signer
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.publish.identity.issuer import Issuance
    from lyrikstore.publish.imports.attestations import Attested
    from lyrikstore.publish.imports.import_credentials import ImportResult
    from lyrikstore.publish.issue.grant import Licence
    from lyrikstore.publish.issue.issue import IssuedCredential
    from lyrikstore.publish.status.book import Issued, StatusBook
    from lyrikstore.publish.status.current_list import CurrentList
    from lyrikstore.verify.report import Report


class Standing(ABC):
    """The part of a store that says which credentials hold."""

    repository: Repository
    clock: Clock

    @property
    @abstractmethod
    def trust(self) -> "Trust":
        """Whom this user believes."""

    @abstractmethod
    def signer(self) -> "Signer":
        """Return who signs here; see :meth:`lyrikstore.api.store.Store.signer`."""

    @property
    def status_book(self) -> "StatusBook":
        """The standing of every logged credential; each is read once."""
        from lyrikstore.publish.status.book import StatusBook

        book: StatusBook | None = getattr(self, "_book", None)
        if book is None:
            book = self._book = StatusBook()
        return book.update(self.repository)

    def grant(
        self, credential: bytes, licence: "Licence", issuance: "Issuance | None" = None
    ) -> "IssuedCredential":
        """Grant a licence under the terms of a dataset credential; see ``grant_licence``."""
        from lyrikstore.publish.issue.grant import grant_licence

        return grant_licence(
            self.repository,
            credential,
            licence,
            issuance,
            signer=self.signer(),
            clock=self.clock,
        )

    def earlier(self, credential: bytes) -> list[LoggedEntry]:
        """Return the credentials logged before that say the same; see ``earlier_alike``."""
        from lyrikstore.publish.status.similar import earlier_alike

        return earlier_alike(self.repository, self.status_book, credential, self.clock())

    def attestations(self, manifests: Iterable[Manifest]) -> "dict[Digest, list[Attested]]":
        """Return what others say here about dataset versions, each with its verdict, by id."""
        from lyrikstore.publish.imports.attestations import attestations_about

        return attestations_about(self.repository, manifests, trust=self.trust, at=self.clock())

    def logged_credential(self, text: str) -> Digest | None:
        """Return the id of the credential that ``StatusBook.find`` finds, or None."""
        try:
            return self.status_book.find(text).id
        except (NotFoundError, InvalidInputError):
            return None

    def import_credentials(
        self,
        wanted: Mapping[str, bytes],
        siblings: Mapping[str, bytes],
        found: Mapping[str, bytes] | None = None,
    ) -> "ImportResult":
        """Log what others said about datasets that are here; see ``takingin.take_in``."""
        from lyrikstore.publish.imports.import_credentials import import_credentials

        self.signer()  # which may bring the log up to date
        return import_credentials(
            self.repository,
            self.status_book,
            wanted,
            siblings,
            found=found,
            trust=self.trust,
            clock=self.clock,
        )

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
        """Take in the dataset of another store; see ``importing.import_delivery``."""
        from lyrikstore.publish.imports.import_delivery import import_delivery

        signer = self.signer()  # which may bring the log up to date
        return import_delivery(
            self.repository,
            self.status_book,
            credential,
            siblings,
            data,
            report,
            name=name,
            trust=self.trust,
            signer=signer,
            clock=self.clock,
            progress=progress,
        )

    def set_status(
        self, credential: str, purpose: str, *, value: bool, alone: bool = True
    ) -> "Issued":
        """Revoke (``revocation``) or suspend (``suspension``) a credential, or end a suspension.

        Unless told otherwise, not where that would do the same to another, see ``set_status``.
        """
        from lyrikstore.publish.status.changes import set_status

        signer = self.signer()  # which may bring the log up to date
        return set_status(
            self.repository,
            self.status_book,
            credential,
            purpose,
            value=value,
            alone=alone,
            signer=signer,
            clock=self.clock,
        )

    def supersede(self, credential: str, *, alone: bool = True) -> "Issued":
        """Revoke a credential in whose place this issuer has issued another."""
        from lyrikstore.publish.status.changes import supersede

        signer = self.signer()
        return supersede(
            self.repository,
            self.status_book,
            credential,
            alone=alone,
            signer=signer,
            clock=self.clock,
        )

    def publish_lists(self, place: "str | RemotePlace", *, dry_run: bool = False) -> list[str]:
        """Write this store's current status lists to a remote; return where the new ones are.

        Those that are there already are left alone. A dry run finds out, and writes nothing.
        """
        if not any(entry.type == "credential" for entry in self.repository.entries()):
            return []  # before what reads them is loaded: most pushes have none
        from lyrikstore.objects.backends.open import open_backend
        from lyrikstore.publish.status.publish_lists import publish_lists

        if not self.status_book.lists:
            return []
        backend = open_backend(place, scratch=self.repository.backend.scratch)
        return publish_lists(self.status_book, self.repository.policy, backend, dry_run=dry_run)

    def unfinished_lists(self) -> list[str]:
        """Return which status lists are not published before :meth:`status_lists` made them anew.

        Each was signed in two clones at the same time, and the last one would take back what the
        other revoked.
        """
        if not any(entry.type == "credential" for entry in self.repository.entries()):
            return []
        from lyrikstore.publish.status.publish_lists import unfinished

        return unfinished(self.status_book, self.repository.policy)

    def shared_places(self) -> "list[list[Issued]]":
        """Return the credentials of this store's people that only fall together.

        Two clones drew one place of a list, and both credentials are in force; see
        :func:`lyrikstore.publish.status.shared_index.shared_places`.
        """
        if not any(entry.type == "credential" for entry in self.repository.entries()):
            return []
        from lyrikstore.publish.identity.issuer import own_keys
        from lyrikstore.publish.status.shared_index import shared_places

        ours = own_keys(self.repository.policy)
        lists = self.status_book.lists
        issuers = {issuer for (_, issuer), one in lists.items() if one.signer in ours}
        return shared_places(self.status_book, issuers)

    def status_lists(self) -> "dict[str, CurrentList]":
        """Return the current status lists of this store's people, renewed as far as this key can.

        See :func:`lyrikstore.publish.status.changes.renew_lists`.

        Returns:
            File name, as :func:`lyrikstore.publish.status.publish_lists.file_names` gives it →
            list.
        """
        from lyrikstore.publish.status.changes import renew_lists
        from lyrikstore.publish.status.publish_lists import file_names

        signer = self.signer()
        lists = renew_lists(self.repository, self.status_book, signer=signer, clock=self.clock)
        return file_names(lists)
