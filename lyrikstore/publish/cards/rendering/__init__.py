"""Renderings of ``card.json``: Markdown, a page, PDF. None adds a meaning (spec §14.4.6)."""
