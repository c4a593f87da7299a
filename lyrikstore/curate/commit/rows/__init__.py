r"""Files of rows in a commit: unpacking, the check of each line, statistics.

- layout: the reader of a file and the roles of its fields (``check.py``, ``RowLayout``)
- malformed line: a line that is not a record; refused, or left out with ``--skip-bad``
- packed file: ``.jsonl.gz`` or ``.csv.zst``, committed as its content (``unpack.py``)
- workbook: an ``.xlsx`` file of rows, committed as lines of JSON (``workbook.py``)
- sample: records drawn by their ids, for measures that cost much (``sample.py``)

Example:
    >>> from io import BytesIO
    >>> from lyrikstore.curate.commit.rows.check import RowLayout, check_rows
    >>> from lyrikstore.curate.readers.fields import FieldRoles
    >>> file = BytesIO(b'{"text": "a", "label": "x"}\nno JSON\n')
    >>> check = check_rows("a.jsonl", file, RowLayout("jsonl/1", FieldRoles(label="label")))
    >>> check.statistics.records, [(line.line, line.code) for line in check.bad]
    (1, [(2, 'not-json')])
"""
