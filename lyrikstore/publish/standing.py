"""What a store does with credentials after they are issued: grants, taking back, taking in."""

from typing import TYPE_CHECKING, Any

from lyrikstore.history.repository import Repository

if TYPE_CHECKING:
    from lyrikstore.publish.issuing import IssuedCredential
    from lyrikstore.publish.status import Issued, StatusBook


class Standing:
    """The part of a store that says which credentials hold."""

    repository: Repository

    def signing(self) -> dict[str, Any]:
        """Return signer, log signer and clock, as everything that appends takes them."""
        raise NotImplementedError

    @property
    def status_book(self) -> "StatusBook":
        """The standing of every logged credential; each is read once."""
        from lyrikstore.publish.status import StatusBook

        book: StatusBook | None = getattr(self, "_book", None)
        if book is None:
            book = self._book = StatusBook()
        return book.update(self.repository)

    def grant(self, credential: bytes, **options: Any) -> "IssuedCredential":
        """Grant a licence under the terms of a dataset credential; see ``grant_licence``."""
        from lyrikstore.publish.granting import grant_licence

        return grant_licence(self.repository, credential, **options, **self.signing())

    def set_status(self, credential: str, purpose: str, *, value: bool) -> "Issued":
        """Revoke (``revocation``) or suspend (``suspension``) a credential, or end a suspension."""
        from lyrikstore.publish.status import set_status

        signing = self.signing()  # which may bring the log up to date
        return set_status(
            self.repository, self.status_book, credential, purpose, value=value, **signing
        )

    def supersede(self, credential: str) -> "Issued":
        """Revoke a credential in whose place this issuer has issued another."""
        from lyrikstore.publish.status import supersede

        signing = self.signing()
        return supersede(self.repository, self.status_book, credential, **signing)

    def status_lists(self) -> dict[str, bytes]:
        """Return this issuer's current status lists, those signed anew that are half through.

        Returns:
            File name, as :func:`lyrikstore.publish.status.file_names` gives it → list.
        """
        from lyrikstore.publish.status import file_names, renew_lists

        signing = self.signing()
        lists = renew_lists(self.repository, self.status_book, **signing)
        return {name: one.data for name, one in file_names(lists).items()}
