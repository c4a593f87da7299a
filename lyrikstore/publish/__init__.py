"""What leaves a store for people outside it: deliveries, grants, status lists, model cards.

Imports ``curate`` and what lies below it.
"""
