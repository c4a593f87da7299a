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

FORM = """
#draft fieldset{border:0;margin:.6rem 0;padding:0;min-width:0}
#draft legend,.field label{font-weight:600;padding:0}
.field{margin:.6rem 0}
.field label{display:block}
.field input,textarea{width:100%;min-height:2.75rem;padding:.45rem;font:inherit;color:inherit;
background:var(--paper);border:1px solid var(--edge);border-radius:.3rem}
.field input[type=file]{border:0;padding:.45rem 0}
textarea{resize:vertical}
[aria-invalid]{outline:2px solid var(--bad);outline-offset:2px}
.choose input[type=radio]{accent-color:var(--accent);width:1.15rem;height:1.15rem;flex:none}
.choose .checks label{align-items:flex-start;padding:.5rem}
.choose .checks input{flex:none;margin-top:.2rem}
.choose>.checks{width:100%}
.question{border-top:1px solid var(--line);margin-top:1.5rem}
.evidence{background:var(--card);border:1px solid var(--line);border-radius:.3rem;
padding:.3rem .75rem;margin:.6rem 0}
.evidence ul{margin:.2rem 0;padding-left:1.2rem}
.state{color:var(--quiet)}
.problems:not(:empty){border:1px solid var(--bad);border-left-width:.5rem;padding:0 1rem .5rem}
#draft .problems a{color:var(--bad)}
#draft a.button.primary{color:var(--paper)}
#draft-signed h3{scroll-margin-top:2rem}
.words{font-weight:600}
#draft-preview ol{margin:.2rem 0;padding-left:1.4rem}
"""


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
    html, body = new_page("A card to be answered")
    main = SubElement(body, "main")
    without = "To read, answer and sign, open this page in a browser that may run its program."
    add(SubElement(main, "noscript"), "p", without)
    draft = {"card": card, "cardId": str(Digest.of(encode(card))), "subject": subject}
    data = SubElement(body, "script", {"type": "application/json", "id": "draft-data"})
    # A statement could otherwise end the element, or open a comment in it.
    data.text = json.dumps(draft, separators=(",", ":")).replace("<", "\\u003c")
    add_program(html, read_packaged(PACKAGE / "web" / "draft.js").decode("ascii"), style=FORM)
    return page_bytes(html)
