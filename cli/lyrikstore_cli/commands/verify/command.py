"""``lyrikstore verify``: verify a credential, a version with its inputs, or the whole store."""

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from lyrikstore.api.commands import NOTHING, fetch_for, read_resources
from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.files import no_file, read_at_most
from lyrikstore.canon.timestamps import now, parse_timestamp
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.commands.verify import repair
from lyrikstore_cli.commands.verify.audit import verify_handed_audit
from lyrikstore_cli.commands.verify.card import verify_handed_card
from lyrikstore_cli.commands.verify.delivery import verify_delivered
from lyrikstore_cli.commands.verify.deployed import (
    README,
    judged_whole,
    verify_deployed,
    verify_manifest_file,
    where_judged,
)
from lyrikstore_cli.commands.verify.diagnose import enclosing, next_steps, not_about_data
from lyrikstore_cli.commands.verify.page import page_in, verify_page
from lyrikstore_cli.commands.verify.w3c import Asked
from lyrikstore_cli.options import credential_file, read_file
from lyrikstore_cli.report import catch_up, check_kept, keep_report, reasons, show_report
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Trust
    from lyrikstore.verify.report import Report

MAX_LISTS = 1000

_AUDIT_FILES = (".html", ".htm", ".zip")


class DataGiven(Struct, frozen=True):
    """The data that a credential describes.

    Attributes:
        data: The folder of the data, or None.
        delivered: Whether the credential is that of a delivery.
        recompute: Whether to compute measured claims again.
    """

    data: Path | None
    delivered: bool
    recompute: bool


@declare(
    "verify",
    epilog="lyrikstore verify delivery\nlyrikstore verify credential.json --data data\n"
    "lyrikstore verify checkpoints/acme/clause-classifier\n"
    "lyrikstore verify MODEL_CARD.md --store acme\nlyrikstore verify audit.html\nlyrikstore verify",
)
@click.argument("target", required=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The data that the credential describes; by default that of the delivery.",
)
@options.trust_file
@options.at
@click.option(
    "--status",
    "status_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A newer status list or key statement, the evidence of a card, or a folder of these.",
)
@click.option(
    "--resource",
    "resources",
    metavar="FILE|FOLDER|URL=FILE",
    multiple=True,
    help="A schema or other resource that a foreign credential names.",
)
@click.option("--fetch", is_flag=True, help="Fetch did:web documents and status lists (https).")
@click.option("--challenge", help="The challenge that you gave the holder of a presentation.")
@click.option("--domain", help="Your own name in that presentation.")
@click.option(
    "--recompute/--no-recompute",
    default=True,
    help="Compute measured claims, and evaluations from their predictions, again; without it the "
    "exit code is 4 at best.",
)
@click.option("--quick", is_flag=True, help="Verify only the structure of the store; read no data.")
@click.option(
    "--sample",
    type=click.FloatRange(0, 100, min_open=True, max_open=True),
    metavar="P",
    help="Read P percent of the packs, drawn at random.",
)
@options.dask
@click.option(
    "--repair-from", metavar="REMOTE", help="First restore damaged files from this remote."
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path),
    metavar="FILE.html|FILE.json",
    help="Write the report as a page or JSON, outside what is verified.",
)
@click.option("--force", is_flag=True, help="Replace the file that --report names.")
def command(
    session: Session,
    target: str | None,
    data: Path | None,
    trust_file: Path | None,
    at: str | None,
    status_files: tuple[Path, ...],
    resources: tuple[str, ...],
    fetch: bool,
    challenge: str | None,
    domain: str | None,
    recompute: bool,
    quick: bool,
    sample: float | None,
    dask: str | None,
    repair_from: str | None,
    report_file: Path | None,
    force: bool,
) -> None:
    """Verify TARGET: a delivery, deployed folder or file (offline, no store), a REF, or the store.

    A delivery is a folder; its data is verified too. Of a folder that `deploy` wrote all files are
    verified, also if TARGET is one of them. A file may be a credential of lyrikstore, a credential
    of other software, a presentation (the report names the profile), an audit file, a model card,
    which is verified with its model in the store that signed it, or a page that `--html`,
    `--report` or `key letter` wrote: it is drawn again from its facts, and these are compared with
    the store. The report lists checks that
    failed, that are open, that warn, and claims that are only stated; `-v` adds checks that passed
    and all limits, `-q` prints only the verdict. Exit code 0: trusted; 4: valid, but you do not
    trust the issuer; 5: incomplete; 3: invalid. `--trust` and `--at` apply to this command only.
    `--quick` and `--sample` are for the whole store, and give 5 at best: they do not read all
    data.
    """
    if report_file is not None:
        check_kept(report_file, _named(target, data), force=force)
    elif force:
        raise click.UsageError("--force needs --report")
    trust = session.trust(trust_file)
    moment = parse_timestamp(at) if at else now()
    if (quick or sample is not None) and (target is not None or (quick and sample is not None)):
        raise click.UsageError(
            "--quick and --sample are for the whole store: leave TARGET out, give one"
        )
    if dask is not None and (target is not None or quick or sample is not None):
        raise click.UsageError(
            "--dask is for all data of the store: leave TARGET, --quick and --sample out"
        )
    if repair_from is not None:
        if target is not None:
            raise click.UsageError("--repair-from is for the whole store: leave TARGET out")
        repair.repair_from(session, repair_from)
    share = 0.0 if quick else 1.0 if sample is None else sample / 100
    asked = Asked(resources, challenge, domain, fetch)
    if (asked or fetch) and target is None:
        raise click.UsageError(
            "--resource, --fetch, --challenge and --domain need a file as TARGET"
        )
    lists = _status_lists(status_files)
    report = _verify(session, target, data, trust, moment, lists, asked, share, dask, recompute)
    code = show_report(session, report)
    found = reasons(report)
    if target is not None and Path(target).exists():
        folder = Path(target) if Path(target).is_dir() else Path(target).parent
        if "no-data" in found:
            place = folder / "data" if (folder / "data").is_dir() else "DIR"
            session.screen.hint(f"add the data: --data {place}")
        if "linked" in found:
            session.screen.hint(f"to follow the link, name it: --data {folder / 'data'}")
    if target is not None and data is not None:
        for step in enclosing(credential_file(Path(target)), data, report):
            session.screen.hint(step)
    if target is not None and Path(target).is_file():
        for step in next_steps(Path(target), report):
            session.screen.hint(step)
    for step in () if target is None else where_judged(Path(target), report):
        session.screen.hint(step)
    for step in catch_up(report):
        session.screen.hint(step)
    if report_file is not None:
        keep_report(report_file, report, trust, force=force)
        session.screen.say(f"✓ wrote    {report_file}")
    raise click.exceptions.Exit(code)


