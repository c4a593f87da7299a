"""The reader of a file of rows, chosen by the file's name (spec §12.8)."""

SUFFIXES = {
    "jsonl/1": (".jsonl", ".ndjson"),
    "csv/1": (".csv", ".tsv"),
    "csv/2": (".csv", ".tsv"),
    "parquet/1": (".parquet",),
}
"""Reader of rows → the suffixes of its files."""

PACKED = (".gz", ".zst")
"""Suffixes of compressed files, unpacked at commit; not used for Parquet, which compresses."""


def is_of_rows(path: str, reader: str) -> bool:
    """Return whether ``reader`` reads a file of this name, compressed or not."""
    name = path.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name.endswith(SUFFIXES.get(reader, ()))
