"""How lyrikstore secures a document (spec §3.3)."""
