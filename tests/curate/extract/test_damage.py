"""Honest documents that were damaged: a text or a reason, and the same each time."""

import io
import random
from email.message import EmailMessage

import docx as python_docx
import pytest
import typst

from lyrikstore.curate.extract.result import REASONS, Extracted
from lyrikstore.curate.extract.workers import Extractor
from tests.conftest import Corpus
from tests.sweep import EVERY, thinned


def honest(corpus: Corpus) -> dict[str, bytes]:
    text = next(iter(corpus.texts.values())).decode()
    document = python_docx.Document()
    for paragraph in text.split("\n\n"):
        document.add_paragraph(paragraph)
    table = document.add_table(2, 2)
    table.cell(0, 0).text = "a cell"
    file = io.BytesIO()
    document.save(file)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.c", "d@e.f", "Grüße"
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    message.add_attachment(b"data", maintype="image", subtype="png", filename="x.png")
    return {
        "x.pdf": typst.compile(b"#sys.inputs.text", sys_inputs={"text": text}),
        "x.docx": file.getvalue(),
        "x.eml": message.as_bytes(),
        "x.html": f"<!doctype html><title>x</title><p class=a>{text}<br>&amp;".encode(),
        "x.txt": text.encode("utf-16"),
    }


def damage(data: bytes, seed: int) -> bytes:
    dice = random.Random(seed)
    out = bytearray(data)
    for _ in range(dice.choice((1, 3, 30))):
        at = dice.randrange(len(out))
        match dice.randrange(4):
            case 0:
                out[at] = dice.randrange(256)
            case 1:
                del out[at : at + dice.randrange(1, 50)]
            case 2:
                out[at:at] = out[at : at + dice.randrange(1, 200)]
            case _:
                out[at : at + 4] = b"\xff\xff\xff\x7f"
        if not out:
            break
    return bytes(out)


@pytest.mark.parametrize("path", ["x.pdf", "x.docx", "x.eml", "x.html", "x.txt"])
def test_damaged_documents_give_a_text_or_a_reason(corpus: Corpus, path: str) -> None:
    data = honest(corpus)[path]
    damaged = [(path, damage(data, seed)) for seed in thinned(range(2000), 60, ci=EVERY)]
    with Extractor(count=2, seconds=60) as extractor:
        results = list(extractor.map(damaged))
        assert len(results) == len(damaged)
        for result in results:
            assert isinstance(result, Extracted) or result.reason in REASONS
        again = list(extractor.map(damaged[:10]))
    assert again == results[:10]
