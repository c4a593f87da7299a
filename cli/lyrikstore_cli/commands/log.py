"""``lyrikstore log``: show the history of a name, or all log entries."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.api import Manifest
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.verify.evaluation.choice.passed_over import candidates_of
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.external_program import execution_line
from lyrikstore_cli.output.attestations import attestation_line, attestation_rows, rows_of_opinions
from lyrikstore_cli.output.events import decided_line, event_lines
from lyrikstore_cli.output.key_names import names_in
from lyrikstore_cli.output.reproductions import reproduction_line
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Store

_QUERY = ".tsq"
_NO_CHECKPOINT = "it has no logged checkpoint: it still runs, was stopped, or failed"


@declare(
    "log",
    signs=True,
    epilog="lyrikstore log acme/contracts\nlyrikstore log --audit\n"
    "lyrikstore log timestamp --request stamp.tsq\nlyrikstore log timestamp --add stamp.tsr",
)
@click.argument("ref", metavar="[REF|timestamp]", required=False)
@click.option("--audit", is_flag=True, help="Show every entry of the log with its signer.")
@options.html
@click.option(
    "--request",
    type=click.Path(path_type=Path),
    metavar="FILE.tsq|FILE",
    help="Write a request about the log checkpoint: to a time stamp authority (.tsq) or a witness.",
)
@click.option(
    "--add",
    "answer",
    type=click.Path(path_type=Path),
    help="Log what the authority or the witness answered.",
)
def command(
    session: Session,
    ref: str | None,
    audit: bool,
    html: Path | None,
    request: Path | None,
    answer: Path | None,
) -> None:
    """Show the versions of a name, newest first; with --audit the whole log, oldest first.

    Measurements of a checkpoint are listed below each version. The page of --html shows the
    training of a run, or the measurements of a checkpoint over time.

    Dates are claims of the signers; the log proves only the order. `log timestamp` has outsiders
    date it: `--request` writes what to send to a time stamp authority (RFC 3161) or a witness, and
    `--add` logs the answer. `--audit` then shows by when each entry existed.
    """
    store = session.open_store()
    if ref == "timestamp" or request is not None or answer is not None:
        if ref != "timestamp" or (request is None) == (answer is None):
            raise InvalidInputError(
                "usage",
                "log timestamp takes one of --request and --add",
                hint="lyrikstore log timestamp --request stamp.tsq",
            )
        _stamp(session, session.open_store(sign=answer is not None), request, answer)
        return
    if audit and ref is not None:
        raise InvalidInputError(
            "usage", "--audit shows the whole log", hint="leave REF or --audit out"
        )
    if html is not None and (audit or ref is None):
        raise InvalidInputError(
            "usage",
            "--html needs one run or checkpoint",
            hint="name it: log CHECKPOINT --html FILE",
        )
    if audit:
        _show_entries(session, store)
    elif ref is None:
        _show_names(session, store)
    else:
        _show_versions(session, store, ref, html)


def _stamp(session: Session, store: "Store", request: Path | None, answer: Path | None) -> None:
    """Write a request, or log an answer; one of both is given."""
    if request is not None:
        _ask(session, store, request)
    elif answer is not None:
        _log_answer(session, store, answer)


def _ask(session: Session, store: "Store", path: Path) -> None:
    is_stamp = path.suffix == _QUERY
    options.check_new(path)
    data = store.query.stamp_request() if is_stamp else store.query.witness_request()
    options.write_new(path, data)
    size = store.query.log_head().size
    _emit(session, stampedSize=size, requestFile=str(path))
    screen = session.screen
    screen.result(f"✓ wrote    {path}  about {pluralize(size, 'entry')}")
    if is_stamp:
        screen.hint("send it to an authority as application/timestamp-query, keep the answer")
        screen.hint("then: lyrikstore log timestamp --add ANSWER.tsr")
    else:
        screen.hint(f"a witness runs: lyrikstore witness {path} -o cosigned.txt")
        screen.hint("then: lyrikstore log timestamp --add cosigned.txt")


def _log_answer(session: Session, store: "Store", path: Path) -> None:
    added = store.policy.add_time(options.read_file(path))
    seen = added.time
    when = format_timestamp(seen.time)
    _emit(
        session,
        stampedSize=seen.size,
        existedBy=when,
        outsider=seen.by,
        logIndex=added.index,
        timestampId=str(added.manifest.id),
    )
    session.screen.result(
        f"✓ logged   entry {added.index}: {pluralize(seen.size, 'entry')} existed by {when}, "
        f"as {escape_control(seen.by)} says"
    )


def _emit(session: Session, **members: object) -> None:
    nothing = dict.fromkeys(("existedBy", "outsider", "logIndex", "timestampId", "requestFile"))
    session.emit("log", {**nothing, **members})


def _show_entries(session: Session, store: "Store") -> None:
    from lyrikstore.api.commands import existed_by

    called, head, rows = names_in(store), store.query.log_head(), store.query.log()
    times = store.query.outside_times()
    for row in rows:
        seen = existed_by(times, row["logIndex"])
        row["existedBy"] = None if seen is None else format_timestamp(seen.time)
        row["outsider"] = None if seen is None else seen.by
    session.emit(
        "log",
        {
            "origin": store.origin,
            "logSize": head.size,
            "rootHash": head.root.hex(),
            "entries": rows,
        },
    )
    session.screen.result(
        "entry  what                      claimed time          existed by", "dim"
    )
    for row in rows:
        kind = row["kind"] or row["type"]
        if row["type"] == "credential" and kind not in {"document", "statement"}:
            kind = "credential"
        what = f"{kind:<11} {_short(row['id'])}"
        outside = row["existedBy"] or "-"
        who = f"{row['created'] or '':<20}  {outside:<20}  {escape_control(row['name'] or '')}"
        by = f"  by {called(row['author'])}" if row["author"] else ""
        mark = f"  ! {row['flagged']}" if row["flagged"] else ""
        mark += "  ! an owner marked its date as wrong" if row["wrongDate"] else ""
        session.screen.result(f"{row['logIndex']:>5}  {what}  {who}{by}{mark}".rstrip())
        if row["eventText"]:
            session.screen.result(f"       {escape_control(row['eventText'])}")
        for change in row["standingChanges"]:
            session.screen.result(f"       {_change_words(change)}")
        if row["kind"] in {"policy", "genesis"} and row["message"]:
            session.screen.result(f"       {escape_control(row['message'])}")
    session.screen.result(
        f"log {store.origin}: {pluralize(head.size, 'entry')}, root {head.root.hex()[:12]}"
    )


def _show_names(session: Session, store: "Store") -> None:
    states = store.query.names()
    opinions = rows_of_opinions(store)
    session.emit(
        "log",
        {
            "refs": [
                {
                    "name": state.name,
                    "id": str(state.id),
                    "logIndex": state.index,
                    "versionCount": len(state.history),
                }
                for state in states
            ],
            "attestations": opinions,
        },
    )
    for state in states:
        count = len(state.history)
        session.screen.result(
            f"{escape_control(state.name):<44} {state.id.short}  {pluralize(count, 'version')}"
        )
    for row in opinions:
        session.screen.result(f"the store: {attestation_line(row)}")


def _show_versions(session: Session, store: "Store", ref: str, html: Path | None) -> None:
    from lyrikstore.api.commands import manifest_facts

    called = names_in(store)
    if html is not None:
        options.check_new(html)
    versions = store.query.versions(ref)
    attested = attestation_rows(store, versions)
    came = store.query.checkpoints_of(versions)
    measured = {
        identity: [store.query.evaluation_facts(one) for one in some]
        for identity, some in store.query.evaluations_of(versions).items()
    }
    again = store.query.reproductions_of(versions)
    events = store.query.events_of(versions)
    decided = store.query.decisions_about(versions)
    indices = {version.id: store.log_index(version.id) for version in versions}
    if html is not None:
        from lyrikstore.api.commands import page_of

        options.write_new(html, page_of(store, store.resolve(ref)))
    session.emit(
        "log",
        {
            "name": versions[0].name,
            "versions": [
                {
                    "id": str(v.id),
                    "logIndex": indices[v.id],
                    **manifest_facts(v),
                    "attestations": attested[v.id],
                    "checkpoints": [str(one) for one in came.get(v.id, ())],
                    "evaluations": measured.get(v.id, []),
                    "reproductions": again.get(v.id, []),
                    "events": events.get(v.id, []),
                    "cardDecisions": decided.get(v.id, []),
                }
                for v in versions
            ],
            "pageFile": None if html is None else str(html),
        },
    )
    for version in versions:
        session.screen.result(f"{version.id.short}  {escape_control(version.name)}", "bold")
        session.screen.result(
            f"  logged as entry {indices[version.id]}, signed by "
            f"{called(version.author)} ({version.author}), claims {version.created}"
        )
        if event := manifest_facts(version)["eventText"]:
            session.screen.result(f"  {escape_control(event)}")
        for line in _body_lines(version):
            session.screen.result(f"  {line}")
        if version.kind == "run":
            made = ", ".join(one.short for one in came[version.id])
            session.screen.result(f"  {f'made checkpoint {made}' if made else _NO_CHECKPOINT}")
        for one in measured.get(version.id, ()):
            session.screen.result(f"  {_measured_line(one)}")
        for found in again.get(version.id, ()):
            session.screen.result(f"  {reproduction_line(found)}")
        for line in event_lines(events.get(version.id, ())):
            session.screen.result(f"  {line}")
        for decision in decided.get(version.id, ()):
            session.screen.result(f"  {decided_line(decision)}")
        for row in attested[version.id]:
            session.screen.result(f"  {attestation_line(row)}")
        if version.message:
            session.screen.result(f"  {escape_control(version.message)}")
    if html is not None:
        session.screen.result(f"✓ wrote    {html}")


def _change_words(change: Mapping[str, Any]) -> str:
    """Return the line for a status change of one credential."""
    about = f" of {escape_control(change['about'])}" if change["about"] else ""
    reason = change["reason"]
    because = f", because: {escape_control(reason)}" if reason else ", without a reason"
    named = Digest.parse(change["credential"]).short
    return f"{change['effect']} credential {named}{about}{because}"


def _body_lines(manifest: Manifest) -> list[str]:
    body = manifest.body
    lines = []
    if manifest.kind == "dataset":
        lines.append(
            f"{pluralize(body['records'], 'record')} in {pluralize(body['fileCount'], 'file')}, "
            f"{pluralize(body['bytes'], 'byte')}"
        )
        if "derivation" in body:
            counts = body["derivation"]["counts"]
            lines.append("  ".join(f"{name} {count}" for name, count in counts.items()))
    if manifest.kind == "retention":
        lines.append(
            f"retires the data of {pluralize(len(manifest.inputs), 'version')} "
            f"of {escape_control(body['of'])}; the "
            f"newest {body['keep']} stay"
        )
    elif manifest.inputs:
        made = ", ".join(
            f"{item.kind if item.role == item.kind else f'{item.role} {item.kind}'} {item.id.short}"
            for item in manifest.inputs
        )
        lines.append(f"made from {made}")
    if "chosen" in body:
        tried = candidates_of(body["chosen"])
        lines += [f"took {escape_control(one.text)}" for one in tried if one.is_taken]
        lines += [f"passed over {escape_control(one.text)}" for one in tried if not one.is_taken]
    if "execution" in body:
        lines.append(execution_line(body["execution"]))
    if manifest.kind in {"run", "evaluation"}:
        lines += _right_lines(body)
    return lines


def _measured_line(facts: Mapping[str, Any]) -> str:
    """Return the line for one measurement of a checkpoint."""
    done = "monitored" if facts["isMonitor"] else "evaluated"
    done = "history" if facts["isHistory"] else done
    figures = [f"{one['metric']} {one['measured']}" for one in facts["metricsNow"]]
    figures += [f"{one['metric']} {one['measured']}" for one in facts["driftNow"]]
    count = pluralize(facts["recordCount"], "record")
    when = facts["period"] or facts["created"][:10]
    line = f"{done} {when}  {facts['dataName']}  {count}  {facts['verdictText']}"
    return escape_control(f"{line}  {'  '.join(figures)}".rstrip())


def _right_lines(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rights that a run or evaluation recorded."""
    if not body.get("rights"):
        yield "records no right to use the data"
        return
    for right in body["rights"]:
        ids = [Digest.parse(right[name]).short for name in ("dataset", "credential")]
        by = f"credential {ids[1]}" + (
            f" and grant {Digest.parse(right['grant']).short}" if "grant" in right else ""
        )
        words = ", ".join(escape_control(word) for word in right["permits"])
        yield f"may use dataset {ids[0]} by {by}: {words}, to {right.get('validUntil', 'no end')}"


def _short(identity: str) -> str:
    return identity.removeprefix("blake3:")[:12]
