"""Where private keys live: key files, the keyring, and signers named by URI."""
