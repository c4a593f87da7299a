"""The documents that lyrikstore issues: credentials, attestations, grants, status lists."""
