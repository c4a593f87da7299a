"""A browser that looks at a whole chain: data, filter, run, checkpoint, evaluation, card."""

from typing import Any

from lyrikstore.api import Store
from lyrikstore.canon.digest import Digest
from lyrikstore.explorer.graph.standing import map_of
from tests.explorer.browsing import Browser
from tests.publish.cards import making


class ChainBrowser(Browser):
    """A session with the explorer of a chain of tests/index.

    Attributes:
        chain: The chain, with a card in ``made["card"]``.
        credential: Id of the credential that its owner issued about the raw data.
    """

    def __init__(self, chain: Any) -> None:
        self.chain = chain
        entries = chain.repository.entries()
        self.credential: Digest = next(one.id for one in entries if one.type == "credential")
        if "card" not in chain.made:
            chain.made["card"] = making.make(chain).manifest
        super().__init__(chain.home)
        map_of(self.explorer)  # else a page may say that it is being made

    def open_store(self) -> Store:
        return Store.open(
            self.folder,
            memory_dir=self.folder / "memory",
            trust_file=self.folder / "trust.toml",
            cache_dir=self.folder / "cache",
            clock=self.chain.clock,
        )
