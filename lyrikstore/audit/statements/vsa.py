"""SLSA verification summary v1 of a report (spec §23.4). No level of SLSA is stated."""

from lyrikstore.audit.statements.statement import (
    ExportedObject,
    InTotoStatement,
    describe_manifest,
    digests_of,
    report_member,
    subjects_of,
)
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.verify.report import Verdict
from lyrikstore.version import __version__

PREDICATE = "https://slsa.dev/verification_summary/v1"
TRUSTED = "LYRIKSTORE_TRUSTED"


def summary_of(verified: ExportedObject) -> InTotoStatement:
    """Return the summary of the report on an object; only the verdict ``trusted`` is ``PASSED``.

    Raises:
        LyrikstoreError: A manifest, a file or the trust file cannot be read.
    """
    context, manifest, report = verified.context, verified.manifest, verified.report
    rules = read_at_most(context.trust_file, MAX_JSON_BYTES + 1, absent=b"")
    passed = report.verdict is Verdict.TRUSTED
    return InTotoStatement(
        PREDICATE,
        subjects_of(verified, manifest),
        {
            "verifier": {
                "id": context.signer(away=True).did,
                "version": {"lyrikstore": __version__},
            },
            "timeVerified": report.at,
            "resourceUri": manifest.id.urn,
            "policy": {"uri": Digest.of(rules).urn, "digest": digests_of(rules)},
            "inputAttestations": [
                {"uri": one["uri"], "digest": one["digest"]}
                for one in (describe_manifest(manifest),)
            ],
            "verificationResult": "PASSED" if passed else "FAILED",
            "verifiedLevels": [TRUSTED if passed else "FAILED"],
            "lyrikstore_report": report_member(report),
        },
    )
