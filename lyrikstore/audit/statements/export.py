"""The registry of export formats, and the export of one verified object (spec §23.1)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from lyrikstore.audit.statements.statement import ExportedObject, InTotoStatement
from lyrikstore.canon.errors import InvalidInputError, VerificationError
from lyrikstore.canon.json import JSON, encode
from lyrikstore.context import StoreContext
from lyrikstore.crypto.proofs.dsse import sign_envelope
from lyrikstore.verify.report import CheckState, Report, first_in

if TYPE_CHECKING:
    from lyrikstore.history.manifests.manifest import Manifest


class ExportFormat(Struct, frozen=True):
    """One format.

    Attributes:
        kinds: The kinds of object that it is for; empty: all kinds.
        about: Its content, for help.
        make: Returns the content; a statement is then signed, a document is not.
        unsound: Whether an object whose verification failed is exported too.
    """

    kinds: tuple[str, ...]
    about: str
    make: Callable[[ExportedObject], InTotoStatement | dict[str, JSON]]
    unsound: bool = False


class Export(Struct, frozen=True):
    """An exported object.

    Attributes:
        manifest: Its manifest.
        document: The envelope, or the document of a format that is not signed.
        report: The report of the verification before.
    """

    manifest: "Manifest"
    document: dict[str, JSON]
    report: Report


def _slsa(verified: ExportedObject) -> InTotoStatement:
    from lyrikstore.audit.statements.slsa import provenance_of

    return provenance_of(verified)


def _test_result(verified: ExportedObject) -> InTotoStatement:
    from lyrikstore.audit.statements.results import result_of

    return result_of(verified)


def _vsa(verified: ExportedObject) -> InTotoStatement:
    from lyrikstore.audit.statements.vsa import summary_of

    return summary_of(verified)


def _croissant(verified: ExportedObject) -> dict[str, JSON]:
    from lyrikstore.audit.statements.croissant import describe_files

    return describe_files(verified)


FORMATS: Mapping[str, ExportFormat] = {
    "slsa": ExportFormat(("checkpoint",), "provenance of a model, from its run", _slsa),
    "test-result": ExportFormat(("evaluation",), "result of an evaluation", _test_result),
    "croissant": ExportFormat(
        ("dataset",), "a dataset's files and fields, for loaders", _croissant
    ),
    "vsa": ExportFormat((), "what verify found", _vsa, unsound=True),
}
"""Name of a format → the format."""


def export_object(
    context: StoreContext, ref: "str | Manifest", form: str, report: Report | None = None
) -> Export:
    """Verify an object and export it; sign the export if its format is an in-toto statement.

    Args:
        context: The store, its user's trust, and the signer.
        ref: The object.
        form: Name of a format of :data:`FORMATS`.
        report: The report of the verification of this object, just made; None: it is made here.

    Raises:
        InvalidInputError: (``wrong-object``) the format is for other kinds; (``bad-format``)
            there is no such format.
        VerificationError: (``not-verified``) the verification found it invalid or incomplete, and
            the format does not state verdicts.
        LyrikstoreError: As :func:`verify_object`; a file cannot be read.

    Cost: that of :func:`verify_object`, and one more read of the exported files.
    """
    from lyrikstore.readers import all_readers
    from lyrikstore.verify.store.object import verify_object

    manifest, chosen = context.resolve(ref), FORMATS.get(form)
    if chosen is None:
        raise InvalidInputError(
            "bad-format", f"there is no format {form}", hint=f"known: {', '.join(FORMATS)}"
        )
    if chosen.kinds and manifest.kind not in chosen.kinds:
        raise InvalidInputError(
            "wrong-object",
            f"{manifest.name} is a {manifest.kind}; {form} is for a {' or '.join(chosen.kinds)}",
        )
    report = report or verify_object(context, manifest.id, readers=all_readers())
    if not chosen.unsound and not report.verdict.is_sound:
        worst = first_in(report.checks, CheckState.FAIL, CheckState.UNCHECKED)
        why = "" if worst is None else f": {worst.id}: {worst.summary}"
        raise VerificationError(
            "not-verified",
            f"{manifest.name} is {report.verdict}, and is not exported{why}",
            hint=f"see all checks: lyrikstore verify {manifest.name}",
        )
    made = chosen.make(ExportedObject(context, manifest, report))
    if isinstance(made, InTotoStatement):
        made = sign_envelope(encode(made.to_json()), context.signer(away=True))
    return Export(manifest, made, report)
