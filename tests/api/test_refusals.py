"""What the facade refuses before any stage is asked."""

from pathlib import Path

from lyrikstore.api import Store
from lyrikstore.api.named_remotes import NamedRemotes
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.testing.keys import signer_for
from tests.kinds import refused


def test_a_damaged_file_of_remotes(tmp_path: Path) -> None:
    remotes = NamedRemotes(tmp_path, tmp_path / "store")
    remotes._path.write_text("{}")
    with refused("bad-remotes"):
        remotes.all()


def test_what_rests_on_no_data_has_no_terms(tmp_path: Path) -> None:
    store = Store.create(
        tmp_path / "work",
        signer=signer_for("owner"),
        keys=KeyFolder(tmp_path / "keys"),
        memory_dir=tmp_path / "memory",
        trust_file=tmp_path / "trust.toml",
    )
    with refused("no-terms"):
        store.datasets.asserted_models([str(store.repository.store_id)])
