"""What is handed to strangers tells nobody which texts a model was tested on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.curate.labelled_records import read_labelled
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from tests.deploy.conftest import Shop

pytestmark = pytest.mark.train


def handed_out(repo: Repository, manifests: list[Manifest], folder: Path) -> Iterator[bytes]:
    """Yield manifests, their attachments, and every file of a package."""
    for one in manifests:
        yield one.encode()
        yield from (repo.blobs.read(held.id, max_bytes=1 << 24) for held in one.attachments)
    yield from (path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_no_evaluation_card_or_package_names_a_test_record_by_its_digest(shop: Shop) -> None:
    """Attack case A73: whoever guesses a text finds nothing to hold the guess against."""
    model, person = shop.checkpoint("told"), shop.person
    made = person.ok("evaluate", model, "--on", "acme/topics.test", "--json").json
    assert made["body"]["worst"]
    card = person.ok("card", model, "--json").json
    folder = person.folder / "told-onnx"
    person.ok("deploy", model, "--to", "onnx", "-o", folder)
    repo = Repository.open(person.folder / ".lyrikstore")
    test = repo.resolve("datasets/acme/topics.test")
    digests = {one.id for one in read_labelled(repo, [test], "page", ())}
    digests |= {one.blake3 for one in present_tree(repo, test).entries}
    assert len(digests) == 2 * made["body"]["count"]
    signed = [repo.manifest(Digest.parse(one["id"])) for one in (made, card)]
    for data in handed_out(repo, signed, folder):
        for one in digests:
            assert one.raw not in data
            assert one.hex.encode() not in data
    assert [one.name for one in (folder / "lyrikstore").glob("evaluation-*.json")]
