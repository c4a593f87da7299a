"""Our own recognisers: patterns with check digits and context words, each linear in the text."""
