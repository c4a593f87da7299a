"""Cards as 0.1.0 wrote them, profile huggingface/2: made again to be verified, never written."""
