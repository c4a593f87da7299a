"""``check.py``: the program that compares a deployed folder with its list of files (spec §14.7.9).

It is part of the folder and does not need lyrikstore.
"""

CHECK_FILE = "check.py"
CHECK_WORDS = """
## Are these the files that were deployed?

```sh
python3 -I check.py
```

lists changed, missing and added files. `sha256sum -c SHA256SUMS` lists the first two kinds. Both
detect damage only: a person who can write to the folder can also replace `SHA256SUMS` and
`check.py`. To prove that the files are unchanged, run `lyrikstore verify FOLDER` with your own
installation.

To prove it each time before the model is loaded, copy `check.py` from a folder that
`lyrikstore verify` found valid to a place where writers of the folder cannot write; run
`pip install cryptography`; and name the signer's key, which you got from the signer and not from
the folder:

```sh
LYRIKSTORE_PINNED_KEY=did:key:z6Mk... python3 -I check.py FOLDER
```

fails unless that key signed the manifest, and with it every file.

If `NOTICE` states when the rights to the data end, it also fails after that time, by the clock of
the machine. A program that loads the model without `check.py` does not check this.

{more}It does not check if the key was retired since, or if it signed a newer folder. A folder with
`lyrikstore/UNSIGNED.txt` is not signed, and fails.
"""
CHECK = '''\
"""Compares a deployed folder with its list of files: python3 -I check.py [FOLDER]

Without further settings it reads SHA256SUMS and detects damage. A person who can write to the
folder can also replace SHA256SUMS and this program. To prove that the files are unchanged, run
`lyrikstore verify FOLDER` with your own installation. Or keep a copy of this file outside, from a
verified folder, and name the signer's key, which you got from the signer and not from the folder:

    LYRIKSTORE_PINNED_KEY=did:key:z6Mk... python3 -I check.py FOLDER

Then the manifest must be signed by that key, and all files by the key that it names (`model.sig`).
That needs the package cryptography. Later changes are not detected.

It also fails after the end of the rights to the model's data, which NOTICE states.
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
    """The files have changed or could not be checked, or the rights to the model have ended.
    """


def check_folder(folder):
    """Return the result as text; raise BadFolder unless the folder is unchanged and usable."""
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
    except Exception as error:  # a folder that could not be checked is not loaded
        raise BadFolder(f"{folder} is refused, as it could not be checked: {error!r}") from error
    if any(faults.values()):
        named = (f"{fault}: {sorted(names)[:9]}" for fault, names in faults.items() if names)
        raise BadFolder(f"{folder} changed after it was deployed; {'; '.join(named)}")
    if end is not None:
        raise BadFolder(f"{folder} may not be used: {end}")
    return f"{folder}: {words}"


def listed(folder):
    data = read(folder / "SHA256SUMS")
    files = {line[66:]: line[:64] for line in data.decode().splitlines()}
    words = "the files match SHA256SUMS, so they are not damaged; to detect changes by a person "
    words += "who can write to the folder, run `lyrikstore verify FOLDER`"
    return {**files, "SHA256SUMS": hashlib.sha256(data).hexdigest()}, words


def signed(folder, pinned):
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if not (folder / "lyrikstore" / "manifest.json").is_file():
        raise BadFolder(f"{folder} is not signed, and LYRIKSTORE_PINNED_KEY requires a signature")
    document = json.loads(read(folder / "lyrikstore" / "manifest.json"))
    proof = document.pop("proof")
    signature = base58(proof.pop("proofValue"), 64)
    if document["author"] != pinned:
        author = str(document["author"])[:99]
        raise BadFolder(f"{folder} is signed by {author!r}, not by {pinned!r}")
    method = f"{pinned}#{pinned[8:]}"
    if (document["kind"], proof["verificationMethod"]) != ("deployment", method):
        raise BadFolder(f"{folder}: its manifest is not a deployment by {pinned!r}")
    key = base58(pinned[8:], 34)  # after "did:key:"; its first two bytes mean Ed25519
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
    """Return a message if the rights to the model's data have ended by NOTICE, or None.

    It uses the clock of this machine; a time before the folder was made is an error, too.
    """
    lines = [line.split(": ", 1) for line in notice(folder)]
    dates = {line[0]: line[1] for line in lines if line[0] in ("Rights-Until", "Rights-As-Of")}
    until, now = dates.get("Rights-Until"), time.strftime("%Y-%m-%d", time.gmtime())
    if until is None:
        return None
    if now < dates["Rights-As-Of"][:10]:
        return f"the clock shows {now}, so it is unknown if its rights ended at {until}"
    if time.time() <= calendar.timegm(time.strptime(until, "%Y-%m-%dT%H:%M:%SZ")):
        return None
    words = f"the rights to the model's data ended at {until}. NOTICE lists the rights and their "
    words += "terms. Ask the person who deployed it to renew them and deploy it again, or "
    return words + "to train and deploy another model"


def notice(folder):
    path = folder / "NOTICE"
    return read(path).decode().splitlines() if path.is_file() else []


def found(folder):
    """Return the names of all files outside lyrikstore/, and of links to folders."""
    names = set()
    for place, folders, files in os.walk(folder, onerror=fail):
        here = Path(place).relative_to(folder)
        if not here.parts:
            folders[:] = [name for name in folders if name != "lyrikstore"]
        links = [name for name in folders if (folder / here / name).is_symlink()]
        names |= {(here / name).as_posix() for name in files if not is_litter(name)}
        names |= {(here / name).as_posix() for name in links}
    return names


def is_litter(name):  # files of desktops; no program loads them
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
    for letter in text[1:100]:  # after the "z" that means base58
        number = 58 * number + BASE58.index(letter)
    return number.to_bytes(length, "big")


if __name__ == "__main__":
    try:
        print(check_folder(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent))
    except BadFolder as error:
        sys.exit(f"check.py: {error}")
'''
"""Source of ``check.py``."""
