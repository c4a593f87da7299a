"""Filters that turn documents into rows: extraction of text, and chunks of texts.

The terms of this package:

* *document*: a whole file, such as a PDF, as one record
* *extraction*: a row with the text of a document and the starts of its pages
* *chunk*: a row with a part of a text and its position
* *overlap*: the end of a chunk that the next chunk repeats

Example:
    >>> from lyrikstore.curate.recipes.filters.documents.chunk import Chunks
    >>> chunks = Chunks("paragraphs", 2000, 0)
    >>> sorted(chunks.fields_after(frozenset({"court"})))[:2]
    ['court', 'document']
"""
