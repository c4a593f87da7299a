"""Retention: signed decisions that the data of versions need no longer be kept (spec §16.5).

A retirement is signed and logged like everything else, so that a reader who misses data can
distinguish a decision from a loss. Manifests and trees of retired versions stay: lineage, ids and
proofs stay valid. Attachments are removed, except those that rights depend on; attachments of
versions that were retired in format version 1 stay, until these are retired again.
:mod:`lyrikstore.history.repository.retired` refuses reading the data of retired versions.
"""

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name, parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.resolve import state_of
from lyrikstore.history.repository.retired import removable, retirements

_AT_ONCE = 10_000

_RETIRED = frozenset(KINDS["retention"].inputs or ())
"""Kinds whose versions may be retired: the input roles of a retention."""


class Retirement(Struct, frozen=True):
    """Versions of one name to be retired.

    Attributes:
        of: The name.
        keep: How many versions stay.
        versions: Those to be retired, newest first.
    """

    of: Name
    keep: int
    versions: tuple[Manifest, ...]


def plan_retirement(repository: Repository, name: str, keep: int) -> Retirement:
    """Return the versions of a name that are older than its newest ``keep`` versions.

    Raises:
        InvalidInputError: (``bad-keep``) ``keep`` is less than 1; (``bad-name``) versions of this
            name have no data.
        LyrikstoreError: As :func:`state_of`.
    """
    of = parse_name(name)
    if keep < 1:
        raise InvalidInputError(
            "bad-keep", "the current version is always kept", hint="--keep takes 1 or more"
        )
    if of.prefix not in {kind.prefix for kind in KINDS.values() if kind.name in _RETIRED}:
        raise InvalidInputError("bad-name", f"{of} has no data that can be retired")
    before = retirements(repository)
    versions = [
        repository.manifest(identity)
        for identity in state_of(repository, str(of)).history[keep:]
        if identity not in before.whole
    ]
    if any(one.id in before.versions for one in versions):  # without their attachments, then
        salted = _salted(repository)
        versions = [
            one
            for one in versions
            if one.id not in before.versions or one.id in salted or removable(one)
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
    """Sign and log the retirement of some versions.

    Args:
        repository: The store, opened to append.
        retirement: The versions.
        signer: Signs the retention.
        clock: Returns the claimed time.
        message: Free text.

    Raises:
        InvalidInputError: (``nothing-to-log``) there is no version to retire.
        LyrikstoreError: As :meth:`TransactionBuilder.commit`.
    """
    if not retirement.versions:
        raise InvalidInputError("nothing-to-log", f"no version of {retirement.of} is to be retired")
    salted = _salted(repository)
    more = any(one.id in salted or removable(one) for one in retirement.versions)
    name = str(Name(KINDS["retention"].prefix, retirement.of.namespace, retirement.of.leaf))
    state = repository.refs.get(name)
    manifest = sign_manifest(
        kind="retention",
        store=repository.store_id,
        name=name,
        body={
            "of": str(retirement.of),
            "keep": retirement.keep,
            **({"attachments": True} if more else {}),
        },
        parents=(state.id,) if state else (),
        inputs=[Input(one.kind, one.kind, one.id) for one in retirement.versions],
        signer=signer,
        created=repository.signing_date(clock),
        message=message,
    )
    with open_transaction(repository) as transaction:
        transaction.log_manifest(manifest)
        transaction.commit()
    return manifest


def _salted(repository: Repository) -> set[Digest]:
    """Return the datasets whose records have salts, which a retention also retires."""
    records = (one for _, one in repository.all_manifests() if one.kind == "records")
    return {item.id for one in records for item in one.inputs_in("dataset")}
