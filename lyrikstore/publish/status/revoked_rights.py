"""Finding rights of a model that were revoked or suspended by logged lists (spec §14.4.1).

A card has no time of verification and no trust file: a status list counts if the key that signed
the credential, or a key of this store's own users, signed it.
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

_WORDS = {"revocation": "revoked", "suspension": "suspended"}


class Withdrawal(Struct, frozen=True):
    """The revocation or suspension of a credential.

    Attributes:
        word: ``revoked`` or ``suspended``.
        list: The status list that states it.
        index: Log index of that list.
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
    """Return the revoked and suspended credentials and grants among those of recorded rights.

    Args:
        repository: The store.
        rights: Rights as runs and evaluations record them.
        cited: The status lists that count; None: all that are logged.

    Returns:
        Digest of a credential or grant → its revocation or suspension, by the newest status list.

    Cost: one read per logged credential, if one of them names a status list.
    """
    named = {Digest.parse(right[name]) for right in rights for name in ("credential", "grant")
             if name in right}  # fmt: skip
    wanted: dict[Digest, tuple[str, str, tuple[StatusEntry, ...]]] = {}
    for identity in named:
        try:
            credential = logged_credential(repository, identity)
            entries = credential.entries
        except LyrikstoreError:
            continue  # unreadable, so it permits nothing; `verify` reports it
        if entries and credential.signer is not None and credential.issuer is not None:
            wanted[identity] = (credential.issuer, credential.signer, entries)
    lists = _lists(repository, cited) if wanted else []
    # The maker of a card relied on the lists that it cites: a role that ended later, or a key that
    # was stolen later, does not make the card false.
    policies = [policy for _, policy in repository.table.policies] if cited else [repository.policy]
    ours = {key for policy in policies for key in policy.keys}
    found: dict[Digest, Withdrawal] = {}
    for identity, (issuer, key, entries) in wanted.items():
        signers = {key, *ours}
        for entry in entries:
            matching = [
                listed
                for listed in lists
                if (listed.content.url, listed.content.purpose) == (entry.url, entry.purpose)
                and listed.content.issuer == issuer
                and listed.signer in signers
                and entry.index < len(listed.content)
            ]
            newest = max(matching, key=lambda it: (it.content.valid_from, it.index), default=None)
            if newest is not None and newest.content.holds(entry.index):
                found.setdefault(
                    identity, Withdrawal(_WORDS[entry.purpose], newest.id, newest.index)
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
