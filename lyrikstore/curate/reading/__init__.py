"""Reading of stored datasets, for verification and for commands that show their content.

- stored datasets: records, statistics and decisions, measured again (``datasets.py``)
- content id: the id of a record's text and labels, in any fields or case (``contents.py``)
- read document: a document with its extracted text, or the reason code (``documents.py``)

Example:
    >>> from lyrikstore.curate.reading.contents import content_id
    >>> text = "A text of a record, which is long enough to be compared without its labels."
    >>> content_id([text]) == content_id([text.upper()], ["label"])
    True
"""
