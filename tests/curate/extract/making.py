"""Makes the files that the tests of extraction read: honest ones and hostile ones."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
PASSWORD_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def pdf(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF of these objects, numbered from 1; the first is the catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    end = b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n"
    return out + head + end % (len(objects) + 1, trailer, len(out))


def stream(data: bytes, extra: bytes = b"") -> bytes:
    packed = zlib.compress(data, 9)
    head = b"<</Filter/FlateDecode/Length %d%s>>stream\n" % (len(packed), extra)
    return head + packed + b"\nendstream"


def pages_pdf(contents: Sequence[bytes], font: bytes = FONT) -> bytes:
    """Return a PDF with a page for each content stream (without compression between objects)."""
    count = len(contents)
    kids = b" ".join(b"%d 0 R" % (4 + 2 * i) for i in range(count))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
        font,
    ]
    for i, content in enumerate(contents):
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
            b"/Resources<</Font<</F1 3 0 R>>>>>>" % (5 + 2 * i)
        )
        objects.append(stream(content))
    return pdf(objects)


def line(text: str, x: int = 50, y: int = 700) -> bytes:
    return f"BT /F1 12 Tf {x} {y} Td ({text}) Tj ET\n".encode("latin-1")


SCAN = b"q 500 0 0 700 40 60 cm BI /W 2 /H 2 /CS /G /BPC 8 /F /AHx ID 00FF00FF> EI Q\n"  # a picture


def encrypted_pdf(password: bytes) -> bytes:
    """Return a PDF that opens with a password only: RC4 of 40 bits, as old as it is common."""
    padded = (password + PASSWORD_PADDING)[:32]
    identity = bytes(16)
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
    rights = (-4).to_bytes(4, "little", signed=True)
    key = hashlib.md5(padded + owner + rights + identity).digest()[:5]
    user = _rc4(key, PASSWORD_PADDING)
    content = line("secret")
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>"
    )
    own = hashlib.md5(key + (4).to_bytes(3, "little") + b"\0\0").digest()[:10]
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            page,
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), _rc4(own, content)),
            FONT,
            b"<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>"
            % (owner.hex().encode(), user.hex().encode()),
        ],
        b"/Encrypt 6 0 R/ID[<%s><%s>]" % ((identity.hex().encode(),) * 2),
    )


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def archive(parts: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return file.getvalue()


def docx(body: str, *, prologue: str = "", **parts: str | bytes) -> bytes:
    """Return a DOCX with this XML in its body; other parts by ``word/`` names without suffix."""
    document = (
        f'<?xml version="1.0"?>{prologue}<w:document xmlns:w="{WORD}" xmlns:r="{OFFICE}" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<w:body>{body}</w:body></w:document>"
    )
    links = "".join(
        f'<Relationship Id="r-{name}" Type="{OFFICE}/{name}" Target="{name}.xml"/>'
        for name in parts
        if "/" not in name
    )
    return archive(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="m" '
            f'Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}">{links}'
            '<Relationship Id="out" Type="x/image" Target="https://example.com/pixel.png" '
            'TargetMode="External"/></Relationships>',
            "word/document.xml": document,
            **{f"word/{name}.xml": content for name, content in parts.items()},
        }
    )


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"
