"""The documented views of an index, those of docs/index-views.md and no others.

A change of a column's name, type or meaning, or its removal, is a change of :data:`VERSION`.
"""

from lyrikstore.index.model_views import MODEL_VIEWS, REVIEW_VIEWS
from lyrikstore.index.view import View, columns

VERSION = 9
"""Part of every index's stamp: an index of another version is rebuilt."""

VIEWS = (
    View(
        "store",
        "the one store this index was built from",
        columns("""
            store VARCHAR id of the store: its genesis manifest
            origin VARCHAR name of its log
            log_size BIGINT entries in the log when the index was built
            log_root VARCHAR root of that log, 64 hex digits
        """),
        "SELECT store, origin, log_size, log_root FROM facts.store",
    ),
    View(
        "log",
        "one log entry, in log order",
        columns("""
            log_index BIGINT position in the log, from 0
            type VARCHAR manifest, credential or transaction
            id VARCHAR BLAKE3 of what the entry vouches for
            seq BIGINT number of the transaction it belongs to
            kind VARCHAR kind of manifest
            name VARCHAR name of manifest or credential subject
            author VARCHAR who signed it
            created VARCHAR when the author claims to have signed; no evidence of time
            flagged VARCHAR why a manifest has no effect; NULL where it has
        """),
        """
        SELECT l.log_index, l.type, l.id, l.seq, m.kind, coalesce(m.name, c.name) AS name,
               coalesce(m.author, c.issuer) AS author, coalesce(m.created, c.valid_from) AS created,
               l.flagged
        FROM facts.log l
        LEFT JOIN facts.manifests m ON m.log_index = l.log_index
        LEFT JOIN facts.credentials c ON c.log_index = l.log_index
        ORDER BY l.log_index
        """,
    ),
    View(
        "refs",
        "one name and its current manifest",
        columns("""
            name VARCHAR full name, such as datasets/acme/contracts
            kind VARCHAR kind of its current manifest
            id VARCHAR its current manifest
            log_index BIGINT where that stands in the log
            versions BIGINT how many manifests have been current under this name
        """),
        """
        SELECT r.name, m.kind, r.id, r.log_index, r.versions
        FROM facts.refs r LEFT JOIN facts.manifests m ON m.id = r.id AND m.log_index = r.log_index
        ORDER BY r.name
        """,
    ),
    View(
        "manifests",
        "one logged manifest, flagged ones included",
        columns("""
            id VARCHAR its id
            kind VARCHAR its kind
            name VARCHAR its full name
            version BIGINT 1 for the first under this name; NULL where it has no effect
            is_current BOOLEAN whether its name stands for it now
            log_index BIGINT its place in the log
            store VARCHAR the store it was made for; NULL in a genesis
            author VARCHAR did:key of the signer
            created VARCHAR when the author claims to have signed
            message VARCHAR the author's remark
            tree VARCHAR id of its tree
            files VARCHAR id of the same tree without metadata
            body VARCHAR its body, JSON
        """),
        """
        SELECT id, kind, name, version, is_current, log_index, store, author, created, message,
               tree, files, body
        FROM facts.manifests ORDER BY log_index
        """,
    ),
    View(
        "parents",
        "one earlier version that a manifest succeeds",
        columns("""
            manifest VARCHAR the later manifest
            position BIGINT 0 for the first parent
            parent VARCHAR the earlier manifest
        """),
        "SELECT manifest, position, parent FROM facts.parents ORDER BY rowid",
    ),
    View(
        "inputs",
        "one input of a manifest: the edges of the lineage",
        columns("""
            manifest VARCHAR what was made
            position BIGINT order among the inputs, from 0
            role VARCHAR what the input was used as, such as train
            kind VARCHAR kind of the input
            input VARCHAR id of the input
            name VARCHAR name of the input, where this log holds it
        """),
        """
        SELECT i.manifest, i.position, i.role, i.kind, i.input, n.name
        FROM facts.inputs i LEFT JOIN (
            SELECT id, any_value(name) AS name FROM facts.manifests GROUP BY id
        ) n ON n.id = i.input
        ORDER BY i.rowid
        """,
    ),
    View(
        "attachments",
        "one blob outside the tree that a manifest covers",
        columns("""
            manifest VARCHAR the manifest
            position BIGINT order among its attachments, from 0
            role VARCHAR what it is, such as decisions
            blob VARCHAR digest of the blob
            bytes BIGINT its length
        """),
        "SELECT manifest, position, role, blob, bytes FROM facts.attachments ORDER BY rowid",
    ),
    View(
        "datasets",
        "one version of a dataset",
        columns("""
            id VARCHAR its manifest
            name VARCHAR its full name
            version BIGINT 1 for the first; NULL where it has no effect
            is_current BOOLEAN whether the name stands for it now
            log_index BIGINT its place in the log
            origin VARCHAR committed, filtered or imported
            part VARCHAR train, validation or test, of a split
            reader VARCHAR how its files become records
            records BIGINT records
            file_count BIGINT files
            bytes BIGINT bytes
            licence VARCHAR its licence expression
            came_in BIGINT records the filter saw
            kept BIGINT records it kept here
            dropped BIGINT records it dropped
            changed BIGINT records it kept, changed
            elsewhere BIGINT records it put into another part
            tree VARCHAR id of its tree
        """),
        """
        SELECT id, name, version, is_current, log_index,
               body ->> '$.origin' AS origin, body ->> '$.derivation.part' AS part,
               body ->> '$.reader' AS reader, CAST(body ->> '$.records' AS BIGINT) AS records,
               CAST(body ->> '$.fileCount' AS BIGINT) AS file_count,
               CAST(body ->> '$.bytes' AS BIGINT) AS bytes,
               body ->> '$.licence.expression' AS licence,
               CAST(body ->> '$.derivation.counts.in' AS BIGINT) AS came_in,
               CAST(body ->> '$.derivation.counts.kept' AS BIGINT) AS kept,
               CAST(body ->> '$.derivation.counts.dropped' AS BIGINT) AS dropped,
               CAST(body ->> '$.derivation.counts.changed' AS BIGINT) AS changed,
               CAST(body ->> '$.derivation.counts.elsewhere' AS BIGINT) AS elsewhere,
               tree
        FROM facts.manifests WHERE kind = 'dataset' ORDER BY log_index
        """,
    ),
    View(
        "descriptor",
        "one descriptor field of a dataset or checkpoint",
        columns("""
            manifest VARCHAR the manifest
            name VARCHAR its full name
            field VARCHAR the field
            state VARCHAR value, unknown or not-applicable
            value VARCHAR the value, JSON
            reason VARCHAR why it is unknown or not applicable
            basis VARCHAR measured, tool-asserted or human-asserted
        """),
        """
        SELECT d.manifest, m.name, d.field, d.state, d.value, d.reason, d.basis
        FROM facts.descriptor d JOIN facts.manifests m ON m.id = d.manifest
        ORDER BY d.rowid
        """,
    ),
    View(
        "files",
        "one file of one version of a dataset or checkpoint",
        columns("""
            manifest VARCHAR the version
            name VARCHAR its full name
            kind VARCHAR dataset or checkpoint
            is_current BOOLEAN whether the name stands for that version now
            path VARCHAR the file's path
            bytes BIGINT its length
            blake3 VARCHAR digest of its content, 64 hex digits
        """),
        """
        SELECT m.id AS manifest, m.name, m.kind, m.is_current, e.path, e.bytes, e.blake3
        FROM facts.manifests m JOIN facts.entries e ON e.tree = m.tree
        ORDER BY m.log_index, e.position
        """,
    ),
    View(
        "metadata",
        "one cell of the metadata of a file, of versions that are not retired",
        columns("""
            manifest VARCHAR the version
            name VARCHAR its full name
            is_current BOOLEAN whether the name stands for that version now
            path VARCHAR the file's path
            key VARCHAR the column of the sheet
            value VARCHAR the cell; empty cells have no row
        """),
        """
        SELECT m.id AS manifest, m.name, m.is_current, d.path, d.key, d.value
        FROM facts.manifests m JOIN facts.metadata d ON d.tree = m.tree
        WHERE NOT m.retired
        ORDER BY m.log_index, d.rowid
        """,
    ),
    View(
        "decisions",
        "one decision of a filter about a record, of versions with at most 100,000 of them",
        columns("""
            manifest VARCHAR the dataset that the filter made
            name VARCHAR its full name
            position BIGINT order of the decisions, from 0
            path VARCHAR the file it came from
            file BIGINT which file of the source that is, from 0 in the order of their paths
            record VARCHAR id of the record in the source; of earlier decision tables
            action VARCHAR kept, dropped or changed
            step BIGINT step of the recipe, from 1
            filter VARCHAR which filter decided
            reason VARCHAR why
            field VARCHAR what was changed: text or meta:COLUMN
            count BIGINT places changed
            before VARCHAR digest of the text before; of earlier decision tables
            after VARCHAR where the placeholders are now, JSON; of earlier decision tables
            new_record VARCHAR id of the changed record; of earlier decision tables
            new_path VARCHAR the file it went to
            part VARCHAR the part of a split it went to
            detail VARCHAR more, for people; of earlier decision tables
        """),
        """
        SELECT d.manifest, m.name, d.position, d.path, d.file, d.record, d.action, d.step,
               d.filter, d.reason, d.field, d."count", d.before, d.after, d.new_record,
               d.new_path, d.part, d.detail
        FROM facts.decisions d JOIN facts.manifests m ON m.id = d.manifest
        ORDER BY m.log_index, d.position
        """,
    ),
    View(
        "credentials",
        "one logged credential",
        columns("""
            id VARCHAR BLAKE3 of its bytes
            log_index BIGINT its place in the log
            credential VARCHAR its own id
            issuer VARCHAR DID of the issuer
            issuer_name VARCHAR what the issuer calls itself
            name VARCHAR the dataset it speaks of
            manifest VARCHAR the manifest it speaks of
            tree VARCHAR the tree it speaks of
            valid_from VARCHAR first moment of validity
            valid_until VARCHAR last moment; NULL for no end
            licence VARCHAR licence expression
            permits VARCHAR[] what it permits with all of its partitions
            prohibits VARCHAR[] what it forbids with any of its partitions
            requires VARCHAR[] what it demands for any of its partitions
        """),
        """
        SELECT id, log_index, credential, issuer, issuer_name, name, manifest, tree, valid_from,
               valid_until, licence, permits, prohibits, requires
        FROM facts.credentials ORDER BY log_index
        """,
    ),
    *MODEL_VIEWS,
    *REVIEW_VIEWS,
    View(
        "gaps",
        "something the store should hold that could not be read into this index",
        columns("""
            id VARCHAR manifest or credential concerned
            what VARCHAR what is missing: manifest, credential, tree, metadata, decisions or outcome
            reason VARCHAR why, one line
        """),
        "SELECT id, what, reason FROM facts.gaps ORDER BY rowid",
    ),
)
"""Every documented view, in the order of the documentation."""
