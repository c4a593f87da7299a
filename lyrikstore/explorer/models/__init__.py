"""Runs, evaluations, cards and deployments: where a model came from, and who approved it.

Everything follows from signed manifests, which are read and verified again for each page.
"""
