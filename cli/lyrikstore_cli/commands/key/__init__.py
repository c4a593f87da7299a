"""``lyrikstore key``: keys, and the policy changes that name them."""
