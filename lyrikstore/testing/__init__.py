"""Helpers for tests, also of third-party backends and signers: clocks, keys and a backend suite.

Public, versioned with the library, never used by it.

* **FrozenClock**: a clock that only the test moves;
* **signer_for**: a signer with a key that is the same in every run; its seed is public;
* **TestIssuer**: a publisher who signs any document, invalid ones included;
* **BackendContract**: the test suite that every storage backend must pass;
* **FaultyBackend**: a backend whose n-th operation fails or crashes.

Example:
    >>> from lyrikstore.crypto.proofs.eddsa_jcs import verify_proof
    >>> from lyrikstore.testing.keys import TestIssuer, signer_for
    >>> document = TestIssuer("ada").secure({"name": "contracts"})
    >>> verify_proof(document).key == signer_for("ada").public
    True
"""
