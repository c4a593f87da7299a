"""What the facade refuses before any stage is asked."""

from pathlib import Path

import pytest

from lyrikstore.api import ExternalRun, Store
from lyrikstore.api.remotes import NamedRemotes
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.testing.keys import signer_for
from tests.kinds import refused


def test_a_damaged_file_of_remotes(tmp_path: Path) -> None:
    remotes = NamedRemotes(tmp_path, tmp_path / "store")
    remotes._path.write_text("{}")
    with refused("bad-remotes"):
        remotes.all()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(
        tmp_path / "work",
        signer=signer_for("owner"),
        keys=KeyFolder(tmp_path / "keys"),
        memory_dir=tmp_path / "memory",
        trust_file=tmp_path / "trust.toml",
    )


def test_what_rests_on_no_data_has_no_terms(store: Store) -> None:
    with refused("no-terms"):
        store.datasets.asserted_models([str(store.repository.store_id)])


def test_a_job_for_nowhere(store: Store, tmp_path: Path) -> None:
    request = ExternalRun(("acme/rows",), "acme/model")
    with refused("bad-target"):
        store.models.export_job(request, ["true"], tmp_path / "job", region="DE", target="moon")
