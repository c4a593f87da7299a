"""``check.py`` and ``answer.py`` as a user runs them: damage, pinned keys, other signers."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.json import encode, parse
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.deploy.seal import sign_files
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.serving.folder_check import CHECK
from lyrikstore.train.serving.labels import said_of_labels
from lyrikstore.train.serving.model import use_files
from lyrikstore.train.worker.targets.registry import TARGETS
from lyrikstore.verify.deployment import layout
from tests.deploy.test_signed_files import digests

BODY = {
    "format": "tfidf/1",
    "several": False,
    "checkpoint": "id",
    "labels": ["a", "b"],
    "decision": {"temperature": "1.000", "abstainBelow": "0.550000"},
}
SIGNER, OTHER = signer_for("deployer"), signer_for("mallory")


def label_usage(about: dict[str, Any], target: str, validation: int) -> dict[str, bytes]:
    """Return the files that say how a folder of a model with labels is loaded."""
    said = said_of_labels(about, validation, about["decision"])
    return use_files(TARGETS[target].part.usage(about), said)


def write(folder: Path) -> Path:
    """Write a folder as it is deployed, but for the model."""
    files = label_usage(BODY, "onnx", 900)
    files |= {"config.json": b'{"id2label":{}}', "licences/Größe.txt": b"text", "onnx/x": b"0"}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    rewrite_sums(folder)
    return folder


def rewrite_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink(missing_ok=True)
    lines = [f"{digest.hex()}  {name}\n" for name, digest in sorted(digests(folder).items())]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


def sign(folder: Path, signer: Any = SIGNER, **members: Any) -> None:
    """Put a manifest of a deployment there, with what it is checked by."""
    signed = sign_files(digests(folder))
    document = {
        "lyrikstore": 2,
        "kind": "deployment",
        "name": "deployments/acme/größe.onnx",
        "created": "2026-12-01T00:00:00Z",
        "author": signer.did,
        "body": {"oms": {"publicKey": signed.public_key}},
    }
    (folder / "lyrikstore").mkdir(exist_ok=True)
    manifest = add_proof({**document, **members}, signer)
    (folder / "lyrikstore" / "manifest.json").write_bytes(encode(manifest))
    (folder / "lyrikstore" / "model.sig").write_bytes(signed.bundle)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("deployed") / "model")
    sign(folder)
    return folder


@pytest.fixture
def copy(deployed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(deployed, tmp_path / "model"))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    """Return what says why check.py refuses a folder, None where it does not."""
    place: dict[str, Any] = {"__name__": "check"}
    exec(CHECK, place)

    def refusal(folder: Path, pinned: str | None = None) -> str | None:
        monkeypatch.delenv("LYRIKSTORE_PINNED_KEY", raising=False)
        if pinned is not None:
            monkeypatch.setenv("LYRIKSTORE_PINNED_KEY", pinned)
        try:
            assert place["check_folder"](folder)
        except place["BadFolder"] as error:
            return str(error)
        return None

    return refusal


def run(program: Path, *arguments: object, pinned: str | None = None) -> Any:
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    if pinned is not None:
        environment["LYRIKSTORE_PINNED_KEY"] = pinned
    command = [str(one) for one in (sys.executable, program, *arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte more": lambda folder: (folder / "onnx" / "x").write_bytes(b"01"),
    "a label": lambda folder: (folder / "config.json").write_bytes(b'{"id2label":{"0":"b"}}'),
    "gone": lambda folder: (folder / "config.json").unlink(),
    "a folder in place": lambda folder: (
        (folder / "config.json").unlink(),
        (folder / "config.json").mkdir(),
    ),
    "a pipe in place": lambda folder: (
        (folder / "config.json").unlink(),
        os.mkfifo(folder / "config.json"),
    ),
    "a second tokenizer": lambda folder: (folder / "vocab.txt").write_bytes(b""),
    "a program": lambda folder: (folder / "sitecustomize.py").write_bytes(b""),
    "one further down": lambda folder: (folder / "onnx" / "lyrikstore").write_bytes(b""),
    "a linked folder": lambda folder: (folder / "more").symlink_to(folder.parent),
    "other letters": lambda folder: (
        (folder / "Lyrikstore").mkdir() or (folder / "Lyrikstore" / "x").write_bytes(b"")
    ),
    "no list": lambda folder: (folder / "SHA256SUMS").unlink(),
    "an endless list": lambda folder: (folder / "SHA256SUMS").write_bytes(b"\n" * ((16 << 20) + 1)),
    "another list": lambda folder: (folder / "SHA256SUMS").write_bytes(b"\xff"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_folder_that_was_changed_is_refused(copy, loaded, change) -> None:
    change(copy)
    assert loaded(copy)
    assert loaded(copy, SIGNER.did)


def test_an_honest_folder_is_loaded(copy, loaded) -> None:
    (copy / "onnx" / ".DS_Store").write_bytes(b"")
    assert loaded(copy) is None
    assert loaded(copy, SIGNER.did) is None


@pytest.mark.parametrize(
    ("until", "as_of", "word"),
    [
        ("2100-01-01T00:00:00Z", "2026-11-01T00:00:00Z", ""),
        ("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z", "ended"),
        ("2100-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "clock"),
        ("some day", "2026-11-01T00:00:00Z", "refused"),
    ],
)
def test_what_ended_by_the_clock_is_not_loaded(copy, loaded, until, as_of, word) -> None:
    """ATTACK A117: a folder is served after the rights to its data have ended."""
    text = f"{layout.RIGHTS_UNTIL}: {until}\n{layout.RIGHTS_AS_OF}: {as_of}\nRights- of others\n"
    (copy / "NOTICE").write_text(text)
    rewrite_sums(copy)
    sign(copy)
    for pinned in (None, SIGNER.did):
        refusal = loaded(copy, pinned)
        assert word in (refusal or "")
        assert bool(refusal) == bool(word)


def test_a_rewritten_list_is_found_by_a_pinned_key_alone(copy, loaded) -> None:
    """Attack case A85: whoever can write the folder rewrites what finds damage."""
    (copy / "config.json").write_bytes(b'{"id2label":{"0":"b","1":"a"}}')
    rewrite_sums(copy)
    assert loaded(copy) is None
    assert loaded(copy, SIGNER.did)


def test_a_folder_that_another_signed_is_refused(copy, loaded) -> None:
    sign(copy, OTHER)
    assert loaded(copy) is None
    assert loaded(copy, OTHER.did) is None
    assert loaded(copy, SIGNER.did)
    sign(copy, OTHER, author=SIGNER.did)  # the proof names another
    assert loaded(copy, SIGNER.did)
    manifest = parse((copy / "lyrikstore" / "manifest.json").read_bytes())
    manifest["proof"]["verificationMethod"] = SIGNER.method
    (copy / "lyrikstore" / "manifest.json").write_bytes(encode(manifest))
    assert loaded(copy, SIGNER.did)


def test_a_model_sig_by_another_key_is_refused(copy, loaded) -> None:
    (copy / "config.json").write_bytes(b"{}")
    signed = sign_files(digests(copy))
    (copy / "lyrikstore" / "model.sig").write_bytes(signed.bundle)
    assert loaded(copy, SIGNER.did)


def test_what_the_pinned_key_signed_for_something_else_is_refused(copy, loaded) -> None:
    sign(copy, kind="checkpoint")
    assert loaded(copy, SIGNER.did)


@pytest.mark.parametrize("name", ["manifest.json", "model.sig"])
@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 100_000, b"7", b'{"proof":{}}'])
def test_what_is_no_signature_is_refused(copy, loaded, name, data) -> None:
    (copy / "lyrikstore" / name).write_bytes(data)
    assert loaded(copy, SIGNER.did)


@pytest.mark.parametrize("pinned", ["", "acme", "did:key:", "did:key:z6Mk0", SIGNER.did + "\n"])
def test_what_is_no_key_is_refused(copy, loaded, pinned) -> None:
    assert loaded(copy, pinned)
    sign(copy, author=pinned)
    assert loaded(copy, pinned)


def test_an_unsigned_folder_is_refused_where_a_key_is_pinned(copy, loaded) -> None:
    shutil.rmtree(copy / "lyrikstore")
    assert loaded(copy) is None
    assert loaded(copy, SIGNER.did)


def test_both_programs_end_with_an_error_before_anything_is_loaded(copy) -> None:
    """From outside the folder, where nothing in it is imported."""
    outside = copy.parent / "outside"
    outside.mkdir()
    for name in ("check.py", "answer.py"):
        shutil.copy(copy / name, outside / name)
    (copy / "numpy.py").write_text("print('imported')")
    for program, folder in (("check.py", copy), ("answer.py", f"--folder={copy}")):
        for pinned in (None, SIGNER.did):
            done = run(outside / program, folder, pinned=pinned)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith(f"{program}: ")
            assert "numpy.py" in done.stderr
    (copy / "numpy.py").unlink()
    done = run(copy / "check.py", pinned=SIGNER.did)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert not list(copy.rglob("__pycache__"))
    done = run(outside / "check.py", copy, pinned=OTHER.did)
    assert (done.returncode, done.stdout) == (1, "")
