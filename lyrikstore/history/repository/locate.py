"""Locating a store: a named folder, or the nearest store upwards from a folder."""

from pathlib import Path

from lyrikstore.canon.errors import NotFoundError

STORE_FOLDER = ".lyrikstore"


def store_folder(named: Path) -> Path:
    """Return the store folder for ``named``: ``named`` itself, or the store folder inside it."""
    inner = named / STORE_FOLDER
    return inner if inner.is_dir() else named


def nearest_store(start: Path, *, hint: str) -> Path:
    """Return the folder of the nearest store from the folder ``start`` upwards.

    Raises:
        NotFoundError: (``no-store``, with ``hint``) there is none.
    """
    for folder in (start, *start.parents):
        if (folder / STORE_FOLDER).is_dir():
            return folder / STORE_FOLDER
    raise NotFoundError("no-store", f"no store in {start} or above", hint=hint)
