"""A folder of a publisher for files of rows."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(publisher) -> Path:
    rows = publisher.folder / "rows"
    rows.mkdir()
    return rows
