"""The checks of a delivery: manifest, files, records, log (spec §11.4)."""
