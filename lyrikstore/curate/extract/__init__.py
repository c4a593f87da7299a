"""Text extraction: from the bytes of a document to its text, and to chunks of it (spec §12.5.10).

- format: ``pdf``, ``docx``, ``html``, ``eml`` or ``txt``, found by content (``detect.py``)
- extracted: the text by pages, with encoding, fields and attachments (``result.py``)
- unreadable: the reason code of a document that gives no text (``result.py``)
- extractor: worker processes with limits, as documents may be hostile (``workers.py``)
- chunk: a part of a text, with its place in code points (``chunk.py``)

Example:
    >>> from lyrikstore.curate.extract.chunk import chunk
    >>> from lyrikstore.curate.extract.document import extract
    >>> extracted = extract("note.txt", b"One. Two. Three.")
    >>> [(part.text, part.start) for part in chunk(extracted.text, "paragraphs", 10)]
    [('One. Two.', 0), ('Three.', 10)]
"""
