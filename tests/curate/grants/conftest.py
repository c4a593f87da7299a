"""A dataset under terms that let its issuer grant."""

from typing import Any

import pytest

from tests.curate.grants.granting import OWNER, issued


@pytest.fixture
def terms(bench: Any) -> bytes:
    """A dataset whose credential lets nobody train, but lets its issuer grant it."""
    return issued(bench, OWNER)
