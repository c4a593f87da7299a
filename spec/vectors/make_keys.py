"""Makes ``verdicts/keys.json``: deliveries with the policies that came after them.

The form is that of ``make_verdicts.py``, but a case is a whole delivery.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

import make_credentials as made
from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import revoked, rotated, with_writer, without_log_key
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.log.consistency_file import consistency_file
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.history.policy.policy import OWNER, Genesis, Policy


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "verdicts/keys.json": _keys(
            f'version = 1\n\n[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'
        )
    }


def _with_owner(key: str) -> Callable[[Policy], Policy]:
    def change(policy: Policy) -> Policy:
        owners = policy.roles[OWNER]
        roles = {**policy.roles, OWNER: replace(owners, keys=(*owners.keys, key))}
        return replace(policy, version=policy.version + 1, roles=roles)

    return change


def _keys(trust: str) -> dict[str, Any]:
    """Return deliveries with the policies that came after: what they say of the issuer's key."""
    owner, mallory = made.OWNER, made.MALLORY
    following, second_log = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (5, 6))
    by_owner, by_next = made.world(), made.world(following, 3)
    too_late = made.world(index=3)
    genesis = by_owner.genesis
    first = Genesis.parse(genesis.body).policy

    def policy(
        change: Any,
        *,
        signer: Any = owner,
        before: Any = None,
        skip: int = 1,
        second: int = made.NOW.second,
    ) -> Any:
        parent = before or genesis
        base = Policy.parse(before.body["policy"]) if before else first
        value = {**change(base).to_json(), "version": base.version + skip}
        return sign_manifest(
            kind="policy", store=genesis.id, name="policies/store/main", body={"policy": value},
            parents=[parent.id], signer=signer, created=made.NOW.replace(second=second),
        )  # fmt: skip

    def logged(entries: list[Any]) -> list[bytes]:
        """Return the leaf hashes of a log that is genesis, a transaction and ``entries``."""
        leaves = [Leaf("manifest", genesis.id), Leaf("transaction", Digest.of(b"a record"))]
        leaves += [
            Leaf("credential", Digest.of(entry)) if isinstance(entry, bytes)
            else Leaf("manifest", entry.id)
            for entry in entries
        ]  # fmt: skip
        return [leaf.hash for leaf in leaves]

    def siblings(
        world: Any, entries: list[Any], *, without: tuple[str, ...] = (), log: Any = made.LOG
    ) -> dict[str, str | None]:
        """Return the files of a delivery whose log is genesis, a transaction and ``entries``."""
        hashes = logged(entries)
        head = LogCheckpoint(made.ORIGIN, len(hashes), merkle.root(hashes))
        by = log if isinstance(log, dict) else {None: log}
        notes = {kind: head.sign(signer) for kind, signer in by.items()}
        files = {
            name: {"hex": data.hex()} if name.endswith(".salts") else data.decode()
            for name, data in world.siblings.items()
        }
        names = {world.manifest.id: "log", world.records.id: ""}
        for index, entry in enumerate(entries, 2):
            note = notes.get(getattr(entry, "kind", None), notes[None])
            proof = TlogProof(index, tuple(merkle.inclusion_proof(hashes, index)), note)
            if isinstance(entry, bytes):
                files["credential.tlog-proof"] = proof.encode().decode()
            elif entry.kind == "policy":
                name = f"policy-{entry.body['policy']['version']}-{index}"
                files[f"{name}.json"] = entry.encode().decode()
                files[f"{name}.tlog-proof"] = proof.encode().decode()
            elif names.get(entry.id):
                files["log.tlog-proof"] = proof.encode().decode()
        return {name: data for name, data in files.items() if not name.startswith(without or "/")}

    def case(
        name: str, verdict: str, checks: dict[str, str], world: Any, *entries: Any, **more: Any
    ) -> dict[str, Any]:
        options = {key: more.pop(key) for key in ("without", "log") if key in more}
        beside = {**siblings(world, list(entries), **options), **more.pop("beside", {})}
        return {
            "id": name, "verdict": verdict, "checks": checks,
            "credential": world.credential.decode(), "siblings": beside, **more,
        }  # fmt: skip

    def laid(
        *entries: Any,
        log: Any = made.LOG,
        sizes: tuple[int, ...] = (),
        leaves: int = 0,
        name: str = "said",
    ) -> dict[str, Any]:
        """Return what a log says of keys under its newest log checkpoint, as files laid beside."""
        hashes = logged(list(entries))
        note = LogCheckpoint(made.ORIGIN, len(hashes), merkle.root(hashes)).sign(log)
        files: dict[str, Any] = {}
        for index, entry in enumerate(entries, 2):
            if getattr(entry, "kind", None) == "policy":
                proof = TlogProof(index, tuple(merkle.inclusion_proof(hashes, index)), note)
                files[f"{name}-policy-{index}.json"] = entry.encode().decode()
                files[f"{name}-policy-{index}.tlog-proof"] = proof.encode().decode()
        if sizes or leaves:
            said, data = consistency_file(made.ORIGIN, hashes, sizes, leaves=leaves)
            files[f"{name}-log.consistency.json"] = said.encode().decode()
            if data:
                files[f"{name}-log.leaves"] = {"hex": data.hex()}
        return files

    def crowd(count: int) -> dict[str, str]:
        """Return files that say they are policies of the store, named to come first."""
        line = f'{{"kind":"policy","store":"{genesis.id}"}}'
        return {f"a{number:03}.json": f"{line}{number}" for number in range(count)}

    old = [by_owner.manifest, by_owner.records, by_owner.credential]
    new = [by_next.manifest, by_next.records, by_next.credential]
    rotation = policy(rotated(owner.did, following.did))
    stolen = {n: policy(revoked(owner.did, n, following.did)) for n in (2, 3, 4, 5)}
    later = policy(revoked(owner.did, 3), signer=following, before=rotation)
    helped = policy(with_writer(following.did, second_log.public))
    after_stolen = policy(with_writer(mallory.did, None), signer=following, before=stolen[3])
    after_helped = policy(revoked(owner.did, 3, following.did), before=helped)
    retiring = policy(without_log_key(made.LOG.public), before=helped)
    # A second owner, whom the verifier does not know, beside the believed one.
    third = KeySigner(PrivateKey.from_seed(b"\x07" * 32))
    twice = policy(rotated(following.did, third.did), signer=following, before=rotation)
    by_third, by_heir = made.world(third, 4), made.world(third, 5)
    shared = policy(_with_owner(mallory.did))
    passed_on = policy(rotated(owner.did, following.did), before=shared)
    taken = policy(rotated(following.did, third.did), signer=mallory, before=passed_on)
    noticed = policy(revoked(owner.did, 6), signer=following, before=rotation)
    ended = "".join(
        f'\n[[issuer]]\ndid = "{following.did}"\nnickname = "Next"\n{limit}\n'
        for limit in ('until = "2026-01-01T00:00:00Z"', 'names = ["datasets/other/*"]')
    )
    third_log, thief_log = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (8, 9))
    again = policy(with_writer(third.did, third_log.public), before=helped)
    rival = policy(with_writer(mallory.did, thief_log.public))
    filler = [by_third.manifest, by_third.records, by_third.credential]
    more = policy(with_writer(mallory.did, None), signer=following, before=stolen[5])
    crowd_of_heads = {
        name: data
        for count in range(33)
        for name, data in laid(*old, rotation, *[twice] * count, name=f"n{count}").items()
        if "policy-5" in name
    }
    # Two policies below one, each with a log key more: the ids decide which is looked at first.
    true = policy(with_writer(third.did, second_log.public), signer=following, before=rotation)
    theft = policy(revoked(following.did, 3, third.did), signer=following, before=true)
    owners = laid(rotation, filler[0], true, theft, log=second_log, name="owner")
    rivals = [
        policy(with_writer(mallory.did, thief_log.public), signer=following, before=rotation,
               second=second)
        for second in range(60)
    ]  # fmt: skip
    rival_ways = {
        order: next(one for one in rivals if (one.id.raw < true.id.raw) is (order == "first"))
        for order in ("first", "last")
    }
    strange = VerifierKey("elsewhere.example", second_log.public)
    key_of = f'version = 1\n\n[[issuer]]\ndid = "{following.did}"\nnickname = "Next"\n'
    return {
        "reader": "document/1: one record per file",
        "at": "2026-11-24T14:12:39Z",
        "trust": trust,
        "data": {path: data.decode() for path, data in made.FILES.items()},
        "cases": [
            case("current", "trusted", {"issuer.key": "pass"}, by_owner, *old),
            case("current-unlogged", "trusted", {"issuer.key": "unlogged"}, by_owner, *old,
                 without=("credential",)),
            # What was issued with a proof of the credential, and has lost it.
            *(case(f"current-{name}", verdict, {"issuer.key": "unlogged"}, by_owner, *entries,
                   beside=beside, without=("credential",))
              for name, verdict, entries, beside in (
                  ("lost", "incomplete", old, laid(*old, sizes=(4,))),
                  ("lost-and-among-the-leaves", "incomplete", old, laid(*old, leaves=5)),
                  ("waiting-or-lost", "incomplete", old[:2], laid(*old[:2], sizes=(3,))),
                  ("waiting", "trusted", old[:2], laid(*old[:2], leaves=4)),
                  ("unlogged-with-what-came-later", "trusted", old, laid(*old, helped, sizes=(5,))),
                  ("proof-of-another-entry", "incomplete", old,
                   {"credential.tlog-proof": siblings(by_owner, old)["log.tlog-proof"]}),
                  ("proof-of-another-log", "incomplete", old, {
                      "credential.tlog-proof": siblings(
                          by_owner, old, log=thief_log)["credential.tlog-proof"]}),
                  ("proof-cut-short", "incomplete", old,
                   {"credential.tlog-proof": "c2sp.org/tlog-proof@v1\n"}),
                  ("proof-emptied", "incomplete", old, {"credential.tlog-proof": ""}),
              )),
            case("current-proof-under-another-name", "trusted", {"issuer.key": "pass"}, by_owner,
                 *old, without=("credential",), beside={
                     **laid(*old, sizes=(4,)),
                     "x": siblings(by_owner, old)["credential.tlog-proof"]}),
            case("succeeded", "trusted", {"issuer.key": "pass"}, by_owner, *old, rotation),
            case("succeeded-unlogged", "incomplete", {"issuer.key": "unlogged"}, by_owner, *old,
                 rotation, without=("credential",)),
            case("retired-before-it-signed", "invalid", {"issuer.key": "retired"}, by_owner,
                 *old[:2], rotation, old[2]),
            case("manifest-by-a-retired-key", "invalid", {"manifest.signature": "unauthorised"},
                 too_late, rotation, too_late.manifest, too_late.records, too_late.credential),
            case("compromised-later", "trusted", {"issuer.key": "pass"}, by_owner, *old, stolen[5]),
            case("compromised-at-its-index", "invalid", {"issuer.key": "compromised"}, by_owner,
                 *old, stolen[4]),
            case("compromised-earlier", "invalid", {"issuer.key": "compromised"}, by_owner, *old,
                 stolen[3]),
            case("compromised-manifest", "invalid",
                 {"issuer.key": "compromised", "manifest.signature": "unauthorised"}, by_owner,
                 *old, stolen[2]),
            case("compromised-unlogged", "invalid", {"issuer.key": "compromised"}, by_owner, *old,
                 stolen[5], without=("credential",)),
            case("succeeded-then-compromised", "invalid", {"issuer.key": "compromised"}, by_owner,
                 *old, rotation, later),
            case("retired-before-it-signed-and-suspect-only-later", "invalid",
                 {"issuer.key": "retired"}, by_owner, *old[:2], rotation, old[2], noticed),
            case("policy-unproven", "incomplete", {"issuer.key": "unproven-policy"}, by_owner, *old,
                 stolen[3], without=("policy-2-5.tlog",)),
            case("policy-unproven-and-unlogged", "incomplete", {"issuer.key": "unproven-policy"},
                 by_owner, *old, stolen[3], without=("policy-2-5.tlog", "credential")),
            case("policy-unproven-before-a-proven-one", "incomplete",
                 {"issuer.key": "unproven-policy"}, by_owner, *old,
                 rotation, later, without=("policy-2-5.tlog",)),
            case("policy-between-is-missing", "incomplete", {"issuer.key": "unproven-policy"},
                 by_owner, *old, helped, after_helped, without=("policy-2-5",)),
            case("later-policy-unproven", "invalid", {"issuer.key": "compromised"}, by_owner, *old,
                 stolen[3], after_stolen, without=("policy-3-6.tlog",)),
            case("unproven-policy-by-a-stranger", "trusted", {"issuer.key": "pass"}, by_owner, *old,
                 policy(revoked(owner.did, 3, following.did), signer=mallory),
                 without=("policy-2-5.tlog",)),
            case("unproven-policy-that-may-not-follow", "trusted", {"issuer.key": "pass"}, by_owner,
                 *old, policy(revoked(owner.did, 3, following.did), skip=2),
                 without=("policy-3-5.tlog",)),
            case("compromised-in-a-crowd", "invalid", {"issuer.key": "compromised"}, by_owner, *old,
                 stolen[3], beside=crowd(127)),
            case("compromised-crowded-out", "incomplete",
                 {"issuer.key": "no-policy", "log.inclusion": "too-many-policies",
                  "log.anchor": "too-many-policies"}, by_owner, *old, stolen[3],
                 beside=crowd(128)),
            case("policy-by-a-stranger", "trusted", {"issuer.key": "pass"}, by_owner, *old,
                 policy(revoked(owner.did, 3, following.did), signer=mallory)),
            case("policy-skips-a-version", "trusted", {"issuer.key": "pass"}, by_owner, *old,
                 policy(revoked(owner.did, 3, following.did), skip=2)),
            case("policy-drops-the-log-key", "trusted", {"issuer.key": "pass"}, by_owner, *old,
                 policy(lambda p: Policy(2, p.roles, (VerifierKey(made.ORIGIN,
                                                                  second_log.public),)))),
            case("policy-adds-a-key-of-another-log", "trusted", {"issuer.key": "pass"}, by_owner,
                 *old, policy(lambda p: Policy(2, p.roles, (*p.logs, strange)))),
            case("first-of-two-policies-counts", "trusted", {"issuer.key": "pass"}, by_owner, *old,
                 rotation, stolen[3]),
            case("inherited", "trusted", {"trust.issuer": "pass", "issuer.key": "pass"}, by_next,
                 rotation, *new),
            case("inherited-from-a-compromised-key", "valid", {"trust.issuer": "unknown-issuer"},
                 by_next, stolen[2], *new),
            case("inherited-but-suspect-only-later", "trusted", {"trust.issuer": "pass"}, by_next,
                 rotation, *new, policy(revoked(owner.did, 5),
                                        signer=following, before=rotation)),
            case("inherited-twice", "trusted", {"trust.issuer": "pass"}, by_third, rotation, twice,
                 by_third.manifest, by_third.records, by_third.credential),
            case("inherited-through-a-key-that-is-not-believed-for-this", "valid",
                 {"trust.issuer": "unknown-issuer"}, by_third, rotation, twice,
                 by_third.manifest, by_third.records, by_third.credential, trust=trust + ended),
            case("inherited-by-the-word-of-an-unknown-owner", "valid",
                 {"trust.issuer": "unknown-issuer", "issuer.key": "pass"}, by_heir, shared,
                 passed_on, taken, by_heir.manifest, by_heir.records, by_heir.credential),
            case("without-the-policy", "invalid",
                 {"trust.issuer": "unknown-issuer", "issuer.key": "n/a",
                  "manifest.signature": "unauthorised"}, by_next, rotation, *new,
                 without=("policy",)),
            case("only-the-new-key-is-believed", "trusted", {"log.anchor": "pass"}, by_next,
                 rotation, *new, trust=key_of),
            case("old-by-who-believes-the-new", "valid", {"log.anchor": "unknown-founder"},
                 by_owner, *old, rotation, trust=key_of),
            case("log-key-added", "trusted", {"log.inclusion": "pass"}, by_next, helped, *new,
                 log=second_log, trust=trust + key_of[len("version = 1\n"):]),
            case("log-key-retired", "trusted", {"log.inclusion": "pass"}, by_next, helped, *new,
                 retiring, log=second_log, trust=trust + key_of[len("version = 1\n"):]),
            # The thief has the delivery's log go on after the retirement, with the old key.
            case("log-key-retired-and-used", "invalid", {"log.inclusion": "retired-log-key"},
                 by_next, helped, *new, retiring, log={None: made.LOG, "policy": second_log},
                 trust=trust + key_of[len("version = 1\n"):]),
            # Whoever does not see the retirement cannot know.
            case("log-key-retired-unseen", "trusted", {"log.inclusion": "pass"}, by_next, helped,
                 *new, retiring, log=made.LOG, without=("policy-3",),
                 trust=trust + key_of[len("version = 1\n"):]),
            # Who pushes last signs for all.
            case("log-key-added-after-the-manifest", "trusted", {"log.inclusion": "pass"}, by_owner,
                 *old, helped, log=second_log),
            case("log-key-added-and-another", "trusted",
                 {"log.inclusion": "pass", "manifest.signature": "pass", "records.root": "pass"},
                 by_next, helped, *new, again, log=third_log,
                 trust=trust + key_of[len("version = 1\n"):]),
            case("log-key-retired-and-another-signs", "trusted", {"issuer.key": "pass"}, by_owner,
                 *old, helped, retiring, log=second_log),
            case("log-key-of-an-unproven-policy", "incomplete",
                 {"log.inclusion": "pass", "issuer.key": "unproven-policy"}, by_owner, *old, helped,
                 log=second_log, without=("policy-2-5.tlog",)),
            # ATTACK: the old key of an owner signs a policy, which names a log key of the thief's.
            case("rival-policy-in-a-log-of-its-own", "invalid",
                 {"log.inclusion": "fork", "issuer.key": "fork"}, by_owner, *old, rotation,
                 beside=laid(rival, log=thief_log)),
            *(case(f"rival-way-with-as-many-log-keys-{order}", "invalid",
                   {"log.inclusion": "fork", "issuer.key": "fork"}, by_next, rotation, *new, way,
                   log=thief_log, beside=owners) for order, way in rival_ways.items()),
            case("rival-policy-unproven", "trusted", {"issuer.key": "pass"}, by_owner, *old,
                 rotation, beside={"rival.json": rival.encode().decode()}),
            case("rival-policy-by-a-log-key-that-nobody-named", "trusted", {"issuer.key": "pass"},
                 by_owner, *old, rotation,
                 beside=laid(policy(with_writer(mallory.did, None)), log=thief_log)),
            # Statements made later than the delivery, and what shows that they are of one log.
            case("compromised-later-in-a-longer-log", "trusted", {"issuer.key": "pass"}, by_owner,
                 *old, beside=laid(*old, stolen[5], more, sizes=(5,))),
            case("compromised-later-with-leaves", "trusted", {"issuer.key": "pass"}, by_owner, *old,
                 beside=laid(*old, stolen[5], more, leaves=5)),
            case("compromised-later-with-leaves-alone", "trusted", {"issuer.key": "pass"}, by_owner,
                 *old, beside=laid(*old, stolen[5], more, leaves=5), without=("credential",)),
            case("compromised-later-not-connected", "incomplete", {"issuer.key": "no-consistency"},
                 by_owner, *old, beside=laid(*old, stolen[5], more)),
            case("succeeded-later-not-connected", "trusted", {"issuer.key": "pass"}, by_owner, *old,
                 beside=laid(*old, rotation, twice)),
            case("succeeded-later-with-leaves-alone", "trusted", {"issuer.key": "pass"}, by_owner,
                 *old, beside=laid(*old, rotation, twice, leaves=5), without=("credential",)),
            # ATTACK A27: an old copy of the log goes on by a stolen key.
            case("back-dated", "incomplete", {"issuer.key": "no-consistency"}, by_owner, *old,
                 beside=laid(*filler, stolen[5], more)),
            case("back-dated-in-a-log-with-the-policy", "incomplete",
                 {"issuer.key": "no-consistency"}, by_owner, *old, stolen[5],
                 beside=laid(*filler, stolen[5], more)),
            case("back-dated-in-a-log-with-the-policy-elsewhere", "invalid",
                 {"log.inclusion": "fork", "issuer.key": "fork"}, by_owner, *old, stolen[5],
                 beside=laid(*filler, rotation, stolen[5])),
            # The owner's proof of the policy that says so is taken away, and the thief logs it.
            case("back-dated-in-a-log-with-the-policy-alone", "incomplete",
                 {"issuer.key": "no-consistency"}, by_owner, *old, stolen[5],
                 beside={name: data for name, data in laid(*filler, stolen[5], more).items()
                         if name != "said-policy-5.tlog-proof"}),
            case("back-dated-and-leaves-say-so", "invalid", {"issuer.key": "fork"}, by_owner, *old,
                 beside=laid(*filler, stolen[5], more, leaves=5)),
            case("back-dated-and-a-step-says-so", "invalid",
                 {"log.inclusion": "fork", "issuer.key": "fork"}, by_owner, *old,
                 beside=laid(*filler, stolen[5], more, sizes=(5,))),
            case("back-dated-with-leaves-of-its-own", "invalid", {"issuer.key": "fork"}, by_owner,
                 *old, beside=laid(*filler, stolen[5], more, leaves=5)
                 | laid(*old, stolen[5], more, leaves=5, name="thief")),
            case("two-logs-of-one-size", "invalid",
                 {"log.inclusion": "fork", "issuer.key": "fork"}, by_owner, *old, rotation,
                 beside=laid(*filler, rotation)),
            case("more-log-checkpoints-than-are-compared", "incomplete",
                 {"log.inclusion": "too-many-log-checkpoints", "issuer.key": "no-policy"}, by_owner,
                 *old, rotation, beside=crowd_of_heads),
            case("log-key-not-added", "invalid", {"log.inclusion": "unknown-log-key"}, by_owner,
                 *old, log=second_log),
        ],
    }  # fmt: skip
