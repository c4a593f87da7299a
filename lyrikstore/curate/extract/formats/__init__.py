"""Readers of document formats: each is a pure function from bytes to :class:`Extracted`.

- reader: one function for each of ``docx``, ``eml``, ``html`` and ``pdf``
- archive: the ZIP container of a DOCX, unpacked within limits (``archive.py``)
- part: a file in an archive, or a part of a message
- visible text: the text that a browser or Word shows; hidden and deleted text is left out
- note: what a reader could not read, such as pages without text

Example:
    >>> from lyrikstore.curate.extract.formats.html import html_text
    >>> html_text("<title>T</title><p>shown</p><p hidden>not shown</p>")
    ('shown', 'T')
"""
