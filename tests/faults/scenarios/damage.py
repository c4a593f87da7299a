"""Bits flip, files shrink, swap places and vanish: ``verify`` names it, nobody is served it."""

import os
import random
import shutil
from pathlib import Path

from blake3 import blake3

from tests.faults.robust.outcome import Finding, Row
from tests.faults.robust.subject import Subject, contents, write_large, write_texts
from tests.faults.robust.work import NAME, QUESTION, RECIPE

# Kind of file → what verify has to say about it, {} being the beginning of the file's name. No
# word: the file is derived or advisory, and the store must be sound without it.
NAMED = {
    "format": ("format", "no store"),
    "log checkpoint": ("checkpoint",),
    "hash tiles": ("log/tile/",),
    "entry bundles": ("log/tile/entries/",),
    "transaction records": ("transaction", "record", "tx/"),
    "packs": ("pack {}",),
    "packs that gc dropped": (),
    "mark of a mirror": ("mirror", "mark"),
    "local log": ("local", "checkpoint", "tile", "bundle", "record", "transaction"),
    "waiting list of gc": (),
    "lock": (),
    "index": (),
    "stat cache": (),
    "memory of logs": (),
    "keys": (),
    "trust file": (),
}
_OF_THE_USER = frozenset({"keys", "trust file"})
_OF_A_MIRROR = frozenset({"mark of a mirror", "local log"})
MODES = ("flip", "flip in the first 64 bytes", "flip in the last 64 bytes", "cut", "empty")
MODES += ("zeros", "append", "delete", "swap", "folder", "link", "pipe")


def _kind(place: Path, path: Path) -> str:
    name = str(path.relative_to(place))
    waiting = place / "work/.lyrikstore/gc/waiting"
    if path.suffix == ".pack" and path.name in waiting.read_text("utf-8"):
        return "packs that gc dropped"
    if path.name.startswith("index-"):
        return "index"
    for start, kind in (
        ("work/.lyrikstore/local/", "local log"),
        ("work/.lyrikstore/mirror", "mark of a mirror"),
        ("work/.lyrikstore/gc/waiting", "waiting list of gc"),
        ("work/.lyrikstore/log/checkpoint", "log checkpoint"),
        ("work/.lyrikstore/log/tile/entries", "entry bundles"),
        ("work/.lyrikstore/log/tile", "hash tiles"),
        ("work/.lyrikstore/tx", "transaction records"),
        ("work/.lyrikstore/packs", "packs"),
        ("work/.lyrikstore/", path.name),
        ("home/.cache", "stat cache"),
        ("home/.local", "memory of logs"),
        ("home/.config/lyrikstore/keys", "keys"),
        ("home/.config/lyrikstore/trust", "trust file"),
    ):
        if name.startswith(start):
            return kind
    return ""


def build(base: Path, kind: str = "") -> Subject:
    """Return a subject whose store has every kind of file, kept.

    Args:
        base: Its folder.
        kind: One of :data:`NAMED`; some are only in a store that is a mirror.
    """
    subject = Subject(base).found()
    write_texts(subject.documents, 20, seed=9)
    subject.commit()
    write_texts(subject.documents, 20, seed=1)
    subject.commit()
    write_large(subject.documents / "large.txt", seed=2)
    (subject.documents / "noise.bin").write_bytes(random.Random(3).randbytes(1_300_000))
    subject.commit()
    (subject.documents / "text-00003.txt").write_text("edited\n")
    subject.commit()
    (subject.work / "recipe.toml").write_text(RECIPE)
    subject.must("filter", f"{NAME}~2", "--recipe", "recipe.toml", "--as", "acme/clean")
    subject.must("issue", NAME, "-o", "delivery", "--permit", "train")
    subject.must("gc", NAME, "--keep", 3)
    del subject.truth[next(iter(subject.truth))]
    if kind in _OF_A_MIRROR:  # the store becomes one when its log moves to where it is pushed to
        subject.must("remote", "add", "origin", subject.base / "elsewhere")
        subject.must("push")
        (subject.documents / "text-00004.txt").write_text("edited too\n")
        subject.commit()
    subject.must("query", QUESTION)
    subject.must("verify")
    subject.keep()
    return subject


