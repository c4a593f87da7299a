"""Proofs of foreign documents: sets and chains of two cryptosuites (spec §3.6, 3.7).

* **proof**: a signature with its options: key, purpose, time, domain, challenge.
* **cryptosuite**: canonicalization and signature: ``eddsa-jcs-2022``, ``eddsa-rdfc-2022``.
* **proof set**: several proofs of a document, all of which must verify.
* **proof chain**: proofs that also sign earlier ones, named by ``previousProof``.
* **purpose**: ``assertionMethod`` to issue, ``authentication`` to present.

Example:
    >>> from lyrikstore.canon.timestamps import now
    >>> from lyrikstore.testing.keys import signer_for
    >>> from lyrikstore.w3c.proofs.proof_set import add_proof, verify_proofs
    >>> signed = add_proof({"name": "Alice"}, signer_for("issuer"))
    >>> verify_proofs(signed, at=now()).document
    {'name': 'Alice'}
"""
