"""Running one function on many tasks: in worker processes here, or on a Dask cluster."""
