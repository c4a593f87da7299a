"""Real data sets that are no part of the repository, for the tests that read them."""

import os
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

DATA = Path(os.environ.get("LYRIKSTORE_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
"""A folder for each data set: rows in three files, a README and a licence."""

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="NOT RUN, ../shared/data is not here")
