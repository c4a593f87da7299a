"""Key letters: one page for a contract, by which the parties compare a key (spec §3.2)."""

from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from xml.etree.ElementTree import Element, SubElement, tostring

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.files import PACKAGE, read_packaged
from lyrikstore.canon.json import JSON, as_json
from lyrikstore.canon.text import escape_control
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import did_key, fingerprint, key_words
from lyrikstore.history.policy.policy import Policy

LOG_KEYS_SHOWN = 3
"""Log keys on the page; more do not fit, and the store's policy has all of them."""

_HERE = PACKAGE / "publish" / "identity"
_TITLE = "Signing key"
_OPENING = (
    "What the undersigned signs with lyrikstore is signed with the key below. "
    "All of this is public."
)
_WORDS = (
    "The same key in words, in this order (BIP-39, English; the last one is a check). They are "
    "no secret: never use them as the recovery phrase of a wallet."
)
_CHECK = (
    "To check this letter, make it again from the DID alone, and compare words and fingerprint; "
    "then have the signer read the words out, by telephone, at a number that you know:"
)
_TRUST = "Only then believe the key:"
_LINES = ("Name", "For (organisation)", "Place and date", "Signature")


class KeyLetter(Struct, frozen=True, rename="camel"):
    """The contents of a letter about a key.

    Attributes:
        did: The key, ``did:key:z6Mk…``.
        words: Its 24 words.
        fingerprint: ``SHA256:…``, as OpenSSH prints it.
        date: The day, ``YYYY-MM-DD`` in UTC.
        store: The store in which it has a role, or None.
        roles: Its roles in that store.
        log_keys: The keys of that store's log, as people copy them: ``NAME+KEYID+BASE64``.
    """

    did: str
    words: tuple[str, ...]
    fingerprint: str
    date: str
    store: Digest | None = None
    roles: tuple[str, ...] = ()
    log_keys: tuple[str, ...] = ()

    @classmethod
    def about(
        cls,
        key: PublicKey,
        *,
        at: datetime,
        store: Digest | None = None,
        policy: Policy | None = None,
    ) -> "KeyLetter":
        """Return the letter about a key, without use of its private key.

        Args:
            key: The public key.
            at: The moment whose day is its date.
            store: A store, which the letter names if the key has a role in it.
            policy: The policy in force of that store.

        Raises:
            PolicyError: (``key-retired``) the policy retired the key.
        """
        did = did_key(key)
        letter = cls(did, key_words(key), fingerprint(key), at.date().isoformat())
        if policy is None or store is None:
            return letter
        if any(retired.key == did for retired in policy.retired):
            # The letter would ask others to believe a key that the store itself does not believe.
            successor = policy.successor(did)
            raise PolicyError(
                "key-retired",
                f"{did} is retired in this store: it was replaced or revoked",
                hint="make the letter about the current key"
                + ("" if successor is None else f": {successor}"),
            )
        roles = tuple(name for name, role in policy.roles.items() if did in role.keys)
        if not roles:
            return letter
        logs = tuple(str(log) for log in policy.log_keys)
        return cls(did, letter.words, letter.fingerprint, letter.date, store, roles, logs)

    def to_json(self) -> dict[str, JSON]:
        """Return its members for ``--json``, as in ``schemas/cli/key-letter.schema.json``."""
        members: dict[str, JSON] = as_json(self)
        return members

    def rows(self) -> list[tuple[str, str]]:
        """Return the rows below the words, each as (title, value)."""
        rows = [("Fingerprint (ssh-keygen -l)", self.fingerprint), ("Date (UTC)", self.date)]
        if self.store is not None:
            rows += [("Store", str(self.store)), ("Role there", ", ".join(self.roles))]
        for number, key in enumerate(self.log_keys[:LOG_KEYS_SHOWN], 1):
            rows.append(
                (f"Key {number} of its log" if self.log_keys[1:] else "Key of its log", key)
            )
        if (more := len(self.log_keys) - LOG_KEYS_SHOWN) > 0:
            rows.append(("Further log keys", f"{more}, in the policy of the store"))
        return rows


def letter_html(letter: KeyLetter) -> bytes:
    """Return the letter as one HTML document: no script, no network, one page on paper."""
    style = read_packaged(_HERE / "letter.css").decode()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    html = Element("html", lang="en")
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", name="referrer", content="no-referrer")
    _add(head, "title", f"{_TITLE} {letter.did}")
    SubElement(head, "style").text = style
    body = SubElement(html, "body")
    _add(body, "h1", _TITLE)
    _add(body, "p", _OPENING)
    top = SubElement(body, "div", {"class": "key"})
    _add(top, "code", letter.did, "did")
    side, path = _qr_code(letter.did)
    drawing = SubElement(
        top, "svg", {"viewBox": f"0 0 {side} {side}", "role": "img", "aria-label": "QR code"}
    )
    SubElement(drawing, "path", d=path)
    _add(body, "p", _WORDS)
    words = SubElement(body, "ol")
    for word in letter.words:
        _add(words, "li", word)
    facts = SubElement(body, "dl")
    for title, value in letter.rows():
        _add(facts, "dt", title)
        _add(facts, "dd", value)
    _add(body, "p", _CHECK)
    _add(body, "code", f"lyrikstore key letter {letter.did} -o copy.html")
    _add(body, "p", _TRUST)
    _add(body, "code", f"lyrikstore trust add {letter.did} --name NAME")
    lines = SubElement(body, "dl", {"class": "sign"})
    for line in _LINES:
        _add(lines, "dt", line)
        SubElement(lines, "dd")
    text: str = tostring(html, encoding="unicode", method="html")
    return f"<!doctype html>\n{text}\n".encode()


def letter_pdf(letter: KeyLetter) -> bytes:
    """Return the letter as a PDF of one page; the same letter gives the same bytes.

    Raises:
        InvalidInputError: (``missing-extra``) Typst is not installed.
    """
    import json

    try:
        import typst
    except ModuleNotFoundError:
        raise InvalidInputError(
            "missing-extra",
            "a letter in PDF needs the package typst",
            hint="pip install 'lyrikstore[pdf]'; or write annex.html and print it",
        ) from None
    side, path = _qr_code(letter.did)
    shown = {
        "title": _TITLE,
        "opening": _OPENING,
        "did": letter.did,
        "qr": f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<path d="{path}"/></svg>',
        "about": _WORDS,
        "words": letter.words,
        "rows": letter.rows(),
        "check": _CHECK,
        "trust": _TRUST,
        "lines": _LINES,
        "date": [int(part) for part in letter.date.split("-")],
    }
    facts = json.dumps(shown)
    # ATTACK: the founder of a log chose its name freely. It reaches Typst as data and never as
    # markup, and the document loads nothing.
    data = typst.compile(
        read_packaged(_HERE / "letter.typ"),
        format="pdf",
        sys_inputs={"letter": facts},
        ignore_system_fonts="".join(letter.log_keys).isascii(),  # Typst's own have no Chinese
    )
    if not isinstance(data, bytes):
        raise TypeError("a PDF is one file")
    return data


def _qr_code(text: str) -> tuple[int, str]:
    """Return the side of a QR code in modules with its quiet zone, and an SVG path of dark ones."""
    import segno

    code = segno.make_qr(text, error="m")
    rows = [list(row) for row in code.matrix_iter(border=4)]
    dark = [
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module
    ]
    return len(rows), "".join(dark)


def _add(parent: Element, tag: str, text: str, name: str = "") -> None:
    """Add an element with escaped text, which is shown literally."""
    child = SubElement(parent, tag, {"class": name} if name else {})
    child.text = escape_control(text)
