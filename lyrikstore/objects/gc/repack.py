"""Repacking: copying the needed blobs of some packs into new packs (spec §16.3).

Every copied blob is hashed. No pack is deleted here, and the new packs are not used until a
transaction record names them: a crash at any point leaves only unused files.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError, VerificationError
from lyrikstore.canon.progress import OnProgress, Progress, silent
from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.gc.plan import RepackPlan, blob_of, block_of, raw_of
from lyrikstore.objects.io.scratch import Scratch, clean_leftovers
from lyrikstore.objects.pack.builder import Packer, install
from lyrikstore.objects.pack.format import ROLES, PackRef, PackRole, read_index
from lyrikstore.objects.pack.parameters import read_parameters

_PREVIEW = "lyrikstore-gc-"


class Repacked(Struct, frozen=True):
    """The result of a repack, or of its dry run.

    Attributes:
        added: The new packs, complete and durable, that no record names yet.
        dropped: Packs to be dropped.
        skipped: Packs that are missing or damaged and stay, with the reason.
        blobs: Number of copied blobs, each hashed.
    """

    added: tuple[PackRef, ...]
    dropped: tuple[PackRef, ...]
    skipped: dict[Digest, str]
    blobs: int


def repack(
    backend: Backend,
    plan: RepackPlan,
    *,
    dry_run: bool = False,
    progress: OnProgress = silent,
) -> Repacked:
    """Write the new packs of ``plan``. They are not used until a transaction record names them.

    A pack with a damaged needed blob is left unchanged; ``verify`` reports it.

    Args:
        backend: Where the packs are.
        plan: A plan from :func:`plan_repack`; this call consumes it.
        dry_run: Read, hash and compress everything, so that the numbers are exact, but store no
            pack.
        progress: Progress callback, called per pack that is rewritten.

    Raises:
        StorageError: Storage backend error; nothing has changed.

    Cost: reads the rewritten packs once. Memory: a few blocks, and 100 bytes per blob copied.
    """
    wanted = dict(plan.wanted)
    skipped = dict(plan.skipped)
    dropped: list[PackRef] = []
    blobs = done = 0
    with contextlib.ExitStack() as stack:
        folder = backend.scratch
        if dry_run:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREVIEW)))
        scratch = stack.enter_context(contextlib.closing(Scratch(folder)))
        parameters = read_parameters(backend)
        packers = {role: Packer(scratch, role, parameters) for role in ROLES}
        for packer in packers.values():
            stack.callback(packer.discard)
        for number, pack in enumerate(plan.rewrite, 1):
            try:
                for raw, data in _needed(backend, pack, wanted):
                    packers[pack.role].add(raw, data)
                    blobs += 1
            except (FormatError, NotFoundError, VerificationError) as error:
                skipped[pack.id] = str(error)  # it stays, with all it still holds
            else:
                dropped.append(pack)
            done += pack.bytes
            progress(Progress(number, len(plan.rewrite), done))
        packs = [made for role in ROLES for made in packers[role].close()]
        if not dry_run:
            install(backend, packs, side_by_side=False)
    return Repacked(tuple(made.ref for made in packs), tuple(dropped), skipped, blobs)


def clean_previews() -> int:
    """Remove the files of killed dry runs of this user; return their size in bytes."""
    freed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREVIEW}*"):
        with contextlib.suppress(OSError):  # of somebody else
            if folder.lstat().st_uid == os.getuid() and not folder.is_symlink():
                freed += sum(file.lstat().st_size for file in folder.iterdir())
                clean_leftovers(folder)
                freed -= sum(file.lstat().st_size for file in folder.iterdir())
                folder.rmdir()
    return freed


def _needed(
    backend: Backend, pack: PackRef, wanted: dict[bytes, PackRole]
) -> Iterator[tuple[bytes, bytes]]:
    # The blobs of one pack that are still wanted, hashed. They are wanted no more only once all
    # of the pack has been read: a pack that stays keeps what it holds.
    index = read_index(backend, pack)
    for block in range(index.blocks):
        numbers = [
            number
            for number in range(index.first[block], index.first[block + 1])
            if raw_of(index, number) in wanted
        ]
        if not numbers:
            continue
        content = block_of(backend, pack, index, block)
        for number in numbers:
            raw = raw_of(index, number)
            if raw in wanted:  # a pack may hold a blob twice
                data = blob_of(index, content, number)
                if blake3(data).digest() != raw:
                    raise VerificationError(
                        "blob-damaged", f"blob {Digest(raw).short} in pack {pack.id.short}"
                    )
                del wanted[raw]
                yield raw, data
