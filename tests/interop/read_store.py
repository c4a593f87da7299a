"""Verify a store, importing nothing of lyrikstore: read_store.py STORE [STORE-ID]."""

import json
import struct
import sys
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import zstandard
from blake3 import blake3
from nacl.signing import VerifyKey

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def need(condition, message):
    if not condition:
        raise ValueError(message)


def b3(data):
    return f"blake3:{blake3(data).hexdigest()}"


def jcs(value):  # spec/02, for the JSON that lyrikstore writes
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{jcs(name)}:{jcs(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def canonical(data):
    need(jcs(json.loads(data)).encode() == data, f"not canonical JSON: {data[:60]}")
    return json.loads(data)


def base58(text):
    number = 0
    for character in text.removeprefix("z"):
        number = number * 58 + BASE58.index(character)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def root(hashes):  # spec/07, RFC 9162
    if len(hashes) < 2:
        return hashes[0]
    half = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\1" + root(hashes[:half]) + root(hashes[half:])).digest()


def read_pack(store, pack, blobs):  # spec/04: header, blocks, footer of known length, trailer
    name = pack["id"].removeprefix("blake3:")
    data = (store / "packs" / name[:2] / f"{name}.pack").read_bytes()
    need(len(data) == pack["bytes"] and b3(data) == pack["id"], f"pack {name} is damaged")
    need(data[:16] == b"lyrpack\n" + struct.pack("<HHI", 1, 0, 0), f"pack {name}: its header")
    at, end = 16, len(data) - 48 - struct.unpack_from("<Q", data, len(data) - 48)[0]
    while at < end:
        codec, stored, raw, count = struct.unpack_from("<IIII", data, at)
        sizes = struct.unpack_from(f"<{count}I", data, at + 16)
        at += 16 + 4 * count + stored
        block = data[at - stored : at]
        block = zstandard.decompress(block, max_output_size=raw) if codec == 1 else block
        need(len(block) == raw == sum(sizes), f"pack {name}: the size of a block")
        for size in sizes:
            blobs[b3(block[:size])], block = block[:size], block[size:]


def check_manifest(blobs, this, kinds, store_id):  # spec/05, spec/06
    manifest = canonical(blobs[this])
    proof, author = manifest.pop("proof"), manifest["author"]
    signature = base58(proof.pop("proofValue")).rjust(64, b"\0")
    need(proof["verificationMethod"] == f"{author}#{author[8:]}", f"{this}: not by its author")
    key = base58(author.removeprefix("did:key:"))
    need(key[:2] == b"\xed\x01" and proof["cryptosuite"] == "eddsa-jcs-2022", f"{this}: proof")
    hashes = (sha256(jcs(part).encode()).digest() for part in (proof, manifest))
    VerifyKey(key[2:]).verify(b"".join(hashes), signature)
    need(manifest.get("store", this) == store_id, f"{this}: of another store")
    for item in manifest["inputs"]:
        need(kinds.get(item["id"]) == item["kind"], f"{this}: input {item['id']}")
    need(kinds.keys() >= set(manifest["parents"]), f"{this}: a parent is not logged before")
    for item in manifest["attachments"]:
        need(len(blobs[item["id"]]) == item["bytes"], f"{this}: {item['role']}")
    files = ""
    for line in blobs[manifest["tree"]].splitlines() if "tree" in manifest else ():
        entry = canonical(line)
        need(len(blobs[f"blake3:{entry['blake3']}"]) == entry["bytes"], entry["path"])
        files += jcs({name: entry[name] for name in ("path", "bytes", "blake3")}) + "\n"
    need("tree" not in manifest or b3(files.encode()) == manifest["files"], f"{this}: files")
    kinds[this] = manifest["kind"]


def check_tiles(log, level, row):  # spec/07: bundles and tiles, 256 items each
    for start in range(0, len(row), 256):
        part, number = row[start : start + 256], start // 256
        path = f"{number % 1000:03d}" if len(row) >= start + 256 else f"{number % 1000:03d}.p"
        while number := number // 1000:
            path = f"x{number % 1000:03d}/{path}"
        file = log / "tile" / level / (path if len(part) == 256 else f"{path}/{len(part)}")
        need(file.read_bytes() == b"".join(part), f"{file} differs")
    if level != "entries" and len(row) >= 256:
        above = [root(row[i : i + 256]) for i in range(0, len(row) // 256 * 256, 256)]
        check_tiles(log, str(int(level) + 1), above)


def main(store, expected=None):
    need((store / "format").read_text() == "lyrikstore 1\n", "not a store of format 1")
    text, _, lines = (store / "log" / "checkpoint").read_text().rpartition("\n\n")
    origin, size, claimed = text.split("\n")
    leaves, entries, packs, lists, blobs, kinds, seq = [], [], {}, {}, {}, {}, 0
    while len(leaves) < int(size):
        data = (store / "tx" / f"{seq:020d}").read_bytes()
        record = canonical(data)
        need((record["v"], record["seq"]) == (1, seq), f"transaction {seq}: its number")
        entries += [*record["log"], {"id": b3(data), "type": "transaction"}]
        leaves = [jcs({**item, "v": 1}).encode() for item in entries]
        packs = {name: packs[name] for name in packs if name not in record["packs"]["drop"]}
        packs.update((pack["id"], pack) for pack in record["packs"]["add"])
        lists.update((item["blob"], item["list"]) for item in record["chunkLists"])
        seq += 1
    hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]
    need(b64encode(root(hashes)).decode() == claimed, "the records give another log")
    for pack in packs.values():
        read_pack(store, pack, blobs)
    for blob, data in ((blob, blobs[listing]) for blob, listing in lists.items()):  # spec/04
        names = (data[32 + 32 * i : 64 + 32 * i].hex() for i in range((len(data) - 32) // 36))
        blobs[blob] = b"".join(blobs[f"blake3:{name}"] for name in names)
        need(b3(blobs[blob]) == blob, f"{blob}: its pieces make another blob")
    need(expected in {None, entries[0]["id"]}, "this is another store")
    genesis = json.loads(blobs[entries[0]["id"]])
    need(genesis["kind"] == "genesis" and genesis["body"]["origin"] == origin, "no genesis")
    for entry in entries:
        need(entry["type"] == "transaction" or entry["id"] in blobs, f"lost: {entry['id']}")
        if entry["type"] == "manifest":
            check_manifest(blobs, entry["id"], kinds, entries[0]["id"])
    signed = {}
    for name, key_id, key in (vkey.split("+", 2) for vkey in genesis["body"]["policy"]["logs"]):
        for _, signer, raw in (line.split(" ") for line in lines.splitlines()):
            if name == signer == origin and b64decode(raw)[:4].hex() == key_id:
                message, signature = f"{text}\n".encode(), b64decode(raw)[4:]
                signed[key] = VerifyKey(b64decode(key)[1:]).verify(message, signature)
    need(signed, "no key of this log signed the log checkpoint")
    check_tiles(store / "log", "entries", [struct.pack(">H", len(x)) + x for x in leaves])
    check_tiles(store / "log", "0", hashes)
    print(f"{size} log entries, {len(blobs)} blobs, {len(kinds)} manifests: good")


main(Path(sys.argv[1]), *sys.argv[2:])
