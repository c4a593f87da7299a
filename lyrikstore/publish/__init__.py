"""Floor 8: what leaves a store for people outside it: deliveries and model cards."""
