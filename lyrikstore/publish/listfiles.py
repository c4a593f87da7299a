"""Where status lists go: files of a remote that a web server may serve (spec/20 §6)."""

import re
from collections.abc import Sequence

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.history.policy import Policy
from lyrikstore.objects.backend import Backend
from lyrikstore.publish.issuer import own_keys
from lyrikstore.publish.status import CurrentList, StatusBook

FOLDER = "status"
"""Where ``push`` puts lists, below the remote's root."""


def publish_lists(book: StatusBook, policy: Policy, backend: Backend) -> list[str]:
    """Write the current lists that this store's own people signed to a remote, and name them.

    Lists of others that were taken in are theirs to publish.

    Args:
        book: What the log says.
        policy: Names the store's people.
        backend: The remote, whose files a web server may serve.

    Raises:
        RemoteError, StorageError: The remote refuses.
        InvalidInputError: (``bad-url``) see :func:`file_names`.
    """
    ours = own_keys(policy)
    mine = [one for one in book.lists.values() if one.signer in ours]
    names = []
    for name, one in file_names(mine).items():
        backend.replace(f"{FOLDER}/{name}", one.data)
        names.append(f"{FOLDER}/{name}")
    return names


def file_names(lists: Sequence[CurrentList]) -> dict[str, CurrentList]:
    """Return the lists by their place in a folder that a web server serves.

    The last segment of the URL, or, where an earlier list is called so, the whole of it without
    ``https://``: a list that was published once is never found under another name.

    Args:
        lists: Oldest first.

    Raises:
        InvalidInputError: (``bad-url``) a URL that no file can stand for.
    """
    named: dict[str, CurrentList] = {}
    for one in lists:
        name = one.content.url.rpartition("/")[2]
        named[name if name not in named else one.content.url.removeprefix("https://")] = one
    for name, one in named.items():
        if not all(
            re.fullmatch(r"(?!\.{1,2}$)[A-Za-z0-9._:~-]{1,200}", p) for p in name.split("/")
        ):
            raise InvalidInputError(
                "bad-url", f"no file can stand for the list {one.content.url[:200]!a}"
            )
    return named
