"""Private keys: key files, the keyring, and signers named by URI.

* key file: an OpenSSH private key with an optional passphrase;
* key folder: the folder of a user's signing keys and log keys, never inside a store;
* signer: an object with a public key and a method ``sign``;
* signer URI: the name of a signer, such as ``file:/home/eve/key``.

Example:
    >>> from pathlib import Path
    >>> from lyrikstore.crypto.keys.signer import file_uri
    >>> file_uri(Path("/home/eve/my key"))
    'file:/home/eve/my%20key'
"""
