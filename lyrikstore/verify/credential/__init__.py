"""The checks of one credential, attestation or grant (spec §11.4.1, §20.3)."""
