"""The metadata table of a folder of documents: CSV or XLSX, joined by a key column (spec §5.2)."""
