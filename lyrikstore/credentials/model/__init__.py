"""The documents that lyrikstore issues.

- dataset credential: claims of a publisher about one dataset version, with its terms of use.
- attestation: claims of another person about a dataset or a model card.
- grant: further permissions of the publisher for one named holder.
- status list: a signed file with one bit for each credential: revoked, or suspended.
- kind: the type of a credential of profile ``lyrik``, with its schema.

Example:
    >>> from lyrikstore.credentials.model.opened import OpenedCredential
    >>> OpenedCredential(b'{"type": ["VerifiableCredential", "GrantCredential"]}').kind.words
    'grant credential'
"""
