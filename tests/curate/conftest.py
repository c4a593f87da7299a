"""A real store with public test keys, and folders to commit into it."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.context import StoreContext
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.result import CommitResult
from lyrikstore.curate.recipes.apply import FilterResult, apply_recipe
from lyrikstore.curate.recipes.recipe import Recipe, parse_recipe
from lyrikstore.history.commit.transaction import create_repository
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.keys import signer_for
from tests.contexts import context_of

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@dataclass
class Bench:
    """One store and one folder."""

    root: Path
    repo: Repository

    @property
    def context(self) -> StoreContext:
        return self.with_cache(None)

    def with_cache(self, cache_dir: Path | None, progress: OnProgress = silent) -> StoreContext:
        signer = signer_for("owner")
        return context_of(
            self.repo, signer=signer, clock=lambda: NOW, cache_dir=cache_dir, progress=progress
        )

    @property
    def data(self) -> Path:
        return self.root / "data"

    def write(self, files: dict[str, str | bytes]) -> Path:
        for path, content in files.items():
            place = self.data / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.data

    def sheet(self, rows: list[list[str]], name: str = "sheet.csv") -> Path:
        path = self.root / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return path

    def commit(self, name: str = "acme/docs", **options: Any) -> CommitResult:
        context = self.with_cache(options.pop("cache_dir", None), options.pop("progress", silent))
        return commit_folder(context, self.data, name, **options)

    def filter(
        self, recipe: str | Recipe | None, *refs: str, to: str = "acme/clean"
    ) -> FilterResult:
        if isinstance(recipe, str):
            recipe = parse_recipe(recipe.encode())
        return apply_recipe(self.context, refs or ["acme/docs"], recipe, to)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "data").mkdir()
    repo = create_repository(
        tmp_path / ".lyrikstore",
        origin="example.org/curate",
        signer=signer_for("owner"),
        log_signer=signer_for("log"),
        clock=lambda: NOW,
        memory=LogMemory(tmp_path / "memory"),
        nonce=bytes(16),
    )
    return Bench(tmp_path, repo)


@pytest.fixture
def write_xlsx(tmp_path: Path) -> Callable[..., Path]:
    def write(rows: list[list[Any]], name: str = "sheet.xlsx") -> Path:
        workbook = openpyxl.Workbook()
        sheet = workbook.active
        assert sheet is not None
        for row in rows:
            sheet.append(row)
        path = tmp_path / name
        workbook.save(path)
        return path

    return write
