"""Status lists of issued credentials: revoke, suspend, reinstate, supersede (spec §10.6)."""
