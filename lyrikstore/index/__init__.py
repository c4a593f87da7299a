"""The index: a DuckDB database derived from log and objects, for queries.

* view: a table that queries read, such as ``datasets`` or ``checkpoints``;
* stamp: the file with the log checkpoint that the database was built from, and its digest;
* sandbox: the confined child process that runs a query;
* limits: the time, memory and rows that one query may use;
* impact: the datasets, models and grants that a change of one source concerns.

The index is never evidence, and may be deleted at any time (docs/index-views.md). Imports
``verify`` and what lies below it; nothing below ``api`` imports it.

Example:
    >>> from lyrikstore.index.query import QueryLimits
    >>> QueryLimits(rows=10).rows
    10
"""
