"""``check.py``: the program that compares a deployed folder with its list of files (spec §14.7.9).

It is part of the folder and does not need lyrikstore.
"""

CHECK_FILE = "check.py"
CHECK_WORDS = """
## Are these the files that were deployed?

```sh
python3 -I check.py
```

names what was changed, removed or added. `sha256sum -c SHA256SUMS` finds the first two. Both find
damage, and prove nothing against whoever can write the folder: they rewrite `SHA256SUMS` and
`check.py` with the rest. Proof is `lyrikstore verify FOLDER` with an installation of your own.

To have it proved each time before the model is loaded, copy `check.py` out of a folder that
`lyrikstore verify` found valid, to where whoever writes the folder cannot write; `pip install
cryptography`; and name the key of the signer as you have it from them, not as the folder has it:

```sh
LYRIKSTORE_PINNED_KEY=did:key:z6Mk... python3 -I check.py FOLDER
```

ends with an error unless that key signed the manifest, and with it every file.

Where `NOTICE` says when the rights to the data end, it ends with an error from then on, too, by the
clock of the machine. What loads the model without it does not look at that.

{more}Not checked: whether the key was retired since, and whether it signed a newer folder. One with
`lyrikstore/UNSIGNED.txt` was signed by nobody, and fails.
"""
CHECK = '''\
"""Compares the files of a deployed folder with what was written: python3 -I check.py [FOLDER]

By itself it reads SHA256SUMS and finds damage. That proves nothing against whoever can write the
folder: they rewrite SHA256SUMS, and this program. Proof is `lyrikstore verify FOLDER` with an
installation of your own. Or keep a copy of this file outside, from a folder that was verified, and
name the signer's key as you have it from them, not as the folder has it:

    LYRIKSTORE_PINNED_KEY=did:key:z6Mk... python3 -I check.py FOLDER

Then the manifest must be signed by that key, and all files by the key that it names (`model.sig`).
That needs the package cryptography. What is changed after it was compared is not noticed.

Once the rights to data of the model have ended, as NOTICE says, it ends with an error, too.
"""

import base64
import calendar
import hashlib
import json
import os
import sys
import time
from pathlib import Path

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
MOST_BYTES = 16 << 20


class BadFolder(Exception):
    """The files are others than those that were written, or that cannot be found out; or it is not
    to be loaded any more.
    """


def check_folder(folder):
    """Return what was checked, in words; raises BadFolder."""
    folder, pinned = Path(folder), os.environ.get("LYRIKSTORE_PINNED_KEY")
    try:
        wanted, words = listed(folder) if pinned is None else signed(folder, pinned)
        there = {name for name in wanted if (folder / name).is_file()}
        changed = {name for name in there if sha256_of(folder / name) != wanted[name]}
        faults = {
            "changed": changed,
            "missing": wanted.keys() - there,
            "added": found(folder) - wanted.keys(),
        }
        end = ended(folder)
    except BadFolder:
        raise
    except Exception as error:  # whatever it is: what could not be checked is not loaded
        raise BadFolder(f"{folder} is refused: {error!r}") from error
    if any(faults.values()):
        named = (f"{fault}: {sorted(names)[:9]}" for fault, names in faults.items() if names)
        raise BadFolder(f"{folder} is not what was deployed; {'; '.join(named)}")
    if end is not None:
        raise BadFolder(f"{folder} is not to be used: {end}")
    return f"{folder}: {words}"


def listed(folder):
    data = read(folder / "SHA256SUMS")
    files = {line[66:]: line[:64] for line in data.decode().splitlines()}
    words = "the files are those in SHA256SUMS, which shows damage and proves nothing against "
    words += "whoever can write the folder; proof is `lyrikstore verify FOLDER`"
    return {**files, "SHA256SUMS": hashlib.sha256(data).hexdigest()}, words


def signed(folder, pinned):
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if not (folder / "lyrikstore" / "manifest.json").is_file():
        raise BadFolder(f"{folder} is not signed, and LYRIKSTORE_PINNED_KEY names who must have")
    document = json.loads(read(folder / "lyrikstore" / "manifest.json"))
    proof = document.pop("proof")
    signature = base58(proof.pop("proofValue"), 64)
    if document["author"] != pinned:
        author = str(document["author"])[:99]
        raise BadFolder(f"{folder} is signed by {author!r}, not by {pinned!r}")
    method = f"{pinned}#{pinned[8:]}"
    if (document["kind"], proof["verificationMethod"]) != ("deployment", method):
        raise BadFolder(f"{folder}: its manifest is none of a deployment by {pinned!r}")
    key = base58(pinned[8:], 34)  # behind "did:key:"; two bytes say that it is Ed25519
    message = b"".join(hashlib.sha256(canonical(one)).digest() for one in (proof, document))
    ed25519.Ed25519PublicKey.from_public_bytes(key[2:]).verify(signature, message)
    envelope = json.loads(read(folder / "lyrikstore" / "model.sig"))["dsseEnvelope"]
    statement = base64.b64decode(envelope["payload"])
    message = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(statement), statement)
    key = load_pem_public_key(document["body"]["oms"]["publicKey"].encode())
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message, ec.ECDSA(SHA256()))
    files = json.loads(statement)["predicate"]["resources"]
    words = f"all files are signed by {pinned}: {document['name']} of {document['created']}"
    return {one["name"]: one["digest"] for one in files}, words


def ended(folder):
    """Return that the rights to data of the model have ended, as NOTICE has it, or None.

    By the clock of this machine: one that says that it is before the folder was made tells nothing.
    """
    lines = [line.split(": ", 1) for line in notice(folder)]
    said = {line[0]: line[1] for line in lines if line[0] in ("Rights-Until", "Rights-As-Of")}
    until, now = said.get("Rights-Until"), time.strftime("%Y-%m-%d", time.gmtime())
    if until is None:
        return None
    if now < said["Rights-As-Of"][:10]:
        return f"the clock says {now}, so whether its rights ended at {until} cannot be told"
    if time.time() <= calendar.timegm(time.strptime(until, "%Y-%m-%dT%H:%M:%SZ")):
        return None
    words = f"the rights to data of the model ended at {until}. NOTICE says whose they are, and "
    words += "what they ask for. Whoever deployed it has them renewed and deploys it again, or "
    return words + "trains another model and deploys that"


def notice(folder):
    path = folder / "NOTICE"
    return read(path).decode().splitlines() if path.is_file() else []


def found(folder):
    """Return the names of all that lies outside lyrikstore/, links to folders among them."""
    names = set()
    for place, folders, files in os.walk(folder, onerror=fail):
        here = Path(place).relative_to(folder)
        if not here.parts:
            folders[:] = [name for name in folders if name != "lyrikstore"]
        links = [name for name in folders if (folder / here / name).is_symlink()]
        names |= {(here / name).as_posix() for name in files if not is_litter(name)}
        names |= {(here / name).as_posix() for name in links}
    return names


def is_litter(name):  # of desktops; nothing loads it
    return name in {".DS_Store", "Thumbs.db", "desktop.ini"} or name.startswith("._")


def fail(error):
    raise error


def read(path):
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadFolder(f"{path} is too long")
    return data


def sha256_of(path):
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            hasher.update(part)
    return hasher.hexdigest()


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def base58(text, length):
    number = 0
    for letter in text[1:100]:  # behind the "z" that says that it is base58
        number = 58 * number + BASE58.index(letter)
    return number.to_bytes(length, "big")


if __name__ == "__main__":
    try:
        print(check_folder(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent))
    except BadFolder as error:
        sys.exit(f"check.py: {error}")
'''
"""Source of ``check.py``."""
