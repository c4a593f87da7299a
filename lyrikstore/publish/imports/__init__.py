"""Taking in what others issued: deliveries, credentials, attestations."""
