"""Identity of issuers: DIDs, keys, and the statements of a store about its keys (spec §3.2, §11.4).

* **issuer**: a person with a key, or an organisation that lists a person's key.
* **DID document**: the document of an organisation (did:web) that lists its keys.
* **key statements**: the policies of a store with their log proofs: which keys were added, replaced
  or revoked.
* **consistency file**: proof that earlier states of a log lead to the current one.
* **key letter**: a page on which a signer confirms a key, to be attached to a contract.

Example:
    >>> from lyrikstore.canon.timestamps import now
    >>> from lyrikstore.publish.identity.issuer import Issuer
    >>> from lyrikstore.testing.keys import signer_for
    >>> Issuer.of(signer_for("publisher"), "did:web:acme.example", None, now()).did
    'did:web:acme.example'
"""
