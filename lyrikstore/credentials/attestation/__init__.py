"""What is said about a dataset besides its own credential (spec/20-attestations-and-grants.md).

An *attestation* is by somebody else: an audit, an opinion, a determination. A *grant* is by the
publisher, to a buyer by name. Both are credentials of profile ``lyrik`` and stand on their own.
"""
