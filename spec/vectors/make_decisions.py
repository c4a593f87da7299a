"""Makes ``decisions/``: what a recipe decides about every record, and what is no such table.

Of ``rows.json`` each case is a source, or several, a recipe, and what comes of them: the rows of
the decision table of version 3 (spec §12.6.1) without the columns that are empty, the counts of
each part, and its files. They are written by hand; records are drawn here from the text of the
spec (12.5.20, 12.5.21), not with the code under test. ``read`` are datasets that a step compares
with. Files are of ASCII, or ``hex``.

Of ``states.json`` each case is a change of a decision table that fits its source and its result,
and whether it still fits (spec §11.7.4). None depends on a machine: nothing is measured.
"""

import json
from collections.abc import Iterator
from typing import Any

from blake3 import blake3

Row = dict[str, Any]
Files = dict[str, Any]


def recipe(*steps: str) -> str:
    """Return a recipe file."""
    return "recipe = 1\n" + "".join(f"[[step]]\n{step}\n" for step in steps)


def jsonl(*rows: dict[str, Any]) -> str:
    """Return a file of rows."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def row(file: int, position: int, action: str, by: str = "", reason: str = "", **more: Any) -> Row:
    """Return a row of a table; ``by`` is the step and its filter, such as ``1 allow/1``."""
    step, _, name = by.partition(" ")
    acted = {"step": int(step), "filter": name} if by else {}
    why = {"reason": reason} if reason else {}
    return {"file": file, "position": position, "action": action, **acted, **why, **more}


def kept(file: int, position: int, path: str, at: int, **more: Any) -> Row:
    """Return the row of a record that stays."""
    by = more.pop("by", "")
    return row(file, position, "kept", by, new_path=path, new_position=at, **more)


def other(file: int, position: int) -> dict[str, int]:
    """Return the columns that name the record for which one was dropped."""
    return {"other_file": file, "other_position": position}


def record_id(line: str) -> str:
    """Return the id of a row (9.2)."""
    context = "lyrikstore 2026-11 record id jsonl/1"
    return str(blake3(line.encode(), derive_key_context=context).hexdigest())


def document_id(text: str) -> str:
    """Return the id of a document (9.2)."""
    context = "lyrikstore 2026-11 record id document/1"
    digest = blake3(text.encode()).digest()
    return str(blake3(digest, derive_key_context=context).hexdigest())


def drawn(seed: str, line: str) -> bytes:
    """Return the number by which a row is drawn (12.5.20)."""
    text = json.dumps([seed, record_id(line)], separators=(",", ":")).encode()
    return blake3(text, derive_key_context="lyrikstore 2026-11 sample").digest(length=8)


def document(text: str) -> str:
    """Return the digest of a text that is cut (12.5.27)."""
    return blake3(text.encode(), derive_key_context="lyrikstore 2026-12 document").hexdigest()


def part(files: Files, rows: list[Row], came: int, *, elsewhere: int = 0, made: int = 0) -> Row:
    """Return what a part says of itself, counted from the rows of its records."""
    dropped: dict[str, int] = {}
    changed: dict[str, set[Any]] = {}
    reported: dict[str, set[Any]] = {}
    stays = [one for one in rows if one["action"] == "kept"]
    places = {(one["file"], one["position"]): one for one in stays}
    for one in rows:
        if one["action"] in {"dropped", "divided"}:
            dropped[one["reason"]] = dropped.get(one["reason"], 0) + 1
        of = [
            (s["file"], s["position"], s.get("item"))
            for s in stays
            if (s["file"], s["position"]) == (one["file"], one["position"])
        ]
        if one["action"] in {"changed", "reported"} and (one["file"], one["position"]) in places:
            into = changed if one["action"] == "changed" else reported
            into.setdefault(one["reason"], set()).update(of)
    counts = {
        "in": came,
        "kept": len(stays),
        "dropped": sum(dropped.values()),
        "changed": len(set().union(*changed.values())) if changed else 0,
        "elsewhere": elsewhere,
    }
    return {
        "files": files,
        "counts": counts | ({"made": made} if made else {}),
        "dropped": dropped,
        "changed": {name: len(some) for name, some in changed.items()},
        "reported": {name: len(some) for name, some in reported.items()},
    }


def one(
    name: str, source: Files, steps: str, rows: list[Row], files: Files, came: int, **more: Any
) -> Row:
    """Return a case with one source and one result."""
    made = more.pop("made", 0)
    return {
        "id": name,
        **more,
        "sources": {"acme/source": source},
        "recipe": steps,
        "rows": rows,
        "parts": {"": part(files, rows, came, made=made)},
    }


DOCUMENTS = {
    "a.txt": "One\n",
    "b.txt": "",
    "c.txt": " \n",
    "d.txt": "ONE",
    "e.txt": {"hex": "ff"},
    "f.txt": "write to me@example.org",
}
LICENSED = [
    {"text": "dear sir", "kind": "letter", "licence": "MIT"},
    {"text": "Dear  Sir", "kind": "letter", "licence": "MIT"},
    {"text": "dear sir", "kind": "form", "licence": "MIT OR X"},
    {"text": "whereas", "kind": "ruling", "licence": "GPL-3.0-only"},
    {"text": "a", "kind": "none", "licence": "MIT"},
    {"text": "b", "licence": "MIT"},
    {"text": "held", "kind": "ruling", "licence": "GPL-3.0-only OR MIT"},
]
CUT = {"a.txt": "One two three four. me@example.org", "b.txt": "One two", "c.txt": " "}


def cases() -> Iterator[Row]:
    """Yield the cases of ``rows.json``."""
    by = "1 drop-empty/1"
    yield one(
        "documents",
        DOCUMENTS,
        recipe(
            'use = "drop-empty/1"',
            'use = "drop-duplicates/1"',
            'use = "redact/1"\npatterns = ["email"]',
        ),
        [
            kept(0, 0, "a.txt", 0),
            row(1, 0, "dropped", by, "empty"),
            row(2, 0, "dropped", by, "blank"),
            row(3, 0, "dropped", "2 drop-duplicates/1", "duplicate", **other(0, 0)),
            row(4, 0, "dropped", by, "undecodable"),
            row(5, 0, "changed", "3 redact/1", "redacted-email", field="text", count=1),
            kept(5, 0, "f.txt", 0),
        ],
        {"a.txt": "One\n", "f.txt": "write to <EMAIL>"},
        6,
    )
    yield one(
        "rows",
        {"a.jsonl": jsonl(*LICENSED)},
        recipe(
            'use = "allow/1"\ncolumn = "kind"\nvalues = ["letter", "form", "ruling"]',
            'use = "licence/1"\nallow = ["MIT"]',
            'use = "drop-duplicates/2"',
        ),
        [
            kept(0, 0, "a.jsonl", 0),
            row(0, 1, "dropped", "3 drop-duplicates/2", "duplicate-normalised", **other(0, 0)),
            row(0, 2, "dropped", "2 licence/1", "licence-unknown"),
            row(0, 3, "dropped", "2 licence/1", "licence-not-allowed"),
            row(0, 4, "dropped", "1 allow/1", "not-allowed"),
            row(0, 5, "dropped", "1 allow/1", "no-value"),
            kept(0, 6, "a.jsonl", 1),
        ],
        {"a.jsonl": jsonl(LICENSED[0], LICENSED[6])},
        7,
    )
    labels = [("one", "x"), ("One", "x"), ("one", "y"), ("two", "y")]
    pairs = [{"text": text, "label": label} for text, label in labels]
    conflict = "1 drop-duplicates/2"
    yield one(
        "labels-in-conflict",
        {"a.jsonl": jsonl(*pairs)},
        recipe('use = "drop-duplicates/2"'),
        [
            row(0, 0, "reported", conflict, "label-conflict", **other(0, 2)),
            kept(0, 0, "a.jsonl", 0),
            row(0, 1, "dropped", conflict, "duplicate-normalised", **other(0, 0)),
            row(0, 2, "reported", conflict, "label-conflict", **other(0, 0)),
            kept(0, 2, "a.jsonl", 1),
            kept(0, 3, "a.jsonl", 2),
        ],
        {"a.jsonl": jsonl(pairs[0], pairs[2], pairs[3])},
        4,
    )
    digests = [document(CUT["a.txt"].replace("me@example.org", "<EMAIL-1>")), document("One two")]
    extracted = {"field": "text", "count": 1}
    yield one(
        "divided",
        CUT,
        recipe(
            'use = "extract-text/2"',
            'use = "redact/3"\nkinds = ["email"]\ndetectors = ["patterns"]',
            'use = "chunk/2"\nunit = "tokens"\nsize = 3\noverlap = 0',
        ),
        [
            row(0, 0, "changed", "1 extract-text/2", "extracted-txt", **extracted),
            row(0, 0, "changed", "2 redact/3", "redacted-email", **extracted),
            row(0, 0, "divided", "3 chunk/2", "chunked", count=2),
            kept(0, 0, "part-00000.jsonl", 0, item=0),
            kept(0, 0, "part-00000.jsonl", 1, item=1),
            row(1, 0, "changed", "1 extract-text/2", "extracted-txt", **extracted),
            row(1, 0, "divided", "3 chunk/2", "chunked", count=1),
            kept(1, 0, "part-00000.jsonl", 2, item=0),
            row(2, 0, "changed", "1 extract-text/2", "extracted-txt", **extracted),
            row(2, 0, "dropped", "3 chunk/2", "blank"),
        ],
        {
            "part-00000.jsonl": "".join(
                f'{{"document":"{digests[of]}","end":{end},"part":{number},"path":"{path}",'
                f'"start":{start},"text":"{text}"}}\n'
                for of, end, number, path, start, text in (
                    (0, 13, 1, "a.txt", 0, "One two three"),
                    (0, 29, 2, "a.txt", 14, "four. <EMAIL-1>"),
                    (1, 7, 1, "b.txt", 0, "One two"),
                )
            )
        },
        3,
        made=3,
    )
    scanned: Files = {
        "a.txt": "One\r\ntwo",
        "b.md": {"hex": "610162"},
        "c.doc": "{\\rtf1 x}",
        "d.gif": "GIF89a",
        "e.txt": "",
    }
    extracted_from = document_id(scanned["a.txt"])
    yield one(
        "extracted",
        scanned,
        recipe('use = "extract-text/1"'),
        [
            row(0, 0, "changed", "1 extract-text/1", "extracted-txt", **extracted),
            kept(0, 0, "part-00000.jsonl", 0),
            row(1, 0, "dropped", "1 extract-text/1", "undecodable"),
            row(2, 0, "dropped", "1 extract-text/1", "old-office"),
            row(3, 0, "dropped", "1 extract-text/1", "unknown-format"),
            row(4, 0, "changed", "1 extract-text/1", "extracted-txt", **extracted),
            kept(4, 0, "part-00000.jsonl", 1),
        ],
        {
            "part-00000.jsonl": "".join(
                f'{{"parent":"{parent}","path":"{path}","text":"{text}"}}\n'
                for parent, path, text in (
                    (extracted_from, "a.txt", "One\\ntwo"),
                    (document_id(""), "e.txt", ""),
                )
            )
        },
        5,
    )
    addresses = ["", "", "http://www.example.org/three", "https://other.example/x", "https:///x"]
    lines = [
        {"text": text, **({"url": url} if url else {})}
        for text, url in zip(["one", "Two", "three", "four", "five"], addresses, strict=True)
    ]
    left_out = [{"hash": record_id(json.dumps(lines[0]))}, {"domain": "example.org"}]
    yield one(
        "compared",
        {"a.jsonl": jsonl(*lines)},
        recipe(
            'use = "decontaminate/1"\nagainst = "acme/test"',
            'use = "opt-out/1"\nagainst = ["acme/list"]\nurl = "url"',
        ),
        [
            row(0, 0, "dropped", "2 opt-out/1", "opted-out-hash"),
            row(0, 1, "dropped", "1 decontaminate/1", "overlap-normalised", **other(0, 1)),
            row(0, 2, "dropped", "2 opt-out/1", "opted-out-domain"),
            kept(0, 3, "a.jsonl", 0),
            row(0, 4, "dropped", "2 opt-out/1", "address-unreadable"),
        ],
        {"a.jsonl": jsonl(lines[3])},
        5,
        read={
            "acme/test": {"t.jsonl": jsonl({"text": "x"}, {"text": "two"})},
            "acme/list": {"l.jsonl": jsonl(*left_out)},
        },
    )
    documents = [{"text": "me@example.org"}, {"text": "b"}, {"text": "call 555-123-4567"}]
    yield one(
        "personal",
        {"a.jsonl": jsonl(*documents)},
        recipe(
            'use = "drop-personal/1"\nkinds = ["email"]\ndetectors = ["patterns"]',
            'use = "redact/2"\nkinds = ["phone"]\ndetectors = ["patterns"]',
        ),
        [
            row(0, 0, "dropped", "1 drop-personal/1", "personal-email"),
            kept(0, 1, "a.jsonl", 0),
            row(0, 2, "changed", "2 redact/2", "redacted-phone", field="text", count=1),
            kept(0, 2, "a.jsonl", 1),
        ],
        {"a.jsonl": jsonl(documents[1]) + '{"text":"call <PHONE-1>"}\n'},
        3,
    )
    yield from draws()
    yield from several()


def draws() -> Iterator[Row]:
    """Yield the cases in which records are drawn."""
    rows = [{"text": f"record {at}", "label": "ab"[at % 3 == 0]} for at in range(11)]
    lines = [json.dumps(one) for one in rows]
    for name, params, seed, count in (
        ("sampled", "records = 4", "0", 4),
        ("sampled-by-share", 'share = 0.3\nseed = "a"', "a", 3),
    ):
        order = sorted(range(11), key=lambda at: drawn(seed, lines[at]))
        yield _drawn(name, f'use = "sample/1"\n{params}', lines, set(order[:count]), "not-sampled")
    for name, params, seed, most in (
        ("balanced", 'by = "label"', "0", 4),
        ("balanced-to-two", 'most = 2\nseed = "1"', "1", 2),
    ):
        stays = set[int]()
        for label in "ab":
            group = [at for at in range(11) if rows[at]["label"] == label]
            stays.update(sorted(group, key=lambda at: drawn(seed, lines[at]))[:most])
        yield _drawn(name, f'use = "balance/1"\n{params}', lines, stays, "balanced")


def _drawn(name: str, step: str, lines: list[str], stays: set[int], reason: str) -> Row:
    by = "1 " + step.split('"')[1]
    places = {at: place for place, at in enumerate(sorted(stays))}
    rows = [
        kept(0, at, "a.jsonl", places[at]) if at in stays else row(0, at, "dropped", by, reason)
        for at in range(len(lines))
    ]
    files = {"a.jsonl": "".join(f"{lines[at]}\n" for at in sorted(stays))}
    source = {"a.jsonl": "".join(f"{line}\n" for line in lines)}
    return one(name, source, recipe(step), rows, files, len(lines))


def several() -> Iterator[Row]:
    """Yield a union of two sources, and what is dealt to parts."""
    rows = [
        kept(0, 0, "acme/a/x.jsonl", 0),
        row(0, 1, "dropped", "2 drop-empty/1", "empty"),
        kept(1, 0, "acme/b/x.jsonl", 0),
    ]
    a, b = [{"text": "a"}, {"text": ""}], [{"text": "a"}]
    yield {
        "id": "united",
        "sources": {"acme/b": {"x.jsonl": jsonl(*b)}, "acme/a": {"x.jsonl": jsonl(*a)}},
        "recipe": recipe('use = "drop-empty/1"'),
        "rows": rows,
        "parts": {"": part({"acme/a/x.jsonl": jsonl(a[0]), "acme/b/x.jsonl": jsonl(*b)}, rows, 3)},
    }
    lists = 'use = "split/2"\ntrain = ["tr"]\nvalidation = ["dev", "3"]\ntest = ["te"]'
    names: list[Any] = ["tr", "te", None, "q", "dev", 3, "tr"]
    dealt = [
        {"text": f"{at}", **({} if name is None else {"split": name})}
        for at, name in enumerate(names)
    ]
    into = ["train", "test", "no-part", "other-part", "validation", "validation", "train"]
    yield _dealt("dealt-by-lists", lists, dealt, into)
    shares = (
        'use = "split/2"\nby = "matter"\nseed = "6"\ntrain = 0.5\nvalidation = 0.25\ntest = 0.25'
    )
    matters = [{"text": f"{at}", "matter": f"m{at // 2}"} for at in range(10)]
    into = [_part_of("6", row["matter"]) for row in matters]
    yield _dealt("dealt-by-shares", shares, matters, into)


def _part_of(seed: str, value: str) -> str:
    """Return the part of a group by shares of a half and two quarters (12.5.6)."""
    text = json.dumps([seed, "value", value], separators=(",", ":")).encode()
    hashed = blake3(text, derive_key_context="lyrikstore 2026-11 split").digest(length=8)
    return ["train", "train", "validation", "test"][hashed[0] >> 6]


def _dealt(name: str, step: str, lines: list[Row], into: list[str]) -> Row:
    by = "1 split/2"
    parts = ("train", "validation", "test")
    counts = dict.fromkeys(parts, 0)
    rows = []
    for at, to in enumerate(into):
        if to not in counts:
            rows.append(row(0, at, "dropped", by, to))
            continue
        rows.append(kept(0, at, "a.jsonl", counts[to], part=to, by=by))
        counts[to] += 1
    found = {}
    for to in parts:
        own = [one for one in rows if one.get("part") in {None, to}]
        files = {"a.jsonl": jsonl(*(one for one, of in zip(lines, into, strict=True) if of == to))}
        elsewhere = sum(counts.values()) - counts[to]
        found[to] = part(files, own, len(lines), elsewhere=elsewhere)
    return {
        "id": name,
        "sources": {"acme/source": {"a.jsonl": jsonl(*lines)}},
        "recipe": recipe(step),
        "rows": rows,
        "parts": found,
    }


def states() -> Iterator[Row]:
    """Yield the cases of ``states.json``."""

    def change(name: str, of: str, at: int, state: str = "bad-decisions", **new: Any) -> Row:
        return {"id": name, "of": of, "state": state, "change": {"at": at, "row": new or None}}

    def says(name: str, of: str, state: str, **changes: Any) -> Row:
        return {"id": name, "of": of, "state": state, **changes}

    for of in ("documents", "rows", "labels-in-conflict", "divided", "united", "dealt-by-lists"):
        yield says(f"{of}-as-they-are", of, "pass")
    no = "not-allowed"
    yield change("record-left-out", "rows", 4)
    yield change("last-record-left-out", "rows", 6)
    yield says(
        "record-twice",
        "rows",
        "bad-decisions",
        insert={"at": 5, "row": row(0, 4, "dropped", "1 allow/1", no)},
    )
    yield says(
        "another-record",
        "rows",
        "bad-decisions",
        insert={"at": 7, "row": row(0, 7, "dropped", "1 allow/1", no)},
    )
    yield change("another-file", "documents", 1, **row(2, 0, "dropped", "1 drop-empty/1", "empty"))
    yield change("step-of-another-name", "rows", 4, **row(0, 4, "dropped", "2 allow/1", no))
    yield change("step-beyond-the-last", "rows", 4, **row(0, 4, "dropped", "4 allow/1", no))
    yield change("no-step-drops-it", "rows", 4, **row(0, 4, "dropped", reason=no))
    yield change("no-such-action", "rows", 4, **row(0, 4, "lost", "1 allow/1", no))
    yield change("reported-and-no-more", "rows", 4, **row(0, 4, "reported", "1 allow/1", no))
    yield change("two-last-rows", "labels-in-conflict", 0, **kept(0, 0, "a.jsonl", 0))
    yield change("kept-in-no-file", "rows", 0, **kept(0, 0, "b.jsonl", 0))
    yield change("kept-out-of-order", "rows", 6, **kept(0, 6, "a.jsonl", 2))
    yield change("document-where-another-is", "documents", 6, **kept(5, 0, "a.txt", 0))
    yield change(
        "of-no-part", "dealt-by-lists", 0, **kept(0, 0, "a.jsonl", 0, part="rest", by="1 split/2")
    )
    # A kept row may name no step.
    yield change(
        "kept-by-no-step", "dealt-by-lists", 0, "pass", **kept(0, 0, "a.jsonl", 0, part="train")
    )
    yield change("made-of-none", "divided", 3, **kept(0, 0, "part-00000.jsonl", 0))
    yield change("numbered-from-one", "divided", 3, **kept(0, 0, "part-00000.jsonl", 0, item=1))
    yield change(
        "fewer-than-divided", "divided", 2, **row(0, 0, "divided", "3 chunk/2", "chunked", count=3)
    )
    yield change(
        "more-than-divided", "divided", 2, **row(0, 0, "divided", "3 chunk/2", "chunked", count=1)
    )
    yield change(
        "divided-without-a-count", "divided", 2, **row(0, 0, "divided", "3 chunk/2", "chunked")
    )
    yield change("unsaid-change", "documents", 5, **row(5, 0, "reported", "3 redact/1", "x"))
    # What a reason is called is the author's word: counts show that it is another one.
    yield change(
        "another-reason", "rows", 4, "differs", **row(0, 4, "dropped", "1 allow/1", "no-value")
    )
    yield says(
        "another-row-in-the-result",
        "rows",
        "bad-decisions",
        files={"": {"a.jsonl": jsonl(LICENSED[0], LICENSED[3])}},
    )
    yield says(
        "fewer-rows-in-the-result",
        "rows",
        "bad-decisions",
        files={"": {"a.jsonl": jsonl(LICENSED[0])}},
    )
    yield says(
        "a-file-that-nothing-went-to",
        "documents",
        "bad-decisions",
        files={"": {"a.txt": "One\n", "f.txt": "write to <EMAIL>", "g.txt": "?"}},
    )
    yield says(
        "changed-document-may-be-anything",
        "documents",
        "pass",
        files={"": {"a.txt": "One\n", "f.txt": "write to nobody"}},
    )
    yield says(
        "unchanged-document-is-what-it-was",
        "documents",
        "bad-decisions",
        files={"": {"a.txt": "Two\n", "f.txt": "write to <EMAIL>"}},
    )
    yield says(
        "another-count",
        "rows",
        "differs",
        counts={"": {"in": 8, "kept": 2, "dropped": 6, "changed": 0, "elsewhere": 0}},
    )
    yield says(
        "another-count-of-what-was-made",
        "divided",
        "differs",
        counts={"": {"in": 3, "kept": 3, "dropped": 4, "changed": 3, "elsewhere": 0, "made": 4}},
    )
    yield says(
        "kept-elsewhere",
        "dealt-by-lists",
        "differs",
        counts={"test": {"in": 7, "kept": 1, "dropped": 2, "changed": 0, "elsewhere": 3}},
    )
    yield says("source-retired", "rows", "pass", retired=True)
    yield says(
        "source-retired-and-order-lost",
        "documents",
        "bad-decisions",
        retired=True,
        change={"at": 1, "row": row(9, 0, "dropped", "1 drop-empty/1", "empty")},
    )


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    return {
        "decisions/rows.json": {"cases": list(cases())},
        "decisions/states.json": {"cases": list(states())},
    }
