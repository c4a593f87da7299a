"""The W3C profile, RDF canonicalization and the VC API; the core works without them.

Only this package reads what the W3C texts allow and lyrikstore's own profile does not: unknown
members, fractions, time offsets, several proofs. It also refuses what may not be believed
(spec/17-w3c-profile.md). Only :mod:`lyrikstore.api` imports it, on first use.

* **foreign credential**: a verifiable credential of any kind and any issuer.
* **presentation**: credentials that a holder signs for one verifier.
* **proof set**: several proofs of a document, all of which must verify.
* **context**: a document that defines the terms of a credential; only bundled ones are used.
* **resource**: a schema or other file that a credential names and pins by digest.

Example:
    >>> from lyrikstore.canon.timestamps import now
    >>> from lyrikstore.credentials.trust import NOBODY
    >>> from lyrikstore.w3c.profile.verify import Surroundings, verify_w3c
    >>> report = verify_w3c(b"[]", Surroundings(NOBODY, now()))
    >>> report.profile, report.verdict.value, report.checks[0].id
    ('w3c', 'invalid', 'format')
"""
