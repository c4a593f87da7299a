"""What an issuer shows of itself: DID, keys, and the statements of its store about them."""
