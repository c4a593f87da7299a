"""The store of tests/publish."""

from tests.publish.conftest import WORLD, chain, full_chain, untouched_chain, world

__all__ = ["WORLD", "chain", "full_chain", "untouched_chain", "world"]
