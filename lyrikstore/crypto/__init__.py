"""Signing and keys: strict Ed25519, key files, signers by URI, did:key, Data Integrity proofs.

* **key**: an Ed25519 key; weak public keys are refused, signatures are verified strictly;
* **did:key**: the identifier of a signer that contains its public key;
* **signer**: an object that signs with one key: a key file, or another place named by a URI;
* **key file**: a private key on disk, in the format of OpenSSH, with an optional passphrase;
* **proof**: the signature of a JSON document, by ``eddsa-jcs-2022`` (spec/03-keys-and-proofs.md).

Imports ``canon`` only.

Example:
    >>> from lyrikstore.crypto.ed25519 import PrivateKey
    >>> from lyrikstore.crypto.keys.signer import KeySigner
    >>> from lyrikstore.crypto.proofs.eddsa_jcs import add_proof, verify_proof
    >>> signer = KeySigner(PrivateKey.from_seed(bytes(32)))
    >>> signed = add_proof({"name": "contracts"}, signer)
    >>> verified = verify_proof(signed)
    >>> verified.document_without_proof, verified.key == signer.public
    ({'name': 'contracts'}, True)
"""
