"""The questions of an auditor, and the words of the answers: ``spec/audit-questions.json``.

>>> QUESTIONS[0].text
'Which data did it come from?'
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.json import decode

from lyrikstore.canon.files import data_folder, read_packaged


class TableWords(Struct, frozen=True, forbid_unknown_fields=True):
    """The words of a table.

    Attributes:
        title: What its rows are.
        columns: The heads of its columns.
    """

    title: str
    columns: tuple[str, ...]


class AuditQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """A question.

    Attributes:
        id: A stable word.
        text: The question, for people.
        tables: The tables that an answer may have, in order.
        because: Code → the sentence why the answer is not known; ``none``: all tables are empty.
    """

    id: str
    text: str
    tables: Mapping[str, TableWords]
    because: Mapping[str, str]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    questions: tuple[AuditQuestion, ...]


QUESTIONS: tuple[AuditQuestion, ...] = decode(
    read_packaged(data_folder("spec") / "audit-questions.json"), type=_File
).questions
"""Every question, in the order of an audit file."""
