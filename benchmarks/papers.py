"""Documents as a firm has them, of random words: PDF, DOCX and mail, with pictures, and a sheet.

    python benchmarks/papers.py FOLDER --bytes 1e9

The sheet has the faults that sheets have: names in another case, rows twice, rows without a file,
and files without a row.
"""

import argparse
import csv
import io
import random
import zipfile
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

KINDS = ("lease", "letter", "invoice", "opinion")
WORDS = [
    "".join(random.Random(n).choices("abcdefghilmnoprstu", k=3 + n % 7)) for n in range(8000)
]  # fmt: skip


def make(folder: Path, size: int, seed: int = 18) -> int:
    """Fill a folder with about ``size`` bytes of documents; return how many there are."""
    chance = random.Random(seed)
    rows, total, number = [["file", "type", "matter"]], 0, 0
    while total < size:
        maker, suffix = MAKERS[number % len(MAKERS)]
        name = f"{number // 500:03}/{number:06}{suffix}"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = maker(chance)
        path.write_bytes(data)
        total += len(data)
        if number % 97 != 5:  # some have no row
            said = name.upper() if number % 131 == 7 else name
            rows.append([said, chance.choice(KINDS), f"m{number // 20}"])
        if number % 173 == 9:
            rows.append([name, chance.choice(KINDS), "again"])
        number += 1
    rows.append(["gone.pdf", "lease", "m0"])
    with (folder.parent / "faulty.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    good, seen = rows[:1], set()
    for row in rows[1:]:
        if row[0] != "gone.pdf" and row[0].lower() not in seen:
            seen.add(row[0].lower())
            good.append([row[0].lower(), *row[1:]])
    with (folder.parent / "good.csv").open("w", newline="") as file:
        csv.writer(file).writerows(good)
    return number


def _paragraph(chance: random.Random) -> str:
    words = chance.choices(WORDS, k=chance.randint(30, 90))
    if chance.random() < 0.1:
        words[3] = f"{words[0]}.{words[1]}@example.org"
    return " ".join(words).capitalize() + "."


def _picture(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((20_000, 100_000, 900_000, 2_000_000)))


def pdf(chance: random.Random) -> bytes:
    """Return a PDF of a few pages of text, and a picture that no page shows."""
    pages = []
    for _ in range(chance.randint(1, 8)):
        lines = []
        for _ in range(8):
            text = _paragraph(chance)
            lines += [text[at : at + 90] for at in range(0, len(text), 90)]
        body = "BT /F 9 Tf 50 800 Td 11 TL " + " ".join(f"({line}) '" for line in lines) + " ET"
        pages.append(zlib.compress(body.encode("latin-1")))
    objects: list[bytes] = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    objects.append(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    kids = []
    for stream in pages:
        objects.append(
            b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(stream), stream)
        )
        kids.append(len(objects) + 1)
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R>>>>>>" % len(objects)
        )
    picture = _picture(chance)
    objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(picture), picture))
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), listed)
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def docx(chance: random.Random) -> bytes:
    """Return a Word document with some paragraphs and a picture."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = "".join(
        f"<w:p><w:r><w:t>{_paragraph(chance)}</w:t></w:r></w:p>"
        for _ in range(chance.randint(5, 60))
    )
    types = (
        '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/'
        'package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.'
        'openxmlformats-package.relationships+xml"/><Default Extension="bin" ContentType="image/'
        'png"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats'
        '-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    relations = (
        '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.'
        'org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.'
        'org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
        "</Relationships>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("[Content_Types].xml", types)
        pack.writestr("_rels/.rels", relations)
        pack.writestr(
            "word/document.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="{word}"><w:body>{body}'
            "</w:body></w:document>",
        )
        pack.writestr("word/media/a.bin", _picture(chance), zipfile.ZIP_STORED)
    return stream.getvalue()


def eml(chance: random.Random) -> bytes:
    """Return a message with an attachment."""
    message = EmailMessage()
    message["From"], message["To"] = "a@example.org", "b@example.org"
    message["Subject"] = " ".join(chance.choices(WORDS, k=4))
    message["Date"] = "Thu, 26 Nov 2026 10:00:00 +0000"
    message.set_content("\n\n".join(_paragraph(chance) for _ in range(chance.randint(2, 15))))
    message.add_attachment(
        _picture(chance), maintype="application", subtype="octet-stream", filename="scan.bin"
    )
    return message.as_bytes()


MAKERS: list[tuple[Callable[[random.Random], bytes], str]] = [
    (pdf, ".pdf"),
    (docx, ".docx"),
    (pdf, ".pdf"),
    (eml, ".eml"),
]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bytes", type=float, default=1e9)
    options = parser.parse_args()
    print(make(options.folder, int(options.bytes)), "documents")
