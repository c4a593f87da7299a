"""``store.models``: checkpoints, from training to what is handed on."""
