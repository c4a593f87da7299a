"""The largest documents that are read, whoever wrote them."""

MAX_CREDENTIAL_BYTES = 1 << 20
