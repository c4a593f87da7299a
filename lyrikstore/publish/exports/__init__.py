"""Terms and credentials in the vocabularies of others."""
