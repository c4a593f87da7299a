"""The checks of a whole store and of the objects in it (spec §11.5)."""
