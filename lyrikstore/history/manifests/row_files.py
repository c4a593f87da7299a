"""Which reader the name of a file of rows asks for (spec §12.8)."""

SUFFIXES = {
    "jsonl/1": (".jsonl", ".ndjson"),
    "csv/1": (".csv", ".tsv"),
    "csv/2": (".csv", ".tsv"),
    "parquet/1": (".parquet",),
}
"""Reader of rows → how the names of its files end."""

PACKED = (".gz", ".zst")
"""Suffixes of what is unpacked when it is committed; not of Parquet, which packs itself."""


def is_of_rows(path: str, reader: str) -> bool:
    """Return whether a file's name, packed or not, says that ``reader`` reads its rows."""
    name = path.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name.endswith(SUFFIXES.get(reader, ()))
