"""Publishing status lists as files of a remote that a web server may serve (spec §20.6)."""

import re
from collections.abc import Sequence

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError, StorageError
from lyrikstore.history.policy.policy import Policy
from lyrikstore.objects.backends.base import NOT_A_FILE, Backend
from lyrikstore.publish.identity.issuer import own_keys
from lyrikstore.publish.status.current_list import CurrentList
from lyrikstore.publish.status.status_registry import StatusRegistry

FOLDER = "status"
"""Folder of the status lists, below the remote's root."""


def publish_lists(
    registry: StatusRegistry, policy: Policy, backend: Backend, *, dry_run: bool = False
) -> list[str]:
    """Write the current lists that this store's own keys signed to a remote.

    Imported lists are for their issuers to publish. A list that is not whole would undo a
    revocation and is not published; see :func:`unfinished`.

    Args:
        registry: The status registry of the store.
        policy: Its policy, with the keys of the store's own users.
        backend: The remote, whose files a web server may serve.
        dry_run: Write nothing.

    Returns:
        Names of the files that were missing at the remote, or different there.

    Raises:
        RemoteError, StorageError: The remote cannot be read or written.
        LyrikstoreError: As :func:`file_names`.

    Cost: one read of the remote for each list.
    """
    files = {name: own.data for name, own in _own(registry, policy).items() if own.whole}
    stale = [name for name, data in files.items() if not _holds(backend, name, data)]
    for name in () if dry_run else stale:
        backend.replace(name, files[name])
    return stale


def unfinished(registry: StatusRegistry, policy: Policy) -> list[str]:
    """Return the file names of this store's own lists that must be signed anew before publishing.

    Two clones made a list of the same URL at the same time, and neither list contains all bits.
    """
    return [name for name, own in _own(registry, policy).items() if not own.whole]


def _own(registry: StatusRegistry, policy: Policy) -> dict[str, CurrentList]:
    ours = own_keys(policy)
    lists = [
        known
        for known in registry.lists.values()
        if known.signer in ours and known.content.is_published
    ]
    return {f"{FOLDER}/{name}": own for name, own in file_names(lists).items()}


def _holds(backend: Backend, name: str, data: bytes) -> bool:
    try:
        return backend.read(name, 0, len(data) + 1) == data
    except NotFoundError:
        return False
    except StorageError as error:
        if error.kind != NOT_A_FILE:
            raise
        return False


def file_names(lists: Sequence[CurrentList]) -> dict[str, CurrentList]:
    """Return the lists by their file names in a folder that a web server serves.

    The name is the last segment of the URL. If an earlier list has that name, it is the whole URL
    without ``https://``; if that is taken too, the issuer's digest is appended. So a published list
    keeps its name.

    Args:
        lists: The lists, oldest first.

    Raises:
        InvalidInputError: (``bad-url``) a URL that cannot be a file name.
    """
    named: dict[str, CurrentList] = {}
    for one in lists:
        url = one.content.url.removeprefix("https://")
        whose = Digest.of(one.content.issuer.encode()).short
        names = (url.rpartition("/")[2], url, f"{url}.{whose}")
        named[next(name for name in names if name not in named or name is names[-1])] = one
    for name, one in named.items():
        if not all(
            re.fullmatch(r"(?!\.{1,2}$)[A-Za-z0-9._:~-]{1,200}", p) for p in name.split("/")
        ):
            raise InvalidInputError(
                "bad-url",
                f"the URL of the status list {one.content.url[:200]!a} cannot be a file name",
            )
    return named
