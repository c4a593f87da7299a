"""``lyrikstore verify``: a credential, a version with its ancestry, or the whole store."""

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
from lyrikstore_cli.commands.verify.w3c import Asked
from lyrikstore_cli.options import credential_file, read_file
from lyrikstore_cli.report import catch_up, check_kept, keep_report, reasons, show_report
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Trust
    from lyrikstore.verify.report import Report

MAX_LISTS = 1000


class DataGiven(Struct, frozen=True):
    """The data that a credential is to be about.

    Attributes:
        data: Where it is, or None.
        delivered: Whether the credential came as the one of a delivery.
        recompute: Whether to measure it again.
    """

    data: Path | None
    delivered: bool
    recompute: bool


@declare(
    "verify",
    epilog="lyrikstore verify delivery\nlyrikstore verify credential.json --data data\n"
    "lyrikstore verify checkpoints/acme/clause-classifier\n"
    "lyrikstore verify MODEL_CARD.md --store acme\nlyrikstore verify",
)
@click.argument("target", required=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The data that the credential is about; of a delivery its own, unless given.",
)
@options.trust_file
@options.at
@click.option(
    "--status",
    "status_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A newer status list, what a store says of its keys or a card, or a folder of these.",
)
@click.option(
    "--resource",
    "resources",
    metavar="FILE|FOLDER|URL=FILE",
    multiple=True,
    help="A schema or other resource that a foreign credential names.",
)
@click.option("--fetch", is_flag=True, help="Fetch did:web documents and status lists (https).")
@click.option("--challenge", help="What you gave the holder of a presentation to sign.")
@click.option("--domain", help="Your own name in that presentation.")
@click.option(
    "--recompute/--no-recompute",
    default=True,
    help="Measure again what a credential measured, compute an evaluation again from its "
    "predictions; if not, the verdict is 4 at best.",
)
@click.option("--quick", is_flag=True, help="Only the structure of the store: read no data.")
@click.option(
    "--sample",
    type=click.FloatRange(0, 100, min_open=True, max_open=True),
    metavar="P",
    help="Read P percent of the packs, drawn at random.",
)
@options.dask
@click.option("--repair-from", metavar="REMOTE", help="First restore what is damaged from there.")
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path),
    metavar="FILE.html|FILE.json",
    help="Keep the report: a page to read and print, or JSON; never in what is verified.",
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

    A delivery is a folder; the data in it is verified too. So are all files of a folder that
    `deploy` wrote, also if TARGET is one of them. A file may be a credential of ours, one that
    others issued, or a presentation; the report says by which profile it was judged. It may also be
    a model card, which is verified in the store that signed it, with its model. Says what failed,
    what is open, what warns and what is only stated; with `-v` also what passed and all that is not
    proven, with `-q` the verdict alone. Exit code 0 trusted, 4 valid but not trusted by you, 5
    incomplete, 3 invalid. `--trust` and `--at` change only this judgement. `--quick` and `--sample`
    are for the whole store; what they do not read is not verified: 5 at best.
    """
    if report_file is not None:
        check_kept(report_file, _named(target, data), force=force)
    elif force:
        raise click.UsageError("--force goes with --report")
    trust = session.trust(trust_file)
    moment = parse_timestamp(at) if at else now()
    if (quick or sample is not None) and (target is not None or (quick and sample is not None)):
        raise click.UsageError("--quick or --sample goes with the whole store: name no TARGET")
    if dask is not None and (target is not None or quick or sample is not None):
        raise click.UsageError("--dask reads the whole store: name no TARGET")
    if repair_from is not None:
        if target is not None:
            raise click.UsageError("--repair-from goes with the whole store: name no TARGET")
        repair.repair_from(session, repair_from)
    share = 0.0 if quick else 1.0 if sample is None else sample / 100
    asked = Asked(resources, challenge, domain, fetch)
    if (asked or fetch) and target is None:
        raise click.UsageError("--resource, --fetch, --challenge and --domain go with a file")
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
        session.screen.say(f"✓ report kept in {report_file}")
    raise click.exceptions.Exit(code)


def _named(target: str | None, data: Path | None) -> list[Path]:
    """Return the folders and files here that a command line names to be verified."""
    found = [one for one in (None if target is None else Path(target), data) if one is not None]
    # A file out of a delivery is verified with what lies next to it.
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
                "usage", "--data goes with a credential", hint="lyrikstore verify FILE --data DIR"
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
        from lyrikstore.api.commands import deployed_folder, of_earlier_folder

        if not target.startswith((".", "/")) and _is_ref(session, target):
            raise click.UsageError(
                f"{target} is a file and a name: write ./{target}, or datasets/{target}"
            )
        folder = deployed_folder(path)
        if folder is not None and judged_whole(folder):
            if data is not None or asked or asked.fetch:
                raise click.UsageError(f"{target} is a deployed folder, or in one: it has all")
            return verify_deployed(session, folder, trust, at, status_files)
        if folder is not None and folder.part == README:
            about = DataGiven(data, False, recompute)
            report = _verify_file(session, path, about, trust, at, status_files, asked)
            return of_earlier_folder(report)
        if path.is_dir():  # a delivery: what was handed over together is judged together
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
            f"there is no file {target}, and no store here in which it could be a name",
            hint="check the path; or name a store with --store PATH",
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
    # ATTACK: whatever data, next to a genuine credential that is about other data or none.
    if (given.data is not None or given.delivered) and (foreign or kind not in {None, DATASET}):
        raise not_about_data(path, foreign=foreign, delivered=given.delivered)
    carded = is_card(credential.data, path.suffix) or path.name.endswith(EVIDENCE_ENDING)
    if not given.delivered and carded:
        if given.data is not None or asked or asked.fetch:
            raise click.UsageError(f"{path} is a model card: it is verified by its store alone")
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
        raise click.UsageError("--resource, --challenge and --domain go with a foreign document")
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
        # `credential publish -o` writes lists of several addresses to folders of their own.
        # Whoever names a delivery gets what shows that its policies are logged, too.
        inside = [path]
        if path.is_dir():
            named = (one for one in path.rglob("*") if one.suffix in _STATUS_UPDATES)
            inside = sorted(one for one in named if not one.is_dir())
        if len(inside) > MAX_LISTS:  # the one left out could be the one that revokes
            raise InvalidInputError(
                "too-many-files",
                f"{path} holds more than {MAX_LISTS} files that could be status lists",
                hint="name a folder that holds the publisher's lists, and nothing else",
            )
        read = [data for one in inside for data in _said(one)]
        opened = map(OpenedCredential, read)
        told = any(one.list_url or one.supersedes for one in opened)
        said = {one.kind for one in map(signed_manifest, read) if one is not None}
        if not told and said.isdisjoint({"policy", "approval"}):  # none is not what was asked
            raise NotFoundError(
                "no-file",
                f"there is neither a status list in {path}, nor what a store says of its keys",
                hint="a publisher serves them at the URLs that the credentials name",
            )
        found += read
    return found


def _said(path: Path) -> list[bytes]:
    """Return a status list, or what a store says; of the evidence of a card, what is in it."""
    from lyrikstore.api.commands import EVIDENCE_ENDING, MAX_EVIDENCE, parse_evidence

    if path.name.endswith(EVIDENCE_ENDING):
        return [*parse_evidence(read_at_most(path, MAX_EVIDENCE + 1)).values()]
    return [read_file(path)]


def _is_ref(session: Session, target: str) -> bool:
    from lyrikstore.api.commands import parse_ref

    try:
        parse_ref(target)  # most files are not called so, and no store need be opened for them
        session.store_folder()  # a buyer has none, and need not load what opens one
        session.open_store().repository.afresh().resolve(target)  # no cache is evidence
    except (NotFoundError, InvalidInputError):
        return False
    return True
