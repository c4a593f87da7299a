"""The built-in filters, by what they do; each names what it is in a recipe."""
