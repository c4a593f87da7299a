"""Importing what others issued: deliveries, credentials, attestations."""
