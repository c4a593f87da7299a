"""Listing and hashing what is to be committed: walk, ignore rules, stat cache, digests."""
