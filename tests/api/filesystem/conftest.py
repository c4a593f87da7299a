"""A store with a version of rows and files, and a file system over it."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from lyrikstore.filesystem import LyrikFileSystem
from lyrikstore.history.commit.transaction import create_repository
from lyrikstore.history.log.memory import LogMemory
from tests.api.filesystem.rows import FILES, LOG, NOW, OWNER, commit


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    # As the entry point does in an installed package.
    fsspec.register_implementation("lyrik", LyrikFileSystem, clobber=True)
    yield
    LyrikFileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("project")
    repository = create_repository(
        folder / ".lyrikstore",
        origin="example.org/a",
        signer=OWNER,
        log_signer=LOG,
        clock=lambda: NOW,
        memory=LogMemory(folder / "memory"),
    )
    first = commit(repository, {"old.txt": b"old"})
    commit(repository, FILES)
    return folder, first


@pytest.fixture
def folder(written: tuple[Path, str]) -> Path:
    return written[0]


@pytest.fixture
def fs(folder: Path) -> LyrikFileSystem:
    return LyrikFileSystem(store=folder)
