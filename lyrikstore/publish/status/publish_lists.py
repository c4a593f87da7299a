"""Where status lists go: files of a remote that a web server may serve (spec §20.6)."""

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
"""Where ``push`` puts lists, below the remote's root."""


def publish_lists(
    registry: StatusRegistry, policy: Policy, backend: Backend, *, dry_run: bool = False
) -> list[str]:
    """Bring the current lists that this store's own people signed to a remote.

    Lists of others that were taken in are theirs to publish. One that is not whole would take back
    a revocation: it stays here, see :func:`unfinished`.

    Args:
        registry: What the log says.
        policy: Names the store's people.
        backend: The remote, whose files a web server may serve.
        dry_run: Write nothing.

    Returns:
        Where those are there that it lacked, or had otherwise.

    Raises:
        RemoteError, StorageError: The remote refuses.
        LyrikstoreError: As :func:`file_names`.

    Cost: one read of the remote for each list.
    """
    named = {name: one.data for name, one in _own(registry, policy).items() if one.whole}
    stale = [name for name, data in named.items() if not _holds(backend, name, data)]
    for name in () if dry_run else stale:
        backend.replace(name, named[name])
    return stale


def unfinished(registry: StatusRegistry, policy: Policy) -> list[str]:
    """Return where the lists of this store's own people belong that are to be signed anew.

    Two of one URL were made at the same time in two places, and none says all.
    """
    return [name for name, one in _own(registry, policy).items() if not one.whole]


def _own(registry: StatusRegistry, policy: Policy) -> dict[str, CurrentList]:
    ours = own_keys(policy)
    mine = [
        one for one in registry.lists.values() if one.signer in ours and one.content.is_published
    ]
    return {f"{FOLDER}/{name}": one for name, one in file_names(mine).items()}


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
    """Return the lists by their place in a folder that a web server serves.

    The last segment of the URL, or, where an earlier list is called so, the whole of it without
    ``https://``, with its issuer's digest where another's is called that: a list that was published
    once is never found under another name.

    Args:
        lists: Oldest first.

    Raises:
        InvalidInputError: (``bad-url``) a URL that no file can stand for.
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
                "bad-url", f"no file can stand for the list {one.content.url[:200]!a}"
            )
    return named
