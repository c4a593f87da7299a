"""``NOTICE``: every text of a base model's licences under its own name, and no end of them."""

from types import SimpleNamespace
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.deploy.notice import notice_of
from lyrikstore.history.lineage import RightsClosure


def noticed(*paths: str, form: str = "peft-lora/1") -> Any:
    """Return the notice of a model whose base has texts at some paths, each its own text."""
    entries = [
        SimpleNamespace(path=path, bytes=len(path), blake3=Digest.of(path.encode()))
        for path in paths
    ]
    texts = {entry.blake3: entry.path.encode() for entry in entries}
    repository: Any = SimpleNamespace(
        tree=lambda _: SimpleNamespace(entries=entries),
        blobs=SimpleNamespace(read=lambda digest, max_bytes: texts[digest][:max_bytes]),
    )
    model = SimpleNamespace(name="checkpoints/acme/m", id=Digest.of(b"m"), body={"format": form})
    base = SimpleNamespace(name="checkpoints/acme/b", id=Digest.of(b"b"), body={})
    facts: Any = SimpleNamespace(
        checkpoint=model, store=Digest.of(b"s"), each_dataset=(), base=base, models=(base,),
        closure=RightsClosure((), (), (base,), (), {}, ()),
    )  # fmt: skip
    return notice_of(repository, facts)


def test_texts_with_like_names_do_not_replace_each_other() -> None:
    found = noticed("licence/NOTICE", "licence-NOTICE", "README.md")
    assert found.licences == {
        "licences/base/licence/NOTICE": b"licence/NOTICE",
        "licences/base/licence-NOTICE": b"licence-NOTICE",
    }


def test_a_base_model_of_licences_alone_does_not_fill_the_folder() -> None:
    found = noticed(*(f"{number}/NOTICE" for number in range(300)))
    assert len(found.licences) == 100
    assert "200 more" in found.text


def test_word_counts_are_said_to_hold_words_of_the_data() -> None:
    assert "Words of the training data" in noticed(form="blend/1").text
    assert "Words of the training data" not in noticed(form="peft-lora/1").text
