"""Floor 5: a DuckDB database derived from log and objects, to ask questions of.

It answers; it is never evidence, and may be deleted at any time (docs/index-views.md).
"""
