"""Makes ``paths/``: what the path grammar takes, what it refuses and why, and which paths collide.

The expected codes are written by hand. A path with an unpaired surrogate stands for a file name
that is not UTF-8.
"""

from typing import Any

GOOD: list[str] = [
    "a",
    "a/b/c.txt",
    "Ünïcode/日本語/Ελληνικά.pdf",
    "file with spaces (1), [v2] & more's!.txt",
    'what? <really> *yes* |no| "quoted".txt',
    ".hidden",
    ".gitignore",
    ".github/workflows",
    ".lyrikignore",
    "git",
    "lyrikstore",
    "console.txt",
    "com10",
    "comma",
    "auxiliary/nulls",
    "a~1.txt",
    "PROGRA~1",
    "..a",
    "a..b",
    "...b",
    "\U0001f600.png",
    "x" * 255,
    "/".join(["y" * 255] * 16),
]

BAD: dict[str, str] = {
    "": "empty",
    "/etc/passwd": "absolute",
    "//x": "absolute",
    "../x": "dots",
    "a/../b": "dots",
    "./a": "dots",
    "a/.": "dots",
    "a//b": "dots",
    "a/": "dots",
    "a\\b": "backslash",
    "..\\x": "backslash",
    "C:x": "colon",
    "c:/x": "colon",
    "file.txt:stream": "colon",
    "a\x00b": "control",
    "a\nb": "control",
    "a\x7fb": "control",
    "a\x85b": "control",
    "a\u2028b": "control",
    "a\u202eb": "bidi",
    "a\u2066b": "bidi",
    "a\u200bb": "ignorable",
    "a\u200db": "ignorable",
    "a\ufe0fb": "ignorable",
    "a\u00adb": "ignorable",
    "\ufeffa": "ignorable",
    "a\U000e0041b": "ignorable",
    "a\u0378b": "unassigned",
    "a\uffffb": "unassigned",
    "a\U0001fae8b": "unassigned",  # assigned in Unicode 15
    "cafe\u0301": "not-nfc",
    "\u212b": "not-nfc",
    "a.": "trailing",
    "a ": "trailing",
    "a./b": "trailing",
    "a /b": "trailing",
    "con": "device",
    "CON": "device",
    "a/Con.txt": "device",
    "nul.tar.gz": "device",
    "com1": "device",
    "LPT9.x": "device",
    "COM\u00b9": "device",
    "aux .txt": "device",
    "CONIN$": "device",
    ".git": "lookalike",
    ".GIT/config": "lookalike",
    "a/.Git": "lookalike",
    ".g\u200dit/hooks": "lookalike",
    "\uff0egit": "lookalike",
    ".g\u0131t".replace("\u0131", "\uff49"): "lookalike",
    ".git.": "lookalike",
    ".git ": "lookalike",
    ".git::$INDEX_ALLOCATION": "lookalike",
    "git~1": "lookalike",
    "GIT~2": "lookalike",
    ".lyrikstore": "lookalike",
    ".LyrikStore/packs": "lookalike",
    ".lyri\u212astore": "lookalike",  # KELVIN SIGN folds to k
    ".lyrik\ufe0fstore": "lookalike",
    "LYRIKS~1": "lookalike",
    "x" * 256: "too-long",
    "\u00fc" * 128: "too-long",
    "/".join(["y" * 255] * 17): "too-long",
    "a\udcffb": "not-text",
}

COLLIDING: list[tuple[list[str], str | None]] = [
    (["A.txt", "a.txt"], "twin"),
    (["STRASSE", "straße"], "twin"),
    (["K", "\u017f"], None),
    (["s", "\u017f"], "twin"),
    (["É", "é"], "twin"),
    (["Docs/a", "docs/b"], "twin"),
    (["a/b/c", "a/B/d"], "twin"),
    (["a", "a/b"], "file-and-folder"),
    (["A", "a/b"], "file-and-folder"),
    (["a/b", "a/b/c/d"], "file-and-folder"),
    (["a", "a"], "duplicate"),
    (["a", "b", "a-b", "a0", "a.b/x", "a.c/x"], None),
    (["caf\u00e9", "cafe\u0301"], "twin"),
]

MAPPED: list[dict[str, str]] = [
    {"a.txt": "a.txt", "Caldwell Holdings Ltd./letter e.V.": "Caldwell Holdings Ltd/letter e.V"},
    {"a ": "a", "a. .": "a-2", "a..": "a-3", "b": "b"},
    {"a": "a", "a-2": "a-2", "a.": "a-3"},
    {"Docs/a": "Docs/a", "docs/b": "docs-2/b", "docs./c": "docs-3/c"},
    {"Report.txt": "Report.txt", "report.txt": "report-2.txt"},
    {"con": "_con", "AUX.txt": "_AUX.txt", "nul./x": "_nul/x"},
    {"a:b\\c.txt": "a_b_c-2.txt", "a_b_c.txt": "a_b_c.txt", "x\ny": "x_y", "a\u202eb": "a_b"},
    {"caf\u00e9.txt": "caf\u00e9.txt", "cafe\u0301.txt": "caf\u00e9-2.txt"},
    {"M\udcfcller.txt": "M_ller.txt"},
    {". .": "_", "...": "_-2"},
    {"\u00fc" * 130 + ".txt": "\u00fc" * 125 + ".txt"},
    {"\u00fc" * 130: "\u00fc" * 127, "\u00fc" * 131: "\u00fc" * 126 + "-2"},
    {".git./x": ".git/x", "git~1": "git~1"},  # stays refused
]


def make() -> dict[str, Any]:
    """Return file name → content."""
    together = [
        {"id": str(number), "paths": paths, **({"offence": offence} if offence else {})}
        for number, (paths, offence) in enumerate(COLLIDING)
    ]
    single = [{"id": str(number), "path": path} for number, path in enumerate(GOOD)]
    refused = [
        {"id": str(number), "path": path, "offence": offence}
        for number, (path, offence) in enumerate(BAD.items())
    ]
    return {
        "paths/good.json": {"cases": single},
        "paths/refused.json": {"cases": refused},
        "paths/together.json": {"cases": together},
        "paths/mapped.json": {
            "cases": [
                {
                    "id": str(number),
                    "files": [{"name": name, "path": path} for name, path in sorted(case.items())],
                }
                for number, case in enumerate(MAPPED)
            ]
        },
    }
