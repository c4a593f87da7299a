"""Deployed models: folders that serving programs load, with evidence and attributions."""
