"""The checks of a folder of model weights before it becomes a checkpoint."""

import hashlib
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import open_regular
from lyrikstore.crypto.keys.secret_files import SecretScan
from lyrikstore.curate.scan.scan import Scan
from lyrikstore.objects.chunk.sources import unreadable

_PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz")


class Weights(Struct, frozen=True):
    """A checked folder of weights, without files that could run code.

    Attributes:
        format: ``peft-lora/1`` or ``transformers/1``.
        sha256sums: ``<hex>  <path>`` lines in path order, for tools that do not know BLAKE3.
    """

    format: str
    sha256sums: bytes


def inspect_weights(scan: Scan) -> Weights:
    """Return the format and the SHA-256 sums of a folder of weights.

    Raises:
        InvalidInputError: (``not-the-model``) the model is in a subfolder, so the files around it
            would become part of the checkpoint; (``pickle``) a file is a pickle, which runs code
            when loaded, or has the suffix of one; (``secret-found``) a file holds a private key or
            credentials; (``no-weights``) the folder has no safetensors file.

    Cost: one read of every file.
    """
    _check_top(scan)
    lines = [
        f"{_sha256(path, Path(scan.location(at)), size)}  {path}\n"
        for at, (path, size) in enumerate(zip(scan.paths, scan.sizes, strict=True))
    ]
    if not any(path.endswith(".safetensors") for path in scan.paths):
        raise InvalidInputError(
            "no-weights",
            "the folder holds no .safetensors file",
            hint="convert the weights to safetensors first",
        )
    adapter = "adapter_config.json" in scan.paths
    return Weights("peft-lora/1" if adapter else "transformers/1", "".join(lines).encode())


def _check_top(scan: Scan) -> None:
    folders: dict[str, set[str]] = {}
    for path in scan.paths:
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, set()).add("weights" if name.endswith(".safetensors") else name)
    models = [
        folder
        for folder, names in folders.items()
        if "weights" in names and names & {"config.json", "adapter_config.json"}
    ]
    if models and "weights" not in folders.get("", ()):
        raise InvalidInputError(
            "not-the-model",
            f"the model is not at the top of the folder, but in {models[0]}",
            hint=f"commit that one: {scan.root}/{models[0]}",
        )


def _sha256(path: str, location: Path, size: int) -> str:
    lowered = path.lower()
    hasher, scan = hashlib.sha256(), SecretScan(path)
    try:
        with open_regular(location) as file:
            head = file.read(9)
            # Pickles of protocols 2 to 5 begin with these bytes. So may the length of a
            # safetensors header, but a brace follows it; a whole pickle cannot look like that (the
            # format is checked again before weights are loaded). torch's files are ZIPs with a
            # pickle inside.
            length = int.from_bytes(head[:8], "little")
            tensors = head[8:] == b"{" and length <= size - 8
            protocol = head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
            binary = protocol and not tensors
            if lowered.endswith(_PICKLE_SUFFIXES) or binary or head.startswith(b"PK\x03\x04"):
                raise InvalidInputError(
                    "pickle",
                    f"{path}: a pickle, or a format that hides one; loading it runs code",
                    hint="convert it to safetensors, or name it in .lyrikignore",
                )
            part, left = head, 8 + length if tensors else size  # tensor data holds no secrets
            while part:
                hasher.update(part)
                scan.feed(part[: max(left, 0)])
                left -= len(part)
                part = file.read(1 << 20)
    except OSError as error:
        raise unreadable(error, path) from None
    if secret := scan.finish():
        raise InvalidInputError(
            "secret-found",
            f"{path} holds a secret: {secret}",
            hint="remove the secret, or list the file in .lyrikignore; replace the secret if "
            "others saw it",
            details={"holds": {path: secret}},
        )
    return hasher.hexdigest()
