"""Private keys: key files, the keyring, and signers named by URI."""
