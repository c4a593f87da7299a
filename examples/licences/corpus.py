"""Write the licence texts of a scancode-toolkit-mini wheel as a domain developer would have them.

A folder of plain texts and a spreadsheet of what is known about them. The wheel is read as a zip;
nothing in it is installed, imported or unpickled.
"""

import csv
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import yaml

COLUMNS = (
    "path", "key", "short_name", "name", "category", "owner", "spdx_license_key",
    "language", "is_deprecated", "homepage_url", "other_urls", "notes",
)  # fmt: skip
GOLD = ("ignorable_emails", "ignorable_urls", "ignorable_copyrights", "ignorable_holders")

_MEMBER = re.compile(r"licensedcode/data/licenses/([^/]+)\.LICENSE")
_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n?(.*)", re.DOTALL)


def read_texts(wheel: Path) -> list[tuple[str, dict[str, Any], str]]:
    """Return ``(key, front matter, text)`` of every licence, in the order of their keys."""
    texts = []
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            found = _MEMBER.fullmatch(name)
            if found is None:
                continue
            parts = _FRONT_MATTER.fullmatch(archive.read(name).decode("utf-8"))
            if parts is None:
                raise ValueError(f"{name} has no front matter")
            texts.append((found[1], yaml.safe_load(parts[1]), parts[2]))
    return texts


def read_notice(wheel: Path) -> dict[str, str]:
    """Return what the wheel itself says about the licence of its data.

    Raises:
        ValueError: it no longer says CC-BY-4.0; then nothing here may be assumed.
    """
    with zipfile.ZipFile(wheel) as archive:
        about = yaml.safe_load(archive.read("licensedcode/data/scancode-data.ABOUT"))
        text = archive.read("licensedcode/data/cc-by-4.0.LICENSE").decode("utf-8")
    if about["license_expression"] != "cc-by-4.0":
        raise ValueError(f"the data's licence is now {about['license_expression']}")
    return {"expression": "CC-BY-4.0", "copyright": about["copyright"], "text": text}


def write_corpus(wheel: Path, folder: Path) -> dict[str, dict[str, list[str]]]:
    """Write ``documents/``, ``licences.csv``, ``licences.xlsx`` and ``LICENCE.txt`` to ``folder``.

    Returns:
        For each path, the names, e-mails and URLs that its front matter says are in the text:
        not part of the data, only to measure what a redaction found and missed.
    """
    documents = folder / "documents"
    documents.mkdir(parents=True)
    rows = []
    gold: dict[str, dict[str, list[str]]] = {}
    for key, facts, text in read_texts(wheel):
        path = f"{key}.txt"
        (documents / path).write_text(text, "utf-8", newline="")
        row = {**facts, "path": path, "other_urls": " ".join(facts.get("other_urls") or [])}
        rows.append([_cell(row.get(column)) for column in COLUMNS])
        gold[path] = {kind: list(facts.get(kind) or []) for kind in GOLD}
    with (folder / "licences.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("licences")
    for row in (COLUMNS, *rows):
        sheet.append([value or None for value in row])
    workbook.save(folder / "licences.xlsx")
    notice = read_notice(wheel)
    (folder / "LICENCE.txt").write_text(f"{notice['copyright']}\n\n{notice['text']}", "utf-8")
    return gold


def recall(gold: dict[str, dict[str, list[str]]], before: Path, after: Path) -> dict[str, Any]:
    """Return, for each kind of personal data, how many listed strings a redaction removed.

    Args:
        gold: What :func:`write_corpus` returned.
        before: The folder of the original texts.
        after: The folder of the redacted texts; texts that were dropped do not count.

    Returns:
        ``{kind: {"listed": n, "removed": n, "missed": [up to 5 examples]}}``; a listed string
        counts where it occurs literally in the original, white space collapsed, case ignored.
    """
    result: dict[str, Any] = {kind: {"listed": 0, "removed": 0, "missed": []} for kind in GOLD}
    for path, kinds in gold.items():
        if not (after / path).exists():
            continue
        original, redacted = (
            _fold((folder / path).read_text("utf-8")) for folder in (before, after)
        )
        for kind, strings in kinds.items():
            for string in map(_fold, strings):
                if string not in original:
                    continue
                result[kind]["listed"] += 1
                if string not in redacted:
                    result[kind]["removed"] += 1
                elif len(result[kind]["missed"]) < 5:
                    result[kind]["missed"].append(f"{path}: {string}")
    return result


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split())


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())