def damaged(base: Path, kind: str, *, quick: bool) -> list[Row]:
    """Damage a kind of file of the store, or of the user's memory of it, in every way."""
    subject = build(base, kind)
    unknown = [path for path in subject.store.rglob("*") if path.is_file()]
    unknown = [path for path in unknown if _kind(base, path) not in NAMED]
    if unknown:
        raise RuntimeError(f"nobody says what damage to these must do: {unknown}")
    answer = subject.ask("query", QUESTION, "--json").json
    chance = random.Random(f"20261124 {kind}")
    row = Row(f"damage to {kind}")
    paths = [
        path
        for place in (subject.store, subject.home)
        for path in sorted(place.rglob("*"))
        if path.is_file() and _kind(base, path) == kind
    ]
    # Who can write to a folder can lock it out by what is no file; see the security notes.
    locks = {"link", "folder", "pipe"}
    tries = [(p, mode) for mode in MODES for p in paths if p.name != "lock" or mode not in locks]
    chance.shuffle(tries)
    most = 2 if quick else 60 if kind == "packs" else 36
    for path, mode in tries:
        if row.tries == most:
            break
        others = [other for other in paths if other != path]
        if not spoil(path, mode, others, chance):
            continue
        label = f"{mode}, {path.relative_to(base)}"
        if kind in _OF_THE_USER:
            row.add(label, _judge_signer(subject))
        else:
            row.add(label, _judge(subject, kind, path.name[:12], answer))
        subject.restore()
    return [row]


def spoil(path: Path, mode: str, others: list[Path], chance: random.Random) -> bool:
    """Damage a file in one of :data:`MODES`; return whether that changed anything."""
    data = bytearray(path.read_bytes())
    before = bytes(data)
    path.chmod(0o644)
    if mode == "delete":
        path.unlink()
        return True
    if mode == "folder":
        path.unlink()
        path.mkdir()
        return True
    if mode == "link":
        path.unlink()
        path.symlink_to("/etc/passwd")
        return True
    if mode == "pipe":  # nobody writes into it: whoever waits for that waits for ever
        path.unlink()
        os.mkfifo(path)
        return True
    if mode == "append":
        data += chance.randbytes(chance.randint(1, 100))
    elif not data:
        return False
    elif mode.startswith("flip"):
        first, last = 0, len(data)
        if "first" in mode:
            last = min(64, last)
        if "last" in mode:
            first = max(0, last - 64)
        data[chance.randrange(first, last)] ^= 1 << chance.randrange(8)
    elif mode == "cut":
        del data[chance.randrange(len(data)) :]
    elif mode == "empty":
        data.clear()
    elif mode == "zeros":
        at = chance.randrange(len(data))
        length = min(512, len(data) - at)
        data[at : at + length] = bytes(length)
    elif mode == "swap":
        if not others:
            return False
        other = chance.choice(others)
        other.chmod(0o644)
        data = bytearray(other.read_bytes())
        other.write_bytes(before)
    path.write_bytes(data)
    return bytes(data) != before


def _judge(subject: Subject, kind: str, name: str, answer: object) -> list[Finding]:
    findings = []
    words = [word.format(name) for word in NAMED[kind]]
    verdict = subject.ask("verify", "--json")
    findings += verdict.manners()
    said = f"{verdict.out} {verdict.err}".lower()
    if words and verdict.code in {0, 4}:
        findings.append(Finding("undetected", f"verify exits {verdict.code}"))
    elif words:
        checks = (verdict.json or {}).get("checks", [])
        printed = " ".join(
            f"{c['id'] if c['state'] == 'fail' else ''} {c['summary']} {c['detail']}"
            for c in checks
            if c["state"] in {"fail", "unchecked"} and c["detail"].get("reason") != "log-broken"
        )
        printed = printed or verdict.err
        if not any(word in printed.lower() for word in words):
            said = f"exit {verdict.code}: {printed or said}"
            findings.append(Finding("undetected", f"verify does not name it: {said}"))
    elif verdict.code and "memor" not in said and "remember" not in said:
        findings.append(Finding("other", f"verify exits {verdict.code}: {said}"))
    findings += served(subject)
    if kind == "index":
        asked = subject.ask("query", QUESTION, "--json")
        findings += asked.manners()
        if asked.code == 0 and asked.json != answer:
            findings.append(Finding("undetected", f"query answers {asked.out} with exit 0"))
        elif asked.code:
            findings.append(Finding("other", f"query exits {asked.code}: {asked.err}"))
    if not words:
        write_texts(subject.base / "more", 3, seed=9)
        more = subject.ask("commit", subject.base / "more", "-d", "acme/more")
        findings += more.manners()
        if more.code and "remember" not in more.err:
            findings.append(Finding("stuck lock", f"commit exits {more.code}: {more.err}"))
    return findings


