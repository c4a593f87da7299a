"""Data Integrity proofs: signing and verifying documents (spec §3.3).

* document: a JSON object; its canonical form is signed;
* proof: the member with type, cryptosuite, key, date, purpose and signature;
* cryptosuite: the signature method, here ``eddsa-jcs-2022``;
* verification method: the DID URL of the key.

Example:
    >>> from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
    >>> from lyrikstore.testing.keys import signer_for
    >>> add_proof({"name": "letters"}, signer_for("publisher"))["proof"]["cryptosuite"]
    'eddsa-jcs-2022'
"""
