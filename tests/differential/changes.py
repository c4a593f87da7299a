"""All changes, by name: of documents (:mod:`tests.differential.mutate`), and these, of files."""

import base64
import json
import random
import re
from dataclasses import replace

from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.model.status_list import pack
from tests.differential.judges import Case
from tests.differential.kinds import digests, listing, organisation, securing
from tests.differential.mutate import (
    Change,
    edit,
    is_plain,
    read,
    relog,
    signed,
    some_json,
    stray,
    tweak,
    with_file,
    written,
)
from tests.differential.values import BYTES, MOMENTS, NUMBERS, TABLES, TOML


def spoil(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Change bytes of one file."""
    name = rng.choice([None, *case.siblings])
    data = bytearray(case.target if name is None else case.siblings[name])
    at = rng.randrange(len(data) + 1)
    how = rng.randrange(6)
    if how == 0 and at < len(data):
        data[at] ^= 1 << rng.randrange(8)
    elif how == 1:
        del data[at:]
    elif how == 2:
        del data[at : at + rng.choice([1, 2, 10])]
    elif how == 3:
        data[at:at] = rng.choice(BYTES)
    elif how == 4:
        data[at:at] = data[rng.randrange(len(data) + 1) :][:100]
    else:
        data[:0] = rng.choice(BYTES)
    return with_file(case, name, bytes(data))


def respell(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Write one document in another way that says the same."""
    found = some_json(rng, case)
    if found is None:
        return None
    name, value = found
    how = rng.randrange(4)
    if how == 0:
        text = json.dumps(value, indent=rng.choice([None, 0, 1, "\t"]))
    elif how == 1:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    else:
        text = json.dumps(value, separators=(",", ":"))
        at = rng.choice([m.start() for m in re.finditer(r"[a-zA-Z0-9]", text)] or [0])
        quotes = len(re.findall(r'(?<!\\)"', text[:at])) % 2
        text = f"{text[:at]}\\u{ord(text[at]):04x}{text[at + 1 :]}" if quotes else text + "\n"
    return with_file(case, name, text.encode("utf-8", "replace"))


def shuffle(rng: random.Random, case: Case, other: Case) -> Case | None:
    """Take files away, double them, rename them, or bring those of another case."""
    files = dict(case.siblings)
    names = list(files)
    how = rng.randrange(7)
    if how == 0 and names:
        del files[rng.choice(names)]
    elif how == 1 and names:
        files[f"copy-{rng.randrange(100)}.json"] = files[rng.choice(names)]
    elif how == 2 and other.siblings:
        for name in rng.sample(list(other.siblings), rng.randint(1, len(other.siblings))):
            files[name if rng.random() < 0.5 else f"other-{name}"] = other.siblings[name]
    elif how == 3:
        files[f"other-{rng.randrange(100)}.json"] = other.target
    elif how == 4:
        return replace(case, target=other.target)
    elif how == 5 and names:
        files[rng.choice(["\U00010000", "\uffff", "A", "given/x", "given/\ue000"])] = files.pop(
            rng.choice(names)
        )
    elif names:
        one, two = rng.choice(names), rng.choice(names)
        files[one], files[two] = files[two], files[one]
    return replace(case, siblings=dict(sorted(files.items())))


def data(rng: random.Random, case: Case, other: Case) -> Case | None:
    """Change the data."""
    if case.data is None:
        return replace(case, data=other.data) if other.data else None
    files = dict(case.data)
    how = rng.randrange(7)
    if how == 0 or not files:
        return replace(case, data=None) if rng.random() < 0.3 else replace(case, data={})
    name, two = rng.choice(list(files)), rng.choice(list(files))
    if how == 1:
        del files[name]
    elif how == 2:
        files[name], files[two] = files[two], files[name]
    elif how == 3:
        files[name] = files[name] + b"x" if rng.random() < 0.5 else files[name][:-1]
    elif how == 4:
        files[
            rng.choice(
                ["\U00010000", "\ue000", "\uffff.txt", "._x", "a/Thumbs.db", "con", "A/ONE.txt"]
            )
        ] = files[two]
    elif how == 5:
        files[name] = files[name].replace(b"\n", rng.choice([b"\r\n", b"\r", b"\r\r\n"]))
    else:
        files["new.txt"] = files.pop(name)
    return replace(case, data=dict(sorted(files.items())))


def trust(rng: random.Random, case: Case, other: Case) -> Case | None:
    """Change the trust file by lines and values."""
    lines = case.trust.decode("utf-8", "replace").splitlines()
    at = rng.randrange(len(lines) or 1)
    how = rng.randrange(7)
    if how == 0 and lines:
        del lines[at]
    elif how == 1 and lines:
        lines.insert(rng.randrange(len(lines)), lines[at])
    elif how == 2 and lines:
        lines[at] = f"{lines[at].partition('=')[0]}= {rng.choice(TOML)}"
    elif how == 3:
        names = ["maxStatusDays", "maxLogDays", "witnessesRequired", "version", "untill", "a.b"]
        lines.insert(0, f"{rng.choice(names)} = {rng.choice(TOML)}")
    elif how == 4:
        names = ["roles", "claims", "names", "stores", "since", "until", "nickname", "did"]
        lines.append(f"{rng.choice(names)} = {rng.choice(TOML)}")
    elif how == 5:
        lines += other.trust.decode("utf-8", "replace").splitlines()[1:]
    else:
        lines.append(rng.choice(TABLES))
    return replace(case, trust="\n".join(lines).encode("utf-8", "replace") + b"\n")


def status(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Bring another status list of the issuer's: other bits, another size, another packing."""
    for name in rng.sample(list(case.siblings), len(case.siblings)):
        value = read(case.siblings[name])
        subject = value.get("credentialSubject") if isinstance(value, dict) else None
        if not isinstance(subject, dict) or "encodedList" not in subject:
            continue
        bits = bytearray(STATUS_LIST_ENTRIES // 8 + rng.choice([0, 0, 0, 1, -1, 1000]))
        for _ in range(rng.choice([0, 1, 3000])):
            bits[rng.randrange(len(bits))] |= 1 << rng.randrange(8)
        packed = pack(bytes(bits))
        raw = base64.urlsafe_b64decode(packed[1:] + "=" * (-len(packed[1:]) % 4))
        spelt = [raw + b"\0", raw + raw, raw[:3] + b"\x08" + raw[4:]]
        noncanonical = ["u" + base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in spelt]
        packed = rng.choice(
            [packed] * 3
            + [f"{packed}=", packed[:-1], packed[1:], f"{packed}A", stray(packed), *noncanonical]
        )
        subject["encodedList"] = packed
        if rng.random() < 0.5:
            value["validFrom"] = rng.choice(MOMENTS[:8])
        fresh = encode(signed(rng, value)) if is_plain(value) else written(rng, value)
        return with_file(
            case, name if rng.random() < 0.5 else f"status-x{rng.randrange(9)}.json", fresh
        )
    return None


def log(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Change a log proof by lines."""
    proofs = [name for name, data in case.siblings.items() if data.startswith(b"c2sp.org/")]
    if not proofs:
        return None
    name = rng.choice(proofs)
    lines = case.siblings[name].decode("utf-8", "replace").split("\n")
    at, to = rng.choice([1, rng.randrange(len(lines))]) % len(lines), rng.randrange(len(lines))
    how = rng.randrange(7)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(to, lines[at])
    elif how == 2:
        lines[at], lines[to] = lines[to], lines[at]
    elif how == 3:
        lines[at] = tweak(rng, lines[at])
    elif how == 4:
        lines[at] = re.sub(r"\d+", lambda _: rng.choice(NUMBERS), lines[at], count=1)
    elif how == 5:
        lines.insert(1, "extra " + rng.choice(["", "AA==", "AB==", "AA", "AAAA", "A A="]))
    else:
        lines[1:1] = [lines[at]] * rng.choice([1, 63, 64, 65])
    return with_file(case, name, "\n".join(lines).encode("utf-8", "replace"))


def moment(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Judge for another moment."""
    return replace(case, at=rng.choice(MOMENTS))


def asking(rng: random.Random, case: Case, other: Case) -> Case | None:
    """Ask otherwise: for a presentation, or for measures to be made anew."""
    if rng.random() < 0.5:
        return replace(case, recompute=not case.recompute)
    words = (None, "", "x", "verifier.example", other.challenge, case.challenge)
    return replace(case, challenge=rng.choice(words), domain=rng.choice([*words[:4], case.domain]))


CHANGES: dict[str, tuple[Change, int]] = {
    "edit": (edit, 12), "relog": (relog, 1), "spoil": (spoil, 3), "respell": (respell, 2),
    "shuffle": (shuffle, 3), "data": (data, 2), "trust": (trust, 2), "status": (status, 2),
    "log": (log, 2), "moment": (moment, 1), "asking": (asking, 1), "listing": (listing, 2),
    "digests": (digests, 2), "organisation": (organisation, 2), "securing": (securing, 2),
}  # fmt: skip
"""Name → change, and how often it is tried among all."""
