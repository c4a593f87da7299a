"""What a document may cost; beyond it the document is left out with a reason.

Why so much: a 10,000-page judgment fits each of them, and a hostile file of some kilobytes reaches
one of them in seconds.
"""

MAX_DOCUMENT_BYTES = 256 << 20
"""Bytes of one document; more is ``too-large``."""

MAX_PAGES = 20_000
"""Pages of a PDF."""

MAX_TEXT_BYTES = 56 << 20
"""UTF-8 bytes of a document's text: as JSON, with what else a row says, it fits a record of 64 MiB
(spec §9.1), unless it consists of quotes."""

MAX_UNPACKED_BYTES = 512 << 20
"""Bytes of the parts of a DOCX that are read, unpacked; counted while unpacking, for what the
archive says about itself is its author's word."""

MAX_UNPACK_RATIO = 200
"""Unpacked bytes to packed ones of one part, for parts above :data:`RATIO_FROM_BYTES`. XML of
people's words stays far below it."""

RATIO_FROM_BYTES = 4 << 20
"""Below this a part may be of any ratio."""

MAX_ARCHIVE_PARTS = 10_000
"""Entries of a DOCX."""

MAX_MESSAGE_PARTS = 20_000
"""Parts of a message, those of messages within it among them."""

MAX_MESSAGE_LEVELS = 40
"""Messages and multiparts within each other. The parser of the standard library recurses."""

MAX_FIELD_CHARACTERS = 8_192
"""Characters of a header field of a message, or a title; the rest is cut."""

MAX_SECONDS = 120
"""Wall time for one document."""
