"""Datasets: from folders, sheets and recipes to signed versions with a reason for every record.

- commit: a folder becomes a signed version (``commit/``); ``status`` shows what one would change
- reader: makes records of a file's bytes; each record has an id (``readers/``)
- role: the use of a field, such as text, label or id (``readers/fields.py``)
- recipe: filters that derive a version, with a decision for each record (``recipes/``)
- terms: the uses that publishers permit of a dataset, and of several together (``terms/``)

It imports ``verify`` and the packages below it, pyarrow and openpyxl.

Example:
    >>> from io import BytesIO
    >>> from lyrikstore.curate.readers import JSONL, iter_records
    >>> (record,) = iter_records(JSONL, "a.jsonl", BytesIO(b'{"text": "hello"}'))
    >>> record.position, record.data
    (0, b'{"text": "hello"}')
"""
