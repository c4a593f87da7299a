"""Differences between two versions: files, metadata and rows.

- version diff: files that were added, removed, moved or changed (``versions.py``)
- cells: the values of the sheet, by column, that changed for a file
- licence change: another licence of the version, of its text, or of files
- rows diff: rows that were added, removed, moved or changed (``rows.py``)
- value shift: another label or licence, with the number of rows that it affects

Example:
    >>> from lyrikstore.curate.diff.rows import RowsDiff, ValueShift
    >>> shift = ValueShift("label", "spam", "ham", records=3)
    >>> counts = {"added": 0, "removed": 0, "changed": 3, "moved": 0, "unchanged": 7}
    >>> diff = RowsDiff((shift,), counts, {}, by_id=True)
    >>> diff.is_empty, diff.to_json()["shifts"][0]["newValue"]
    (False, 'ham')
"""
