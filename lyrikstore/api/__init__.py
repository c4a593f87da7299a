"""The facade that notebooks, services and the command line import.

:class:`~lyrikstore.api.store.Store` is where to begin. What it takes and gives has its name here,
and so has what needs no store: a delivery to verify, keys, terms to combine, the page. Each loads
when it is first asked for, so that importing this costs nothing. Below it are layers that a later
version may change; errors, texts and times are in :mod:`lyrikstore.canon`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lyrikstore.api.named_remotes import NamedRemote as NamedRemote
    from lyrikstore.api.named_remotes import NamedRemotes as NamedRemotes
    from lyrikstore.api.named_remotes import place_of as place_of
    from lyrikstore.api.store import Store as Store
    from lyrikstore.api.verify import data_folder as data_folder
    from lyrikstore.api.verify import verify_delivery as verify_delivery
    from lyrikstore.api.verify import verify_deployed_folder as verify_deployed_folder
    from lyrikstore.api.verify import verify_folder as verify_folder
    from lyrikstore.api.verify import verify_store_at as verify_store_at
    from lyrikstore.canon.digest import Digest as Digest
    from lyrikstore.canon.errors import LyrikstoreError as LyrikstoreError
    from lyrikstore.context import LogPosition as LogPosition
    from lyrikstore.credentials.did import KnownDocument as KnownDocument
    from lyrikstore.credentials.did import web_url as web_url
    from lyrikstore.credentials.did.document import build_document as build_document
    from lyrikstore.credentials.model.attestation import parse_statement as parse_statement
    from lyrikstore.credentials.model.card_attestation import (
        parse_card_statement as parse_card_statement,
    )
    from lyrikstore.credentials.model.credential import DATASET as DATASET
    from lyrikstore.credentials.model.opened import OpenedCredential as OpenedCredential
    from lyrikstore.credentials.terms.model import Use as Use
    from lyrikstore.credentials.terms.vocabulary import limit_words as limit_words
    from lyrikstore.credentials.trust import Trust as Trust
    from lyrikstore.credentials.trust import TrustedIssuer as TrustedIssuer
    from lyrikstore.credentials.trust import encode_trust as encode_trust
    from lyrikstore.credentials.trust import load_trust as load_trust
    from lyrikstore.credentials.trust.model import ROLES as ROLES
    from lyrikstore.crypto.ed25519 import PublicKey as PublicKey
    from lyrikstore.crypto.keys.key_file import MAX_BACKUP as MAX_BACKUP
    from lyrikstore.crypto.keys.key_file import MAX_PASSPHRASE as MAX_PASSPHRASE
    from lyrikstore.crypto.keys.key_file import StoredKey as StoredKey
    from lyrikstore.crypto.keys.keyring import KeyFolder as KeyFolder
    from lyrikstore.crypto.keys.signer import DeferredSigner as DeferredSigner
    from lyrikstore.crypto.keys.signer import Signer as Signer
    from lyrikstore.curate.commit.commit_cache import begin_listing as begin_listing
    from lyrikstore.curate.commit.inputs import MAX_PROMPT_BYTES as MAX_PROMPT_BYTES
    from lyrikstore.curate.commit.inputs import CommitMetadata as CommitMetadata
    from lyrikstore.curate.commit.inputs import CommitOptions as CommitOptions
    from lyrikstore.curate.commit.inputs import GeneratedBy as GeneratedBy
    from lyrikstore.curate.commit.result import CommitResult as CommitResult
    from lyrikstore.curate.commit.status import FolderStatus as FolderStatus
    from lyrikstore.curate.descriptor import Descriptor as Descriptor
    from lyrikstore.curate.descriptor import load_descriptor as load_descriptor
    from lyrikstore.curate.diff.rows import RowsDiff as RowsDiff
    from lyrikstore.curate.diff.versions import FileChange as FileChange
    from lyrikstore.curate.diff.versions import LicenceChange as LicenceChange
    from lyrikstore.curate.diff.versions import VersionDiff as VersionDiff
    from lyrikstore.curate.lock_file import LockFile as LockFile
    from lyrikstore.curate.lock_file import find_lock as find_lock
    from lyrikstore.curate.readers.fields import FieldRoles as FieldRoles
    from lyrikstore.curate.recipes.decisions import Decision as Decision
    from lyrikstore.curate.recipes.explain.given_away import GIVEN_AWAY as GIVEN_AWAY
    from lyrikstore.curate.recipes.explain.given_away import GivenAway as GivenAway
    from lyrikstore.curate.recipes.recipe import load_recipe as load_recipe
    from lyrikstore.curate.scan.listing import Listing as Listing
    from lyrikstore.curate.sheets.sheet import KEY_COLUMNS as KEY_COLUMNS
    from lyrikstore.curate.sheets.sheet import defuse as defuse
    from lyrikstore.curate.sheets.sheet import formula_cells as formula_cells
    from lyrikstore.curate.sheets.sheet import sheet_of as sheet_of
    from lyrikstore.curate.terms.combined import Deciders as Deciders
    from lyrikstore.curate.terms.combined import Mix as Mix
    from lyrikstore.curate.terms.combined import mix as mix
    from lyrikstore.curate.terms.contribution import HeldGrant as HeldGrant
    from lyrikstore.curate.terms.contribution import TermSource as TermSource
    from lyrikstore.curate.terms.holder import OtherHolder as OtherHolder
    from lyrikstore.curate.terms.offer import Offer as Offer
    from lyrikstore.curate.terms.offer import load_offer as load_offer
    from lyrikstore.curate.terms.offer import read_licence_text as read_licence_text
    from lyrikstore.curate.terms.public_licences import NarrowerTerms as NarrowerTerms
    from lyrikstore.curate.terms.sources import Asker as Asker
    from lyrikstore.curate.terms.sources import AssertedModel as AssertedModel
    from lyrikstore.curate.terms.sources import source_of_file as source_of_file
    from lyrikstore.deploy.deploy import Deployment as Deployment
    from lyrikstore.history.commit.policy_change import PolicyChange as PolicyChange
    from lyrikstore.history.gc.gc import Collected as Collected
    from lyrikstore.history.gc.purge import Purged as Purged
    from lyrikstore.history.log.memory import LogMemory as LogMemory
    from lyrikstore.history.manifests.lineage import Edge as Edge
    from lyrikstore.history.manifests.lineage import Graph as Graph
    from lyrikstore.history.manifests.manifest import Manifest as Manifest
    from lyrikstore.history.manifests.names import parse_name as parse_name
    from lyrikstore.history.manifests.names import parse_ref as parse_ref
    from lyrikstore.history.policy.policy import Policy as Policy
    from lyrikstore.history.repository.locate import STORE_FOLDER as STORE_FOLDER
    from lyrikstore.history.repository.locate import nearest_store as nearest_store
    from lyrikstore.history.repository.locate import store_folder as store_folder
    from lyrikstore.history.trees.tree import Tree as Tree
    from lyrikstore.history.trees.tree import TreeEntry as TreeEntry
    from lyrikstore.index.impact import Affected as Affected
    from lyrikstore.index.impact import Impact as Impact
    from lyrikstore.index.log_view import evaluation_facts as evaluation_facts
    from lyrikstore.index.log_view import manifest_facts as manifest_facts
    from lyrikstore.objects.backends.open import RemotePlace as RemotePlace
    from lyrikstore.objects.parallel.dask import dask_cluster as dask_cluster
    from lyrikstore.objects.parallel.tasks import Pools as Pools
    from lyrikstore.publish.cards.card import CardResult as CardResult
    from lyrikstore.publish.cards.offline import is_card as is_card
    from lyrikstore.publish.cards.offline import sibling_card as sibling_card
    from lyrikstore.publish.cards.offline import store_named as store_named
    from lyrikstore.publish.cards.offline import verify_card_alone as verify_card_alone
    from lyrikstore.publish.cards.vocabulary import card_facts as card_facts
    from lyrikstore.publish.exports.odrl import export_odrl as export_odrl
    from lyrikstore.publish.identity.issuer import Issuance as Issuance
    from lyrikstore.publish.identity.key_letter import KeyLetter as KeyLetter
    from lyrikstore.publish.identity.key_letter import letter_html as letter_html
    from lyrikstore.publish.identity.key_letter import letter_pdf as letter_pdf
    from lyrikstore.publish.identity.log_heads import own_consistency as own_consistency
    from lyrikstore.publish.imports.import_credentials import ImportResult as ImportResult
    from lyrikstore.publish.issue.attest import Findings as Findings
    from lyrikstore.publish.issue.attest import attest_alone as attest_alone
    from lyrikstore.publish.issue.attest import read_documents as read_documents
    from lyrikstore.publish.issue.attest_card import attest_card as attest_card
    from lyrikstore.publish.issue.dataset import IssueResult as IssueResult
    from lyrikstore.publish.issue.grant import Licence as Licence
    from lyrikstore.publish.issue.issue import IssuedCredential as IssuedCredential
    from lyrikstore.publish.status.book import Issued as Issued
    from lyrikstore.publish.status.changes import revoke_alone as revoke_alone
    from lyrikstore.train.config import TrainConfig as TrainConfig
    from lyrikstore.train.foreign.job import ExportedJob as ExportedJob
    from lyrikstore.train.foreign.opening import Opening as Opening
    from lyrikstore.train.foreign.request import ForeignRun as ForeignRun
    from lyrikstore.train.foreign.run import ForeignResult as ForeignResult
    from lyrikstore.train.plan.estimate import MachineFigures as MachineFigures
    from lyrikstore.train.plan.plan import TrainingPlan as TrainingPlan
    from lyrikstore.train.plan.plan_json import figures_json as figures_json
    from lyrikstore.train.plan.plan_json import plan_json as plan_json
    from lyrikstore.train.predict.prediction import PREDICTION_COLUMNS as PREDICTION_COLUMNS
    from lyrikstore.train.predict.prediction import Prediction as Prediction
    from lyrikstore.train.requirements import UseConfig as UseConfig
    from lyrikstore.train.worker.order import rank_batches as rank_batches
    from lyrikstore.verify.datasets.licences import LicenceCount as LicenceCount
    from lyrikstore.verify.delivery.alone import signed_manifest as signed_manifest
    from lyrikstore.verify.delivery.alone import verify_manifest_alone as verify_manifest_alone
    from lyrikstore.verify.delivery.compare_files import is_litter as is_litter
    from lyrikstore.verify.delivery.delivery import verify_alone as verify_alone
    from lyrikstore.verify.delivery.folder import read_siblings as read_siblings
    from lyrikstore.verify.delivery.siblings import SiblingFiles as SiblingFiles
    from lyrikstore.verify.deployment.folder import DeployedFolder as DeployedFolder
    from lyrikstore.verify.deployment.folder import FolderState as FolderState
    from lyrikstore.verify.deployment.folder import deployed_folder as deployed_folder
    from lyrikstore.verify.deployment.folder import of_earlier_folder as of_earlier_folder
    from lyrikstore.verify.report import Report as Report
    from lyrikstore.verify.store.statements.confinement import confinement_text as confinement_text
    from lyrikstore.w3c.issuing import present_grant as present_grant
    from lyrikstore.w3c.issuing import sign_other as sign_other
    from lyrikstore.w3c.profile.presentation import verify_foreign as verify_foreign
    from lyrikstore.w3c.profile.resource_files import read_resources as read_resources
    from lyrikstore.w3c.proofs.proof_set import SUITES as SUITES
    from lyrikstore.w3c.vc_api.app import make_app as make_app
    from lyrikstore.w3c.vc_api.app import make_service as make_service
    from lyrikstore.w3c.vc_api.tls import self_signed_context as self_signed_context
    from lyrikstore.web import MAX_CARRIED as MAX_CARRIED
    from lyrikstore.web import Carried as Carried
    from lyrikstore.web import carried_by as carried_by
    from lyrikstore.web import page_fingerprint as page_fingerprint
    from lyrikstore.web import verification_page as verification_page
    from lyrikstore.web.evaluation_page import evaluation_page as evaluation_page
    from lyrikstore.web.fetch_named import NOTHING as NOTHING
    from lyrikstore.web.fetch_named import fetch_for as fetch_for
    from lyrikstore.web.monitor_page import monitor_page as monitor_page
    from lyrikstore.web.profile_page import profile_page as profile_page
    from lyrikstore.web.report_page import report_page as report_page
    from lyrikstore.web.run_page import run_page as run_page

_PLACES = {
    "context": "LogPosition",
    "api.named_remotes": "NamedRemote NamedRemotes place_of",
    "api.store": "Store",
    "api.verify": "data_folder verify_delivery verify_deployed_folder verify_folder "
    "verify_store_at",
    "canon.digest": "Digest",
    "canon.errors": "LyrikstoreError",
    "credentials.did": "KnownDocument web_url",
    "credentials.did.document": "build_document",
    "credentials.model.attestation": "parse_statement",
    "credentials.model.card_attestation": "parse_card_statement",
    "credentials.model.credential": "DATASET",
    "credentials.model.opened": "OpenedCredential",
    "credentials.terms.model": "Use",
    "credentials.terms.vocabulary": "limit_words",
    "credentials.trust": "Trust TrustedIssuer encode_trust load_trust",
    "credentials.trust.model": "ROLES",
    "crypto.ed25519": "PublicKey",
    "crypto.keys.key_file": "MAX_BACKUP MAX_PASSPHRASE StoredKey",
    "crypto.keys.keyring": "KeyFolder",
    "crypto.keys.signer": "DeferredSigner Signer",
    "w3c.proofs.proof_set": "SUITES",
    "curate.commit.commit_cache": "begin_listing",
    "curate.diff.rows": "RowsDiff",
    "curate.diff.versions": "FileChange LicenceChange VersionDiff",
    "curate.commit.inputs": "CommitMetadata CommitOptions GeneratedBy MAX_PROMPT_BYTES",
    "curate.commit.result": "CommitResult",
    "curate.commit.status": "FolderStatus",
    "curate.descriptor": "Descriptor load_descriptor",
    "curate.lock_file": "LockFile find_lock",
    "curate.readers.fields": "FieldRoles",
    "curate.recipes.decisions": "Decision",
    "curate.recipes.explain.given_away": "GIVEN_AWAY GivenAway",
    "curate.recipes.recipe": "load_recipe",
    "curate.scan.listing": "Listing",
    "curate.sheets.sheet": "KEY_COLUMNS defuse formula_cells sheet_of",
    "curate.terms.combined": "Deciders Mix mix",
    "curate.terms.contribution": "HeldGrant TermSource",
    "curate.terms.holder": "OtherHolder",
    "curate.terms.offer": "Offer load_offer read_licence_text",
    "curate.terms.public_licences": "NarrowerTerms",
    "curate.terms.sources": "Asker AssertedModel source_of_file",
    "deploy.deploy": "Deployment",
    "history.commit.policy_change": "PolicyChange",
    "history.gc.gc": "Collected",
    "history.gc.purge": "Purged",
    "history.log.memory": "LogMemory",
    "history.manifests.lineage": "Edge Graph",
    "history.manifests.manifest": "Manifest",
    "history.manifests.names": "parse_name parse_ref",
    "history.policy.policy": "Policy",
    "history.repository.locate": "STORE_FOLDER nearest_store store_folder",
    "history.trees.tree": "Tree TreeEntry",
    "index.impact": "Affected Impact",
    "index.log_view": "evaluation_facts manifest_facts",
    "objects.backends.open": "RemotePlace",
    "objects.parallel.dask": "dask_cluster",
    "objects.parallel.tasks": "Pools",
    "publish.cards.card": "CardResult",
    "publish.cards.offline": "is_card sibling_card store_named verify_card_alone",
    "publish.cards.vocabulary": "card_facts",
    "publish.exports.odrl": "export_odrl",
    "publish.identity.issuer": "Issuance",
    "publish.identity.key_letter": "KeyLetter letter_html letter_pdf",
    "publish.identity.log_heads": "own_consistency",
    "publish.imports.import_credentials": "ImportResult",
    "publish.issue.attest": "Findings attest_alone read_documents",
    "publish.issue.attest_card": "attest_card",
    "publish.issue.grant": "Licence",
    "publish.issue.dataset": "IssueResult",
    "publish.issue.issue": "IssuedCredential",
    "w3c.issuing": "present_grant sign_other",
    "publish.status.book": "Issued",
    "publish.status.changes": "revoke_alone",
    "train.config": "TrainConfig",
    "train.foreign.job": "ExportedJob",
    "train.foreign.opening": "Opening",
    "train.foreign.request": "ForeignRun",
    "train.foreign.run": "ForeignResult",
    "train.plan.estimate": "MachineFigures",
    "train.plan.plan": "TrainingPlan",
    "train.plan.plan_json": "figures_json plan_json",
    "train.predict.prediction": "PREDICTION_COLUMNS Prediction",
    "train.requirements": "UseConfig",
    "train.worker.order": "rank_batches",
    "verify.datasets.licences": "LicenceCount",
    "verify.delivery.alone": "signed_manifest verify_manifest_alone",
    "verify.delivery.compare_files": "is_litter",
    "verify.delivery.delivery": "verify_alone",
    "verify.delivery.folder": "read_siblings",
    "verify.delivery.siblings": "SiblingFiles",
    "verify.deployment.folder": "DeployedFolder FolderState deployed_folder of_earlier_folder",
    "verify.report": "Report",
    "verify.store.statements.confinement": "confinement_text",
    "w3c.profile.presentation": "verify_foreign",
    "w3c.profile.resource_files": "read_resources",
    "web": "Carried MAX_CARRIED carried_by page_fingerprint verification_page",
    "web.evaluation_page": "evaluation_page",
    "web.fetch_named": "NOTHING fetch_for",
    "web.monitor_page": "monitor_page",
    "web.run_page": "run_page",
    "web.profile_page": "profile_page",
    "web.report_page": "report_page",
    "w3c.vc_api.app": "make_app make_service",
    "w3c.vc_api.tls": "self_signed_context",
}
"""Module below ``lyrikstore`` → what is exported of it."""

_LAZY = {name: module for module, names in _PLACES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load a public name from the layer that owns it."""
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module 'lyrikstore.api' has no attribute {name!r}")
    return getattr(import_module(f"lyrikstore.{_LAZY[name]}"), name)
