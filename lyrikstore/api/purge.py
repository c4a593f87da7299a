"""A purge outside the packs: indexes, cached sheets, working folders of killed commands.

All of these are derived and created again on demand. Caches with only digests, sizes and dates
stay.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import StorageError, storage_errors
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.repository.repository import Repository


def clear_work(repository: Repository, own_cache: Path | None) -> None:
    """Remove the working folders of killed commands that no command will resume.

    Args:
        repository: The store; folders of other users in it stay.
        own_cache: This user's cache folder for it.

    Raises:
        StorageError: A folder cannot be listed; (``linked-folder``) it is behind a link.
    """
    from lyrikstore.curate.work_folder import forget_kept
    from lyrikstore.objects.io.private_folder import sweep

    if isinstance(repository.location, Path):
        try:
            sweep(repository.location)
        except StorageError as error:
            if error.kind != "no-permission":
                raise
    if own_cache is not None:
        sweep(own_cache)
        forget_kept(own_cache)


def explorer_folder(own_cache: Path) -> Path:
    """Return the folder of what `lyrikstore ui` keeps: rows of versions, and verdicts."""
    return own_cache / "explorer"


def forget_explored(own_cache: Path | None, versions: Collection[Digest] | None = None) -> int:
    """Remove what the explorer keeps of some versions; return its size in bytes.

    Args:
        own_cache: This user's cache folder of the store, or None.
        versions: The versions whose rows are removed; None: all, and all verdicts.

    Raises:
        StorageError: A file cannot be removed; (``linked-folder``) it is behind a link.
    """
    from lyrikstore.curate.row_index import forget_rows

    if own_cache is None:
        return 0
    folder = explorer_folder(own_cache)
    freed = forget_rows(folder, versions)
    for path in folder.glob("verdicts.json*") if versions is None else ():
        freed += path.lstat().st_size
        with storage_errors(f"removing {path}"):
            path.unlink(missing_ok=True)
    return freed


def purge_caches(repository: Repository, own_cache: Path | None) -> int:
    """Remove the caches with content of a store; return their size in bytes.

    Args:
        repository: The store; caches in its folder are removed, too, if it has one.
        own_cache: This user's cache folder for it.

    Raises:
        StorageError: A file cannot be removed; (``linked-folder``) it is behind a link.
    """
    from lyrikstore.curate.commit.commit_cache import forget_commits
    from lyrikstore.curate.sheets.sheet_cache import forget_sheets
    from lyrikstore.history.gc.purge import passing_bytes
    from lyrikstore.history.repository.retired import retired_versions
    from lyrikstore.index.build import drop_indexes
    from lyrikstore.objects.gc.repack import clean_previews
    from lyrikstore.objects.io.private_folder import sweep
    from lyrikstore.train.replay.resume_state import forget_resume_state
    from lyrikstore.verify.rights.contents import forget_contents

    freed = clean_previews()
    if isinstance(repository.location, Path):
        root = repository.location
        before = passing_bytes(root)
        drop_indexes(root / "cache")
        sweep(root, kept=True)
        freed += before - passing_bytes(root)
    if own_cache is not None:
        before = passing_bytes(own_cache)
        sweep(own_cache, kept=True)
        freed += before - passing_bytes(own_cache)
        freed += drop_indexes(own_cache) + forget_sheets(own_cache) + forget_explored(own_cache)
        retired = retired_versions(repository)
        freed += forget_commits(own_cache, retired) + forget_contents(own_cache, retired)
        freed += sum(forget_resume_state(own_cache, name) for name in _runs_on(repository, retired))
    return freed


def _runs_on(repository: Repository, versions: Collection[Digest]) -> Iterator[str]:
    """Yield the checkpoint names of runs that were trained on one of ``versions``."""
    for state in repository.refs.values():
        if state.name.startswith(f"{KINDS['run'].prefix}/") and any(
            one.id in versions
            for identity in state.history
            for one in repository.manifest(identity).inputs
        ):
            yield state.name
