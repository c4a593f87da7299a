"""``lyrikstore key``: keys of the user, and changes of the keys of a store."""
