"""The index: a DuckDB database derived from log and objects, for queries.

It answers; it is never evidence, and may be deleted at any time (docs/index-views.md). Imports
``verify`` and what lies below it; nothing below ``api`` imports it.
"""
