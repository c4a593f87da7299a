"""Checking packs and blobs against their digests."""
