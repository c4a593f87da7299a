"""What may be offered of a dataset: licence, terms of its sources, measures (spec/19-terms.md)."""
