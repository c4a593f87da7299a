"""What a purge removes outside the packs: indexes, remembered sheets, working folders of the dead.

All of it is derived and made anew when it is needed. What only tells digests, sizes and dates
stays.
"""

from pathlib import Path

from lyrikstore.history.repository.repository import Repository


def purge_caches(repository: Repository, own_cache: Path | None) -> int:
    """Remove what is remembered here of the content of a store; return how many bytes that was.

    Args:
        repository: The store; what lies in its folder is removed, too, if it has one.
        own_cache: This user's cache folder for it.

    Raises:
        StorageError: Something cannot be removed; (``linked-folder``) it is behind a link.
    """
    from lyrikstore.curate.commit.commit_cache import forget_commits
    from lyrikstore.curate.sheets.sheet_cache import forget_sheets
    from lyrikstore.history.gc.purge import passing_bytes
    from lyrikstore.history.repository.retired import retired_versions
    from lyrikstore.index.build import drop_indexes
    from lyrikstore.objects.gc.repack import clean_previews
    from lyrikstore.train.worker.staging import sweep

    freed = clean_previews()
    if isinstance(repository.location, Path):
        root = repository.location
        before = passing_bytes(root)
        drop_indexes(root / "cache")
        sweep(root)
        freed += before - passing_bytes(root)
    if own_cache is not None:
        before = passing_bytes(own_cache)
        sweep(own_cache)
        freed += before - passing_bytes(own_cache)
        freed += drop_indexes(own_cache) + forget_sheets(own_cache)
        freed += forget_commits(own_cache, retired_versions(repository))
    return freed
