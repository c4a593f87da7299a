"""Storage backends: a local folder, object storage, SFTP, HTTP (spec/15-remotes.md)."""
