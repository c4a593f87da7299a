"""Answers: tables of texts, each row with the log entries that it is taken from (spec §22.5)."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from lyrikstore.audit.file.questions import AuditQuestion


class EvidenceRow(Struct, frozen=True):
    """A row of a table.

    Attributes:
        cells: A text for each column.
        log: Log indices of the entries that they are taken from, ascending.
    """

    cells: tuple[str, ...]
    log: tuple[int, ...]


class AnswerTable(Struct, frozen=True):
    """A table of an answer.

    Attributes:
        title: What its rows are.
        columns: The heads of its columns.
        rows: Its rows.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[EvidenceRow, ...]


class AuditAnswer(Struct, frozen=True):
    """The answer to a question.

    Attributes:
        id: Id of the question.
        state: ``answered`` or ``not-known``.
        because: The sentence why it is not known; empty if it is answered.
        tables: Its tables; tables without rows are left out.
    """

    id: str
    state: str
    because: str
    tables: tuple[AnswerTable, ...]


class AnswerRows(Struct, frozen=True):
    """What evidence says to a question.

    Attributes:
        tables: Name of a table in the question → its rows.
        because: Code of the reason why this is no answer; empty: it is one, if there is a row.
    """

    tables: Mapping[str, Iterable[EvidenceRow]]
    because: str = ""


def row(log: Iterable[int], *cells: str) -> EvidenceRow:
    """Return a row; the log indices are sorted, each once."""
    return EvidenceRow(cells, tuple(sorted(set(log))))


def answer(question: AuditQuestion, found: AnswerRows) -> AuditAnswer:
    """Return the answer to a question, in the question's words."""
    tables = []
    for name, words in question.tables.items():
        rows = tuple(found.tables.get(name, ()))
        if rows:
            tables.append(AnswerTable(words.title, words.columns, rows))
    code = found.because or ("" if tables else "none")
    state = "not-known" if code else "answered"
    return AuditAnswer(question.id, state, question.because[code] if code else "", tuple(tables))
