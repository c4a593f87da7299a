"""What is signed of training."""
