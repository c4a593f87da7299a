"""Limits of one document; a document above a limit is left out with a reason.

A 10,000-page judgment stays below all of them; a hostile file of a few kilobytes reaches one of
them in seconds.
"""

MAX_DOCUMENT_BYTES = 256 << 20
"""Largest size of a document in bytes; a larger one is ``too-large``."""

MAX_PAGES = 20_000
"""Pages of a PDF."""

MAX_TEXT_BYTES = 56 << 20
"""UTF-8 bytes of a document's text. As JSON, with the other fields of its row, it fits a record of
64 MiB (spec §9.1), unless most of it is quotes, which JSON escapes."""

MAX_UNPACKED_BYTES = 512 << 20
"""Unpacked bytes of the parts of a DOCX that are read. They are counted while unpacking: the sizes
that the archive states may be false."""

MAX_UNPACK_RATIO = 200
"""Largest ratio of unpacked to packed bytes, for parts above :data:`RATIO_FROM_BYTES`. XML with
natural text stays far below it."""

RATIO_FROM_BYTES = 4 << 20
"""Unpacked size up to which a part may have any ratio."""

MAX_ARCHIVE_PARTS = 10_000
"""Entries of a DOCX."""

MAX_MESSAGE_PARTS = 20_000
"""Parts of a message, including the parts of messages within it."""

MAX_MESSAGE_LEVELS = 40
"""Nested messages and multiparts; limited because the parser of the standard library recurses."""

MAX_FIELD_CHARACTERS = 8_192
"""Characters of a header field of a message, or a title; the rest is cut."""

MAX_SECONDS = 120
"""Wall time for one document."""
