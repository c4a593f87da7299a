"""Which rights that a model rests on were taken back, by logged status lists (spec §14.4.1).

For a card, which has no time and believes nobody: what counts is that the key which signed a
credential, or one of this store's people, signed a status list that takes it back.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import may_contain
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import LIST_TYPE
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import StatusList
from lyrikstore.crypto.multikey import parse_method_fragment
from lyrikstore.history.repository.repository import Repository

_SAID = {"revocation": "revoked", "suspension": "suspended"}


class Withdrawal(Struct, frozen=True):
    """That a credential was taken back.

    Attributes:
        word: ``revoked`` or ``suspended``.
        list: The status list that says so.
        index: Its log index.
    """

    word: str
    list: Digest
    index: int


class _Listed(Struct, frozen=True):
    content: StatusList
    signer: str
    id: Digest
    index: int


def withdrawals(
    repository: Repository,
    rights: Iterable[Mapping[str, Any]],
    cited: Container[Digest] | None = None,
) -> dict[Digest, Withdrawal]:
    """Return which credentials and grants that rights rest on were taken back.

    Args:
        repository: The store.
        rights: As runs and evaluations record them.
        cited: Only these status lists count; None: all that are logged.

    Returns:
        Digest of a credential or grant → what took it back, by the newest status list.

    Cost: one read per logged credential, if one of them names a status list.
    """
    named = {Digest.parse(right[name]) for right in rights for name in ("credential", "grant")
             if name in right}  # fmt: skip
    wanted: dict[Digest, tuple[str, str, tuple[StatusEntry, ...]]] = {}
    for identity in named:
        try:
            one = logged_credential(repository, identity)
            entries = one.entries
        except LyrikstoreError:
            continue  # what it says is nobody's word; verify names it
        if entries and one.signer is not None and one.issuer is not None:
            wanted[identity] = (one.issuer, one.signer, entries)
    lists = _lists(repository, cited) if wanted else []
    # Whoever made a card believed the lists that it names: a role that ended since, or a key that
    # was stolen, makes no liar of them.
    policies = [one for _, one in repository.table.policies] if cited else [repository.policy]
    ours = {one for policy in policies for one in policy.keys}
    found: dict[Digest, Withdrawal] = {}
    for identity, (issuer, key, entries) in wanted.items():
        own = {key, *ours}
        for entry in entries:
            known = [
                one
                for one in lists
                if (one.content.url, one.content.purpose) == (entry.url, entry.purpose)
                and one.content.issuer == issuer
                and one.signer in own
                and entry.index < len(one.content)
            ]
            newest = max(known, key=lambda one: (one.content.valid_from, one.index), default=None)
            if newest is not None and newest.content.holds(entry.index):
                found.setdefault(
                    identity, Withdrawal(_SAID[entry.purpose], newest.id, newest.index)
                )
    return found


def _lists(repository: Repository, cited: Container[Digest] | None) -> list[_Listed]:
    found: list[_Listed] = []
    for entry in repository.entries():
        if entry.type != "credential" or (cited is not None and entry.id not in cited):
            continue
        try:
            opened = logged_credential(repository, entry.id)
            suspect = cited is None and repository.is_suspect(opened.data, entry.index)
            if may_contain(opened.data, LIST_TYPE) and not suspect:
                content = StatusList.of(opened, parse_method_fragment)
                if opened.signer is not None:
                    found.append(_Listed(content, opened.signer, entry.id, entry.index))
        except LyrikstoreError:
            continue
    return found
