"""Decision files that wait for the reveal, in a private folder of the user outside every store."""

from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import NotFoundError, VerificationError, storage_errors
from lyrikstore.canon.files import read_at_most, replace_file
from lyrikstore.verify.review.model import MAX_DECISIONS_BYTES


class HeldFiles(Struct, frozen=True):
    """A folder of decision files by store and digest.

    Attributes:
        directory: Private to the user; made (0700) when first written.
    """

    directory: Path

    def keep(self, store: Digest, data: bytes) -> None:
        """Keep a decision file.

        Raises:
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        path = self._path(store, str(Digest.of(data)))
        with storage_errors(f"writing {path}"):
            replace_file(path, data, mode=0o600, folder_mode=0o700)

    def take(self, store: Digest, digest: str) -> bytes:
        """Return a decision file.

        Raises:
            NotFoundError: (``no-file``) it is not here.
            VerificationError: (``bad-decision-file``) it was changed.
        """
        path = self._path(store, digest)
        if not path.is_file():
            raise NotFoundError(
                "no-file",
                f"the decision file {digest[:24]}… is not in {path.parent}",
                hint="give it again, on the machine that took it in: lyrikstore review import FILE",
            )
        data = read_at_most(path, MAX_DECISIONS_BYTES + 1)
        # ATTACK A233: a file is exchanged while it waits for the reveal.
        if str(Digest.of(data)) != digest:
            raise VerificationError(
                "bad-decision-file", f"{path} was changed after it was taken in"
            )
        return data

    def forget(self, store: Digest, digest: str) -> None:
        """Remove a decision file that was revealed."""
        self._path(store, digest).unlink(missing_ok=True)

    def _path(self, store: Digest, digest: str) -> Path:
        return self.directory / store.short / f"{Digest.parse(digest).hex}.json"
