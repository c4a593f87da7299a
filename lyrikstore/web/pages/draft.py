"""The page on which a person without lyrikstore answers a card and signs the answers.

Spec §14.8 defines the questions, the statements beside them and the signed bytes; the program is in
page/ui/draft.
"""

import json
from collections.abc import Mapping
from xml.etree.ElementTree import SubElement

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.files import PACKAGE, read_packaged
from lyrikstore.canon.json import JSON, encode
from lyrikstore.web.html import add, add_program, new_page, page_bytes
from lyrikstore.web.texts import page_text


def draft_page(card: Mapping[str, JSON], subject: Mapping[str, JSON]) -> bytes:
    """Return a page that draws a card, asks its questions and signs the answers.

    ATTACK: questions, statements and names contain text of an attacker. The program gets them as
    data that cannot end its element early, and shows them as text.

    ATTACK: a drawn card with other figures than the signed data. So the page contains no drawn
    card: the program draws it from the data, and removes everything else.

    Args:
        card: The content of ``card.json``.
        subject: The model as an attestation names it: ``id``, ``files``, ``manifest`` and ``store``
            as ``urn:blake3:…``, and ``name``.

    Raises:
        LyrikstoreError: As :func:`encode`.
    """
    html, body = new_page(page_text("draft.title"))
    main = SubElement(body, "main")
    add(main, "h1", page_text("draft.title"))
    add(SubElement(main, "noscript"), "p", page_text("draft.without-program"))
    draft = {"card": card, "cardId": str(Digest.of(encode(card))), "subject": subject}
    data = SubElement(body, "script", {"type": "application/json", "id": "draft-data"})
    # A statement could otherwise end the element, or open a comment in it.
    data.text = json.dumps(draft, separators=(",", ":")).replace("<", "\\u003c")
    add_program(html, read_packaged(PACKAGE / "web" / "draft.js").decode("ascii"))
    return page_bytes(html)
