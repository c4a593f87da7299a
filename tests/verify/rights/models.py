"""A checkpoint by hand: what came of a run, as far as rights look at it."""

from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.repository.repository import Repository

_SUMS = b"none\n"


def log_model(
    repository: Repository, run: Manifest, data: Manifest, signer: Signer, name: str
) -> Manifest:
    """Return a logged checkpoint of a run, with the files of some data for its own."""
    with open_transaction(repository) as transaction:
        made = sign_manifest(
            kind="checkpoint",
            store=repository.store_id,
            name=f"checkpoints/acme/{name}",
            body={"origin": "trained", "format": "transformers/1"},
            tree=data.tree,
            files=data.files,
            inputs=[
                Input("run", "run", run.id),
                *(one for one in run.inputs if one.role in {"train", "validation", "base"}),
            ],
            attachments=[Attachment("sha256sums", transaction.writer.put_bytes(_SUMS), len(_SUMS))],
            signer=signer,
            created=parse_timestamp(run.created),
        )
        transaction.log_manifest(made)
        transaction.commit()
    return made