def _named(target: str | None, data: Path | None) -> list[Path]:
    """Return the existing folders and files that the command line names."""
    found = [one for one in (None if target is None else Path(target), data) if one is not None]
    # A file of a delivery is verified with the files beside it.
    found += [one.parent for one in found if os.path.lexists(one.parent / "credential.json")]
    there = [one for one in found if one.exists()]
    from lyrikstore.api.commands import deployed_folder

    folders = [deployed_folder(one) for one in there]
    return [*there, *(one.root for one in folders if one is not None)]


def _verify(
    session: Session,
    target: str | None,
    data: Path | None,
    trust: "Trust",
    at: datetime,
    status_files: list[bytes],
    asked: Asked,
    share: float,
    dask: str | None,
    recompute: bool,
) -> "Report":
    if target is None:
        if data is not None:
            raise InvalidInputError(
                "usage", "--data needs a credential", hint="lyrikstore verify FILE --data DIR"
            )
        from lyrikstore.api import verify_store_at

        with session.pools(dask) as pools, session.progress("verifying") as progress:
            return verify_store_at(
                session.store_folder(),
                trust=trust,
                at=at,
                memory=session.memory(),
                progress=progress,
                share=share,
                pools=pools,
            )
    path, delivered = Path(target), False
    if path.exists():
        from lyrikstore.api.commands import deployed_folder, is_audit_file, of_earlier_folder

        if not target.startswith((".", "/")) and _is_ref(session, target):
            raise click.UsageError(
                f"{target} is a file and also a name: write ./{target} or datasets/{target}"
            )
        folder = deployed_folder(path)
        if folder is not None and judged_whole(folder):
            if data is not None or asked or asked.fetch:
                raise click.UsageError(
                    f"{target} is in a deployed folder: leave --data and --fetch out"
                )
            return verify_deployed(session, folder, trust, at, status_files)
        if folder is not None and folder.part == README:
            about = DataGiven(data, False, recompute)
            report = _verify_file(session, path, about, trust, at, status_files, asked)
            return of_earlier_folder(report)
        if path.suffix in _AUDIT_FILES and is_audit_file(path):
            if data is not None or asked or asked.fetch:
                raise click.UsageError(f"{target} is an audit file: leave --data and --fetch out")
            return verify_handed_audit(session, path, trust, at)
        if (page := page_in(path)) is not None:
            if data is not None or asked or asked.fetch:
                raise click.UsageError(f"{target} is a page: leave --data and --fetch out")
            return verify_page(session, page, trust, at, recompute=recompute)
        if path.is_dir():  # a delivery is verified as a whole
            path, delivered = credential_file(path), True
        if delivered or data is not None:
            from lyrikstore.api.commands import data_folder

            data = data_folder(path, data)
        about = DataGiven(data, delivered, recompute)
        return _verify_file(session, path, about, trust, at, status_files, asked)
    named = data is not None or asked or asked.fetch
    if named or path.suffix == ".json" or target.startswith((".", "/")):
        raise no_file(path)
    try:
        store = session.open_store()
    except NotFoundError as error:
        if error.kind != "no-store":
            raise
        raise NotFoundError(
            error.kind,
            f"there is no file {target}, and no store here that could have such a name",
            hint="check the path, or name a store with --store PATH",
        ) from None
    with session.progress("verifying"):
        return store.verify(target, trust=trust, at=at, recompute=recompute)


