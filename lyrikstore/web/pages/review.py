"""The page on which a person decides about the records of a queue, and signs the decisions.

Spec §26.5 and §26.6 define what it carries and what it signs; the program is in page/ui/review.
"""

import json
from xml.etree.ElementTree import SubElement

from lyrikstore.canon.files import PACKAGE, read_packaged
from lyrikstore.web.html import add, add_program, new_page, page_bytes
from lyrikstore.web.texts import page_text


def review_page(folder: bytes, queue: bytes, request: bytes) -> bytes:
    """Return a page that shows the records of a queue one by one, and signs what is decided.

    ATTACK: records contain text of an attacker. The program gets them as data that cannot end its
    element early, and shows them as text; the policy of the page allows no request.

    ATTACK A219: the page draws only from these three files, whose signatures it checks, and removes
    everything else.

    Args:
        folder: ``queue.json``.
        queue: The manifest of the queue.
        request: The manifest of its request.
    """
    html, body = new_page(page_text("review.title"))
    main = SubElement(body, "main")
    add(main, "h1", page_text("review.title"))
    add(SubElement(main, "noscript"), "p", page_text("review.without-program"))
    files = {"queue": folder.decode(), "manifest": queue.decode(), "request": request.decode()}
    data = SubElement(body, "script", {"type": "application/json", "id": "review-data"})
    # A record could otherwise end the element, or open a comment in it.
    data.text = json.dumps(files, separators=(",", ":")).replace("<", "\\u003c")
    add_program(html, read_packaged(PACKAGE / "web" / "review.js").decode("ascii"), wasm=True)
    return page_bytes(html)
