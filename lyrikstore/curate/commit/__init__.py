"""From a folder or file to a signed dataset version: plan, admission, manifest (spec §12.1)."""