def _verify_file(
    session: Session,
    path: Path,
    given: DataGiven,
    trust: "Trust",
    at: datetime,
    status_files: list[bytes],
    asked: Asked,
) -> "Report":
    from lyrikstore.api import OpenedCredential
    from lyrikstore.api.commands import (
        DATASET,
        EVIDENCE_ENDING,
        SiblingFiles,
        is_card,
        read_siblings,
        signed_manifest,
        verify_alone,
        verify_foreign,
    )

    credential = OpenedCredential(read_file(path))
    foreign, kind = credential.profile == "w3c", credential.kind
    # ATTACK: any data, beside a genuine credential that describes other data or none.
    if (given.data is not None or given.delivered) and (foreign or kind not in {None, DATASET}):
        raise not_about_data(path, foreign=foreign, delivered=given.delivered)
    carded = is_card(credential.data, path.suffix) or path.name.endswith(EVIDENCE_ENDING)
    if not given.delivered and carded:
        if given.data is not None or asked or asked.fetch:
            raise click.UsageError(f"{path} is a model card: leave --data and --fetch out")
        return verify_handed_card(
            session, path, trust, at, recompute=given.recompute, status_files=status_files
        )
    manifest = signed_manifest(credential.data)
    if manifest is not None and not given.delivered and given.data is None:
        return verify_manifest_file(session, path, manifest, trust, at)
    siblings = read_siblings(path, complete=not foreign)
    fetched = NOTHING
    if asked.fetch:
        terms = SiblingFiles(siblings).terms_of(credential)  # of a grant
        named = [one.data for one in (credential, terms) if one is not None]
        fetched = fetch_for(named, session.screen.say)
    status_files = [*status_files, *fetched.lists]
    if foreign:
        return verify_foreign(
            credential.data,
            siblings=siblings,
            status_files=status_files,
            resources=read_resources(asked.resources),
            challenge=asked.challenge,
            domain=asked.domain,
            trust=trust,
            at=at,
            fetched=fetched.documents,
        )
    if asked:
        raise click.UsageError(
            "--resource, --challenge and --domain are for credentials of other software"
        )
    if kind is not None and kind is not DATASET:
        there = SiblingFiles.unnamed(map(OpenedCredential, (*siblings.values(), *status_files)))
        return verify_alone(
            credential, siblings=there, trust=trust, at=at, fetched=fetched.documents
        )
    return verify_delivered(
        session,
        credential,
        siblings,
        given.data,
        trust=trust,
        at=at,
        status_files=status_files,
        fetched=fetched.documents,
        recompute=given.recompute,
    )


_STATUS_UPDATES = (".json", ".tlog-proof", ".leaves")


def _status_lists(paths: tuple[Path, ...]) -> list[bytes]:
    from lyrikstore.api import OpenedCredential
    from lyrikstore.api.commands import signed_manifest

    found: list[bytes] = []
    for path in paths:
        # `credential publish -o` writes the lists of each address to a folder. A delivery also
        # holds the log proofs of its policies.
        inside = [path]
        if path.is_dir():
            named = (one for one in path.rglob("*") if one.suffix in _STATUS_UPDATES)
            inside = sorted(one for one in named if not one.is_dir())
        if len(inside) > MAX_LISTS:  # an omitted file could contain the revocation
            raise InvalidInputError(
                "too-many-files",
                f"{path} holds more than {MAX_LISTS} files that could be status lists",
                hint="name a folder that holds only the publisher's lists",
            )
        read = [data for one in inside for data in _updates_in(one)]
        opened = map(OpenedCredential, read)
        has_list = any(one.list_url or one.supersedes for one in opened)
        kinds = {one.kind for one in map(signed_manifest, read) if one is not None}
        if not has_list and kinds.isdisjoint({"policy", "approval"}):  # the user named a wrong file
            raise NotFoundError(
                "no-file",
                f"there is neither a status list nor a key statement in {path}",
                hint="publishers serve status lists at the URLs that their credentials name",
            )
        found += read
    return found


def _updates_in(path: Path) -> list[bytes]:
    """Return the bytes of a status list or key statement, or all parts of a card's evidence."""
    from lyrikstore.api.commands import EVIDENCE_ENDING, MAX_EVIDENCE, parse_evidence

    if path.name.endswith(EVIDENCE_ENDING):
        return [*parse_evidence(read_at_most(path, MAX_EVIDENCE + 1)).values()]
    return [read_file(path)]


def _is_ref(session: Session, target: str) -> bool:
    from lyrikstore.api.commands import parse_ref

    try:
        parse_ref(target)  # most file names are no names of objects, and need no store
        session.store_folder()  # a buyer has no store, and need not load the code that opens one
        session.open_store().repository.afresh().resolve(target)  # no cache is evidence
    except (NotFoundError, InvalidInputError):
        return False
    return True
