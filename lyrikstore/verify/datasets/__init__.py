"""Whether what datasets say of themselves follows from their bytes (spec §11.7.4)."""
