"""Copies of the inputs of a run for its worker (spec §13.2)."""

from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.formats.base_model import check_fit
from lyrikstore.train.preflight import RunPlan
from lyrikstore.train.snapshot import copy_base
from lyrikstore.train.task import CopiedInputs
from lyrikstore.train.worker.staging import Staging


def copy_inputs(repo: Repository, plan: RunPlan, staging: Staging) -> CopiedInputs:
    """Copy base model, training and validation data, every byte checked.

    Args:
        repo: The store.
        plan: The plan of the run.
        staging: The folder to write to.

    Raises:
        InvalidInputError, PolicyError: Inputs that cannot be trained on.
        VerificationError, IncompleteError, StorageError: An input is damaged or missing.
    """
    config = plan.config
    if plan.base is not None:
        settings = copy_base(repo, plan.base, staging)
        check_fit(
            settings,
            targets=config.lora.targets,
            layers=config.lora.layers,
            max_tokens=config.model.max_tokens,
        )
    return config.learns.copy_inputs(repo, plan, staging)
