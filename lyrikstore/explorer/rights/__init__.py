"""Credentials, rules and waivers: who may use what, since when, and whether that still holds."""
