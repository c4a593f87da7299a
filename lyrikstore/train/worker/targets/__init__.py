"""What checkpoints can be deployed to, one module each: its text, its writer and its reader."""
