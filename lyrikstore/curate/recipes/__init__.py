"""Recipes and their filters: derived datasets with a reason for every record."""
