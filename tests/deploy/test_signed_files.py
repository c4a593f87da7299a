"""``model.sig``, judged by the package of OpenSSF Model Signing, and by our own check."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lyrikstore.canon.json import encode, parse
from lyrikstore.deploy.seal import SignedFiles, sign_files
from lyrikstore.verify.deployment.model_sig import check_model_signature

FILES = {
    "README.md": b"# A model\n",
    "SHA256SUMS": b"",
    "licences/Größe.txt": "größer".encode(),
    "onnx/model.onnx": bytes(range(256)) * 9,
    "onnx-notes": b"sorts between",
}
OTHER_FORMS = (
    lambda bundle: bundle["verificationMaterial"]["publicKey"].update(hint="0" * 64),
    lambda bundle: bundle["verificationMaterial"].update(tlogEntries=[{}]),
    lambda bundle: bundle["verificationMaterial"].update(certificate={"rawBytes": ""}),
    lambda bundle: bundle.update(mediaType="application/vnd.dev.sigstore.bundle.v0.2+json"),
    lambda bundle: bundle.update(more=1),
    lambda bundle: bundle.pop("verificationMaterial"),
    lambda bundle: bundle.update(dsseEnvelope=[]),
    lambda bundle: bundle["dsseEnvelope"].update(payloadType="text/plain"),
    lambda bundle: bundle["dsseEnvelope"].update(payload=7),
    lambda bundle: bundle["dsseEnvelope"].update(signatures=[]),
    lambda bundle: bundle["dsseEnvelope"].update(signatures={}),
    lambda bundle: bundle["dsseEnvelope"]["signatures"].append({"keyid": "", "sig": ""}),
    lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(keyid="mine"),
    lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(sig="ü"),
)


def digests(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != "lyrikstore"
    }


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SignedFiles]:
    """Return a folder with what lies in ``lyrikstore/``, and its signature."""
    folder = tmp_path_factory.mktemp("signed") / "model"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    signed = sign_files(digests(folder))
    (folder / "lyrikstore").mkdir()
    (folder / "lyrikstore" / "model.sig").write_bytes(signed.bundle)
    (folder / "lyrikstore" / "manifest.json").write_bytes(b"{}")
    (folder.parent / "key.pem").write_text(signed.public_key)
    return folder, signed


def judge(folder: Path, key: Path) -> None:
    from model_signing import verifying

    config = verifying.Config().use_elliptic_key_verifier(public_key=key)
    config.verify(folder, folder / "lyrikstore" / "model.sig")


def test_the_package_of_openssf_verifies_an_honest_folder(honest) -> None:
    folder, signed = honest
    judge(folder, folder.parent / "key.pem")
    assert check_model_signature(signed.bundle, signed.public_key, digests(folder)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "README.md").write_bytes(b"# Another\n"),
        lambda folder: (folder / "onnx" / "model.onnx").unlink(),
        lambda folder: (folder / "sitecustomize.py").write_bytes(b""),
        lambda folder: (folder / "SHA256SUMS").rename(folder / "sums"),
    ],
    ids=["changed", "removed", "added", "renamed"],
)
def test_both_refuse_a_folder_with_other_files(
    honest, tmp_path, change: Callable[[Path], object]
) -> None:
    folder, signed = honest
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    change(copy)
    with pytest.raises(ValueError, match="Signature mismatch"):
        judge(copy, folder.parent / "key.pem")
    found = check_model_signature(signed.bundle, signed.public_key, digests(copy))
    assert found == "other-files"


@pytest.mark.parametrize("change", OTHER_FORMS)
def test_a_bundle_of_another_form_is_refused(honest, change: Callable[[dict], object]) -> None:
    folder, signed = honest
    bundle = parse(signed.bundle)
    change(bundle)
    found = check_model_signature(encode(bundle), signed.public_key, digests(folder))
    assert found == "bad-model-sig"


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b'{"dsseEnvelope":"text"}', b"{} "])
def test_what_is_no_bundle_is_refused(honest, data: bytes) -> None:
    folder, signed = honest
    assert check_model_signature(data, signed.public_key, digests(folder)) == "bad-model-sig"


def test_no_flipped_byte_verifies(honest) -> None:
    folder, signed = honest
    files = digests(folder)
    for at in range(0, len(signed.bundle), 7):
        data = bytearray(signed.bundle)
        data[at] ^= 1
        assert check_model_signature(bytes(data), signed.public_key, files) is not None


def test_a_statement_that_the_key_did_not_sign_is_refused(honest) -> None:
    folder, signed = honest
    files = {**digests(folder), "added": bytes(32)}
    bundle = parse(signed.bundle)
    other = parse(sign_files(files).bundle)
    bundle["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"]
    found = check_model_signature(encode(bundle), signed.public_key, files)
    assert found == "bad-signature"


def test_another_key_is_refused(honest) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    folder, signed = honest
    files = digests(folder)
    pem = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    bigger = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(*pem).decode()
    edwards = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*pem).decode()
    crlf, text = signed.public_key.replace("\n", "\r\n"), signed.public_key
    spelt = text.replace("\n-----END", " -----END")
    for key in (bigger, edwards, crlf, text + "\n", spelt, "", "é" * 178, "\ud800" * 178):
        assert check_model_signature(signed.bundle, key, files) == "bad-key", key
    assert (
        check_model_signature(signed.bundle, sign_files(files).public_key, files) == "bad-model-sig"
    )
