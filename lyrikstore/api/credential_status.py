"""Whether credentials still hold: taking them back, and what others can learn of that."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.context import StoreContext

if TYPE_CHECKING:
    from lyrikstore.objects.backends.open import RemotePlace
    from lyrikstore.publish.status.book import Issued, StatusBook
    from lyrikstore.publish.status.current_list import CurrentList


@dataclass
class CredentialStatus:
    """The standing of the credentials of a store; ``store.credentials`` has all of this."""

    store: StoreContext

    def find(self, credential: str) -> Digest | None:
        """Return the id of the logged credential that a person means; None: there is none."""
        try:
            return self.book.find(credential).id
        except (NotFoundError, InvalidInputError):
            return None

    def revoke(self, credential: str, *, alone: bool = True) -> "Issued":
        """Take a credential back for good.

        Whoever has this log or a clone of it learns of it there; others from the status lists that
        it names, if it names any.

        Args:
            credential: One that this signer issued.
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
            self.book,
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
            renew_lists(store.repository, self.book, signer=signer, clock=store.clock)
        )

    def lists_of(self, issued: "Issued") -> dict[str, bytes]:
        """Return the current status lists that say of one credential whether it was taken back.

        Args:
            issued: As :meth:`revoke` gives it. If it names no list, these lists are in the log
                alone, and who holds the credential learns nothing unless they are handed over.

        Returns:
            File name → list.
        """
        lists = self.book.lists
        return {
            f"{entry.purpose}-{issued.id.short}.json": lists[entry.url, issued.issuer].data
            for entry in issued.entries
            if (entry.url, issued.issuer) in lists
        }

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

        if not self.book.lists:
            return []
        store = self.store
        backend = store.reach(place).backend
        return publish_lists(self.book, store.repository.policy, backend, dry_run=dry_run)

    def unfinished_lists(self) -> list[str]:
        """Return which status lists are not published before :meth:`status_lists` made them anew.

        Each was signed in two clones at the same time, and the last one would take back what the
        other revoked.
        """
        if not self._any():
            return []
        from lyrikstore.publish.status.publish_lists import unfinished

        return unfinished(self.book, self.store.repository.policy)

    def shared_places(self) -> "list[list[Issued]]":
        """Return the credentials of this store's people that only fall together.

        Two clones drew one place of a list, and both credentials are in force.
        """
        if not self._any():
            return []
        from lyrikstore.publish.identity.issuer import own_keys
        from lyrikstore.publish.status.shared_index import shared_places

        ours, book = own_keys(self.store.repository.policy), self.book
        issuers = {issuer for (_, issuer), one in book.lists.items() if one.signer in ours}
        return shared_places(book, issuers)

    def _set_status(self, credential: str, purpose: str, **how: bool) -> "Issued":
        from lyrikstore.publish.status.changes import set_status

        store = self.store
        signer = store.signer()  # which may bring the log up to date
        return set_status(
            store.repository,
            self.book,
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
    def book(self) -> "StatusBook":
        """The standing of every logged credential; each is read once."""
        return self._read_before.update(self.store.repository)

    @cached_property
    def _read_before(self) -> "StatusBook":
        from lyrikstore.publish.status.book import StatusBook

        return StatusBook()
