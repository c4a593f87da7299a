"""Running one task for many files: worker processes on this machine, or a Dask cluster."""
