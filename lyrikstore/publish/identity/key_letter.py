"""Key letters: one page for a contract, by which the parties compare a key (spec §3.2)."""

from datetime import datetime
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct, convert
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.files import PACKAGE, read_packaged
from lyrikstore.canon.json import JSON, as_json
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import did_key, fingerprint, key_words
from lyrikstore.history.policy.policy import Policy
from lyrikstore.web.html import add, add_footer, add_list, headed_page
from lyrikstore.web.page_facts import Facts, carries
from lyrikstore.web.texts import page_text

LOG_KEYS_SHOWN = 3
"""Log keys on the page; more do not fit, and the store's policy has all of them."""

_HERE = PACKAGE / "publish" / "identity"
_AGAIN = "lyrikstore key letter {} -o copy.html"
_BELIEVE = "lyrikstore trust add {} --name NAME"


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
        rows = [("fingerprint", self.fingerprint), ("date", self.date)]
        if self.store is not None:
            rows += [("store", str(self.store)), ("roles", ", ".join(self.roles))]
        said = [(page_text(f"letter.{name}"), value) for name, value in rows]
        for number, key in enumerate(self.log_keys[:LOG_KEYS_SHOWN], 1):
            several = page_text("letter.log-key-of", number=number)
            said.append((several if self.log_keys[1:] else page_text("letter.log-key"), key))
        if (more := len(self.log_keys) - LOG_KEYS_SHOWN) > 0:
            said.append((page_text("letter.log-keys"), page_text("letter.further", count=more)))
        return said


@carries("letter")
def letter_page(facts: Facts, tool: str) -> Element:
    """Draw the page of a letter, one page on paper.

    ATTACK: the founder of a log chose its name freely; see :mod:`lyrikstore.web.html`.

    Args:
        facts: :meth:`KeyLetter.to_json`.
        tool: Name and version of the program.
    """
    store = facts["store"]
    known = convert({**facts, "store": None}, KeyLetter)
    letter = replace(known, store=None if store is None else Digest.parse(store))
    html, main = headed_page(page_text("letter.what"), page_text("letter.title"), kind="letter")
    add(main, "p", page_text("letter.opening"))
    top = SubElement(main, "div", {"class": "key"})
    add(top, "code", letter.did)
    side, path = _qr_code(letter.did)
    label = page_text("letter.qr")
    drawing = SubElement(
        top, "svg", {"viewBox": f"0 0 {side} {side}", "role": "img", "aria-label": label}
    )
    SubElement(drawing, "path", d=path)
    add(main, "p", page_text("letter.words"))
    words = SubElement(main, "ol")
    for word in letter.words:
        add(words, "li", word)
    add_list(main, letter.rows())
    add(main, "p", page_text("letter.check"))
    add(SubElement(main, "p"), "code", _AGAIN.format(letter.did))
    add(main, "p", page_text("letter.trust"))
    add(SubElement(main, "p"), "code", _BELIEVE.format(letter.did))
    lines = SubElement(main, "dl", {"class": "sign"})
    for line in _lines():
        add(lines, "dt", line)
        SubElement(lines, "dd")
    add_footer(html, page_text("letter.made", tool=tool))
    return html


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
        "title": page_text("letter.title"),
        "opening": page_text("letter.opening"),
        "did": letter.did,
        "qr": f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<path d="{path}"/></svg>',
        "about": page_text("letter.words"),
        "words": letter.words,
        "rows": letter.rows(),
        "check": page_text("letter.check"),
        "trust": page_text("letter.trust"),
        "lines": _lines(),
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


def _lines() -> list[str]:
    """Return what is filled in by hand."""
    return [page_text(f"letter.{line}") for line in ("name", "organisation", "place", "signature")]


def _qr_code(text: str) -> tuple[int, str]:
    """Return the side of a QR code in modules with its quiet zone, and an SVG path of dark ones."""
    import segno

    code = segno.make_qr(text, error="m")
    rows = [list(row) for row in code.matrix_iter(border=4)]
    dark = [
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module
    ]
    return len(rows), "".join(dark)
