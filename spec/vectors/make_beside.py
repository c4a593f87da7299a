"""Makes ``beside/words.json``: which files beside a credential may say something by themselves.

A file is spelt in pieces, of which ``["x", 3]`` is ``xxx``; a folder is how often it has which
file, and whether what stores say there is little enough to be judged. Expected answers are by hand.
"""

from typing import Any

MIB = 1 << 20


def make() -> dict[str, Any]:
    """Return file name → content."""
    rows: list[tuple[str, list[Any], bool]] = [
        ("object", ["{}"], True),
        ("blanks-first", [" \t\r\n{}"], True),
        ("many-blanks-first", [[" ", 100_000], "{}"], True),
        ("not-json-behind-it", ["{ no json"], True),
        ("log-proof", ["c2sp.org/tlog-proof@v1\nindex 0\n"], True),
        ("log-proof-without-its-line", ["c2sp.org/tlog-proof@v1"], False),
        ("log-proof-after-a-blank", [" c2sp.org/tlog-proof@v1\n"], False),
        ("as-large-as-can-be", ["{", ["x", MIB - 1]], True),
        ("larger", ["{", ["x", MIB]], False),
        ("empty", [], False),
        ("blanks", [[" ", 1000]], False),
        ("array", ["[{}]"], False),
        ("byte-order-mark", ["\ufeff{}"], False),
        ("vertical-tab", ["\x0b{}"], False),
        ("text", ["A licence {}"], False),
    ]
    cases = [{"id": name, "file": file, "words": words} for name, file, words in rows]
    policy, genesis = '{"kind":"policy"}', '{"kind":"genesis"}'
    proof = "c2sp.org/tlog-proof@v1\n"
    folders: list[tuple[str, list[tuple[int, list[Any]]], bool]] = [
        ("nothing", [], True),
        ("many-proofs", [(511, [proof])], True),
        ("many-policies", [(511, [policy])], True),
        ("as-many-pairs-as-can-be", [(99, [policy]), (1, [genesis]), (200, [proof])], True),
        ("more-pairs", [(99, [policy]), (2, [genesis]), (200, [proof])], False),
        ("as-much-as-can-be", [(4, [policy, [" ", MIB // 4 - len(policy)]])], True),
        ("more", [(4, [genesis, [" ", MIB // 4 - len(genesis)]]), (1, [policy])], False),
        ("others-do-not-count", [(9, ['{"kind":"dataset"}', [" ", MIB // 4]])], True),
    ]
    few = [{"id": name, "files": files, "few": right} for name, files, right in folders]
    return {"beside/words.json": {"most": 4 * MIB, "cases": cases, "folders": few}}
