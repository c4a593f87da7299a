"""Whether data may be used for a purpose, judged before work and after it."""
