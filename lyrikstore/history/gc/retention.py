"""Retention: which versions need no longer be kept as data (spec §16.5).

What is retired is signed and logged like everything else, so that whoever finds data missing can
tell a decision from a loss. Manifests, trees and attachments of retired versions stay: lineage,
ids and proofs hold as before. What a retired version refuses is
:mod:`lyrikstore.history.repository.retired`'s.
"""

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name, parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.resolve import state_of
from lyrikstore.history.repository.retired import retired_versions

_AT_ONCE = 10_000


class Retirement(Struct, frozen=True):
    """Versions that are about to be retired.

    Attributes:
        of: The name.
        keep: How many versions stay.
        versions: Those to be retired, newest first.
    """

    of: Name
    keep: int
    versions: tuple[Manifest, ...]


def plan_retirement(repository: Repository, name: str, keep: int) -> Retirement:
    """Return what keeping the newest ``keep`` versions of a name retires.

    Raises:
        InvalidInputError: (``bad-keep``) fewer than 1; (``bad-name``) not a name of something
            that has data.
        NotFoundError: (``no-ref``) there is no such name.
    """
    of = parse_name(name)
    if keep < 1:
        raise InvalidInputError(
            "bad-keep", "the current version is always kept", hint="--keep takes 1 or more"
        )
    if not any(kind.has_tree for kind in KINDS.values() if kind.prefix == of.prefix):
        raise InvalidInputError("bad-name", f"{of} has no data that could be retired")
    before = retired_versions(repository)
    versions = [
        repository.manifest(identity)
        for identity in state_of(repository, str(of)).history[keep:]
        if identity not in before
    ]
    return Retirement(of, keep, tuple(versions[-_AT_ONCE:]))  # the rest with the next


def retire(
    repository: Repository,
    retirement: Retirement,
    *,
    signer: Signer,
    clock: Clock,
    message: str = "",
) -> Manifest:
    """Sign and log that the data of some versions need no longer be kept.

    Args:
        repository: The store, opened to append.
        retirement: Which versions.
        signer: Who says so.
        clock: Tells the claimed time.
        message: Free text.

    Raises:
        InvalidInputError: (``nothing-to-log``) no version is left to retire.
        LyrikstoreError: As :meth:`TransactionBuilder.commit`.
    """
    if not retirement.versions:
        raise InvalidInputError("nothing-to-log", f"no version of {retirement.of} is to be retired")
    name = str(Name(KINDS["retention"].prefix, retirement.of.namespace, retirement.of.leaf))
    state = repository.refs.get(name)
    manifest = sign_manifest(
        kind="retention",
        store=repository.store_id,
        name=name,
        body={"of": str(retirement.of), "keep": retirement.keep},
        parents=(state.id,) if state else (),
        inputs=[Input(one.kind, one.kind, one.id) for one in retirement.versions],
        signer=signer,
        created=clock(),
        message=message,
    )
    with open_transaction(repository) as transaction:
        transaction.log_manifest(manifest)
        transaction.commit()
    return manifest
