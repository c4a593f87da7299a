"""generative models: loaded, trained, asked (spec §13.12). Runs in a worker."""
