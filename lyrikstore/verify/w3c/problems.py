"""What RFC 9457 calls the failures here: the problem types that the W3C texts define (spec §17.5).

A check that failed carries ``detail.problem`` with the type and its name; programs that speak the
VC API read that, people read the summary.
"""

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.crypto.proofs.problems import problem_type

MODEL = "https://www.w3.org/TR/vc-data-model#"
STATUS = "https://www.w3.org/ns/credentials/status-list#"


def model_problem(name: str) -> dict[str, JSON]:
    """Return the detail of a failure that the VC Data Model names."""
    return {"problem": {"type": MODEL + name, "title": name}}


def status_problem(name: str) -> dict[str, JSON]:
    """Return the detail of a failure that Bitstring Status List names."""
    return {"problem": {"type": STATUS + name, "title": name}}


def proof_problem(error: LyrikstoreError) -> dict[str, JSON]:
    """Return the detail of a proof that did not verify."""
    url = problem_type(error)
    return {"problem": {"type": url, "title": url.partition("#")[2]}}
