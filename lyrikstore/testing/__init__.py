"""What tests need, ours and those of third-party backends and signers: clocks and keys that repeat.

Public, versioned with the library, never used by it.
"""
