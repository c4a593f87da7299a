"""Write the tables that browsers lack: page/src/history/trees/unicode.js.

Case folding and the assigned code points are those of Unicode 14.0.0, whatever the browser knows:
the same path must be refused by both verifiers.
"""

from pathlib import Path

from lyrikstore.history.trees.unicode14 import is_assigned

TARGET = Path(__file__).resolve().parents[1] / "page" / "src" / "history" / "trees" / "unicode.js"
WIDTH = 96


def assigned_runs() -> list[int]:
    """Return run lengths from U+0000: assigned, unassigned, assigned, and so on."""
    runs, state, length = [], True, 0
    for code in range(0x110000):
        if is_assigned(chr(code)) != state:
            runs.append(length)
            state, length = not state, 0
        length += 1
    return [*runs, length]


def folds() -> list[tuple[int, list[int]]]:
    """Return the full case folding of every assigned character that has one."""
    found = []
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or not is_assigned(chr(code)):
            continue
        folded = chr(code).casefold()
        if folded != chr(code):
            found.append((code, [ord(character) for character in folded]))
    return found


def base36(number: int) -> str:
    """Return ``number`` as JavaScript's ``parseInt(text, 36)`` reads it."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = digits[number % 36]
    while number := number // 36:
        text = digits[number % 36] + text
    return text


def literal(words: list[str]) -> str:
    """Return ``words`` as a template literal of short lines."""
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) + 1 > WIDTH:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "`\n" + "\n".join([*lines, line]) + "\n`"


def main() -> None:
    """Write the file."""
    pairs, last = [], 0
    for code, folded in folds():  # the distance to the character before, then to each fold
        pairs.append(".".join([base36(code - last), *(base36(value) for value in folded)]))
        last = code
    runs = literal([base36(run) for run in assigned_runs()])
    TARGET.write_text(
        "/** Made by tools/make_page_tables.py: Unicode 14.0.0, numbers in base 36. */\n\n"
        "/** Run lengths from U+0000: assigned, unassigned, assigned, and so on. */\n"
        f"export const RUNS = {runs};\n\n"
        "/** Full case folding: distance to the character before, then what it folds to. */\n"
        f"export const FOLDS = {literal(pairs)};\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
