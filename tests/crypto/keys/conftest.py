"""Key files whose keys are derived quickly, except where the real cost matters."""

import pytest

from lyrikstore.crypto.keys import key_file


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """Derive keys quickly, except where the real cost matters."""
    if "real_cost" not in request.fixturenames:
        monkeypatch.setattr(key_file, "BCRYPT_ROUNDS", 1)


@pytest.fixture
def real_cost():
    """Ask for the real number of rounds."""
