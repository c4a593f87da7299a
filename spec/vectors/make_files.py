"""Makes ``files/``: a list of files, what a folder holds instead, and what ``data.files`` answers.

The expected answers are by hand. Paths are in form C where they are listed, and stand in a folder
in whatever form a file system gave them.
"""

from typing import Any

COMPOSED, DECOMPOSED = "caf\u00e9/\u00fc\u00df.txt", "cafe\u0301/u\u0308\u00df.txt"
HALF = "caf\u00e9/u\u0308\u00df.txt"
UNIX, DOS = "one\ntwo\n\nthree", "one\r\ntwo\r\n\r\nthree"


def departures() -> list[tuple[str, dict[str, str], dict[str, str], str, dict[str, Any]]]:
    """Return id, listed files, found files, reason or state, and members of ``detail``."""

    def differs(*named: tuple[str, str]) -> dict[str, Any]:
        return {"differs": [{"path": path, "reason": reason} for path, reason in named]}

    moved = {"from": COMPOSED, "to": DECOMPOSED}
    return [
        ("as-listed", {"a": UNIX, COMPOSED: DOS}, {"a": UNIX, COMPOSED: DOS}, "pass",
         {"matching": 2}),
        ("lf-became-crlf", {"a": UNIX}, {"a": DOS}, "line-ends", differs(("a", "line-ends"))),
        ("crlf-became-lf", {"a": DOS}, {"a": UNIX}, "line-ends", differs(("a", "line-ends"))),
        ("some-lf-became-crlf", {"a": UNIX}, {"a": "one\r\ntwo\n\nthree"}, "line-ends",
         differs(("a", "line-ends"))),
        ("only-line-ends", {"a": "\n\n\n"}, {"a": "\r\n\r\n\r\n"}, "line-ends",
         differs(("a", "line-ends"))),
        ("mixed-ends-became-lf", {"a": "one\r\ntwo\n"}, {"a": "one\ntwo\n"}, "differs",
         differs(("a", "size"))),
        ("cr-before-crlf-stays", {"a": "one\r\n"}, {"a": "one\r\r\n"}, "line-ends",
         differs(("a", "line-ends"))),
        ("crlf-before-cr", {"a": "one\n\r"}, {"a": "one\r\n\r"}, "line-ends",
         differs(("a", "line-ends"))),
        ("cr-alone-is-no-end", {"a": "one\ntwo"}, {"a": "one\rtwo"}, "differs",
         differs(("a", "content"))),
        ("ends-and-a-letter", {"a": UNIX}, {"a": DOS.replace("two", "Two")}, "differs",
         differs(("a", "size"))),
        ("one-end-more", {"a": UNIX}, {"a": DOS + "\r\n"}, "differs", differs(("a", "size"))),
        ("emptied", {"a": "\n"}, {"a": ""}, "differs", differs(("a", "size"))),
        ("one-by-ends-and-one-edited", {"a": UNIX, "b": "one"}, {"a": DOS, "b": "two"}, "differs",
         differs(("a", "line-ends"), ("b", "content"))),
        ("content-of-another-is-said-first", {"a": UNIX, "b": DOS}, {"a": DOS, "b": DOS}, "differs",
         {"differs": [{"path": "a", "reason": "size", "holds": "b"}]}),
        ("ends-and-swapped", {"a": "1", "b": "2", "c": UNIX}, {"a": "2", "b": "1", "c": DOS},
         "swapped", {"swapped": [["a", "b"]], **differs(("c", "line-ends"))}),
        ("named-once", {"a": "1", "c": "2", "d": "1"}, {"a": "", "c": "1", "d": "2"}, "differs",
         {"differs": [{"path": "a", "reason": "size"},
                      {"path": "c", "reason": "content", "holds": "a"},
                      {"path": "d", "reason": "content", "holds": "c"}], "swapped": None}),
        ("another-form", {COMPOSED: UNIX, "z": ""}, {DECOMPOSED: UNIX, "z": ""}, "unicode-form",
         {"matching": 1, "unicodeForm": [moved]}),
        ("half-in-another-form", {COMPOSED: UNIX}, {HALF: UNIX}, "unicode-form",
         {"unicodeForm": [{"from": COMPOSED, "to": HALF}]}),
        ("another-form-of-an-empty-file", {COMPOSED: ""}, {DECOMPOSED: ""}, "unicode-form",
         {"unicodeForm": [moved]}),
        ("another-form-before-another-name", {COMPOSED: UNIX, "b": UNIX},
         {"a": UNIX, DECOMPOSED: UNIX}, "renamed",
         {"unicodeForm": [moved], "renamed": [{"from": "b", "to": "a"}]}),
        ("another-form-and-content", {COMPOSED: UNIX}, {DECOMPOSED: "x"}, "extra",
         {"missing": [COMPOSED], "extra": [DECOMPOSED]}),
        ("another-form-beside-the-listed", {COMPOSED: UNIX}, {COMPOSED: UNIX, DECOMPOSED: UNIX},
         "extra", {"extra": [DECOMPOSED]}),
        ("compatible-is-another-name", {"fi.txt": UNIX}, {"\ufb01.txt": UNIX}, "renamed",
         {"renamed": [{"from": "fi.txt", "to": "\ufb01.txt"}]}),
        ("another-form-and-one-edited", {COMPOSED: UNIX, "b": "1"}, {DECOMPOSED: UNIX, "b": "2"},
         "differs", {"unicodeForm": [moved], **differs(("b", "content"))}),
    ]  # fmt: skip


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "files/departures.json": {
            "cases": [
                {"id": name, "listed": listed, "found": found, "answer": answer, "detail": detail}
                for name, listed, found, answer, detail in departures()
            ]
        }
    }