def _judge_signer(subject: Subject) -> list[Finding]:
    # Keys and trust are nowhere else: nothing can be asked but that no use of them does harm.
    verdict = subject.ask("verify")
    findings = verdict.manners() + served(subject)
    write_texts(subject.base / "more", 3, seed=9)
    more = subject.ask("commit", subject.base / "more", "-d", "acme/more", "--json")
    findings += more.manners()
    shutil.rmtree(subject.home)
    shutil.copytree(subject.base / "kept/home/.config", subject.home / ".config")
    subject.acknowledge(more, subject.base / "more")
    return findings + subject.examine("commit", subject.base / "more", "-d", "acme/more")


def served(subject: Subject) -> list[Finding]:
    """Return what is served wrongly: whatever is damaged, exit 0 means right bytes."""
    findings = []
    for identity, files in subject.truth.items():
        target = subject.base / "served"
        got = subject.ask("checkout", identity, target)
        findings += got.manners()
        if got.code == 0 and contents(target) != files:
            findings.append(Finding("undetected", "checkout gave wrong bytes with exit 0"))
        shutil.rmtree(target, ignore_errors=True)
    raw = subject.ask("show", "--raw", identity)
    findings += raw.manners()
    if raw.code == 0 and f"blake3:{blake3(raw.out.encode()).hexdigest()}" != identity:
        findings.append(Finding("undetected", "show --raw gave wrong bytes with exit 0"))
    listing = subject.ask("show", "--files", NAME)
    findings += listing.manners()
    if listing.code == 0 and not all(name in listing.out for name in files):
        findings.append(Finding("undetected", "show --files lists other files with exit 0"))
    return findings


def rolled_back(base: Path, *, quick: bool) -> list[Row]:
    """Put older states of the store in place: sound from within, but not the newest."""
    row = Row("older copy of the store put in place")
    for verified in (True,) if quick else (False, True):
        for what in ("all", "log", "log and records", "other history"):
            place = base / f"{what.replace(' ', '-')}-{verified}"
            place.mkdir()
            row.add(f"{what}, verified before: {verified}", _roll_back(place, what, verified))
    return [row]


def _roll_back(base: Path, what: str, verified: bool) -> list[Finding]:
    subject = Subject(base).found()
    write_texts(subject.documents, 5, seed=1)
    subject.commit()
    older = base / "older"
    shutil.copytree(subject.work, older)
    memory = base / "memory"
    shutil.copytree(subject.home, memory)
    write_texts(subject.documents, 5, seed=2)
    subject.commit()
    if verified:
        subject.must("verify")
    newest = base / "newest"
    shutil.copytree(subject.work, newest)
    parts = {"log": ["log"], "log and records": ["log", "tx"]}.get(what, [""])
    for part in parts:
        there = subject.store / part
        shutil.rmtree(there)
        shutil.copytree(older / ".lyrikstore" / part, there)
    if what == "other history":
        other = Subject(base)
        subject.home.rename(base / "home-kept")
        shutil.copytree(memory, subject.home)
        write_texts(base / "other", 5, seed=3)
        other.must("commit", base / "other", "-d", NAME, "--yes")
        shutil.rmtree(subject.home)
        (base / "home-kept").rename(subject.home)
    again = ("commit", subject.documents, "-d", NAME, "--yes")
    findings = []
    verdict = subject.ask("verify", "--json")
    findings += verdict.manners()
    if what == "log" and not verified and "not published" in verdict.out:
        # Nothing but a crash at the last step looks so: the record is there, and the next writer
        # publishes it.
        return findings + subject.repeated(*again) + subject.examine()
    if verdict.code in {0, 4}:
        findings.append(Finding("undetected", f"verify exits {verdict.code}"))
    if what != "log":
        write_texts(subject.documents, 5, seed=4)
        refused = subject.ask("commit", subject.documents, "-d", NAME, "--yes")
        findings += refused.manners()
        if refused.code == 0:
            findings.append(Finding("lost", "a commit forked the log"))
    shutil.rmtree(subject.work)
    shutil.copytree(newest, subject.work)
    return findings + subject.examine(*again)
