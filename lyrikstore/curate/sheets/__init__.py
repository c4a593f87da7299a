"""Metadata sheets: a CSV or XLSX table with one row per file of a folder (spec §12.3).

- key column: the column with the path of each row's file: ``path``, ``file`` or ``filename``
- join: the assignment of rows to files (``sheet.py``)
- orphan: a row without a file, or a file without a row
- mistake: an error in a sheet; all of them are collected and reported together (``mistakes.py``)
- canonical text: the same string for a cell, whatever the format of the sheet (``cells.py``)

Example:
    >>> from datetime import datetime
    >>> from lyrikstore.curate.sheets.cells import cell_text
    >>> cell_text(3.0), cell_text(datetime(2026, 1, 31)), cell_text(True)
    ('3', '2026-01-31', 'true')
"""
