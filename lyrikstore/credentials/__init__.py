"""Floor 4: what a publisher hands to strangers, and how a stranger checks it.

The dataset credential, the verifier's own trust file, verification of credentials, deliveries,
stores and objects, and the one report they all answer with. Imports floors 0 to 3.
"""
