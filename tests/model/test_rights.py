"""Licences from the publisher to the model that somebody trains on a model of somebody else's data.

A publisher, a home that buys, a clone of it, and one who buys from both: what guard, verifier,
``terms``, NOTICE and ``issue`` say is held against an oracle that follows every record. No step
widens what the sources allow, and none forgets a duty.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lyrikstore.canon.errors import EmptyResultError, PolicyError
from lyrikstore.canon.digest import Digest
from lyrikstore.testing.clocks import FrozenClock

from tests.model.rights_oracle import Data, Document, Model, Part, Row, Thing, Wish, united
from tests.model.rights_stores import EMAIL, Place
from tests.sweep import examples

WORDS = ("train", "evaluate", "commercialUse", "redistribute", "modify", "derivativeModels")
TRAIN = frozenset({"train"})
WISHES = (Wish(TRAIN), Wish(TRAIN | {"commercialUse"}), Wish(TRAIN, "DE"))
GRID = [Wish(frozenset({word}), place) for word, place in product(WORDS, ("", "DE", "FR"))]
WIDE = Part(frozenset(WORDS))
NARROW = Part(TRAIN | {"evaluate"}, requires=frozenset({"attribution"}))
PERMITS = [
    frozenset(WORDS),
    TRAIN | {"evaluate", "commercialUse"},
    TRAIN | {"evaluate", "redistribute"},
    frozenset({"evaluate"}),
]
WHERE = 'recipe = 1\n[[step]]\nuse = "where/1"\nsql = "{}"\n'
REDACT = 'recipe = 1\n[[step]]\nuse = "redact/1"\npatterns = ["email"]\n'
LACKS = os.environ.get("LACKS", "").split(",")
NAMES = ("acme", "home", "next")
counts: Counter[str] = Counter()


@st.composite
def parts(draw: Any, clock: FrozenClock, files: Sequence[str]) -> dict[str, Part]:
    """Return terms of a dataset: the same for all files, or of the first one others."""

    def one() -> Part:
        prohibits = draw(st.sampled_from([frozenset(), frozenset({"commercialUse"})]))
        permits = draw(st.sampled_from(PERMITS)) - prohibits
        grantable = draw(st.sampled_from([frozenset(), frozenset({"train", "commercialUse"})]))
        duties = [(), ("attribution",), ("deleteOnExpiry", "attribution"), ("shareAlike",)]
        days = draw(st.sampled_from([None, None, 10, 60]))
        return Part(
            permits, prohibits, frozenset(draw(st.sampled_from(duties))),
            frozenset(draw(st.sampled_from([(), (), ("DE",)]))),
            None if days is None else clock() + timedelta(days=days),
            grantable - prohibits - permits,
        )  # fmt: skip

    most = one()
    found = dict.fromkeys(files, most)
    if len(found) > 1 and draw(st.booleans()):
        found[min(found)] = one()
    return found


class Rights(RuleBasedStateMachine):
    """Three stores and a clone."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FrozenClock()
        self.places = {name: Place(self.folder, name, self.clock, NAMES) for name in NAMES}
        self.home = self.places["home"]
        self.plain: dict[str, Data] = {}
        for place in self.places.values():
            self.plain[place.name] = place.commit({"a.jsonl": 2})
            place.permit(self.plain[place.name], {"a.jsonl": WIDE})
        self.publish(data)
        self.train(data, WISHES[0], False)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def pick(self, data: st.DataObject, what: Sequence[Any], label: str) -> Any:
        return what[-1 - data.draw(st.integers(0, len(what) - 1), label)]  # the newest first

    def step(self, what: str) -> None:
        self.clock.advance(seconds=1)
        counts[what] += 1

    # ---- what is said of data

    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        """Somebody commits data and says what may be done with it; the home buys it."""
        self.step("publish")
        acme = self.places["acme"]
        made = acme.commit(dict.fromkeys(["a.jsonl", "b.jsonl"], 3))
        document, folder = acme.issue(made, *self.terms(data, made))
        report = self.home.verify_delivery(folder)
        assert report.verdict == "trusted", report.to_json()
        self.judge_thing(self.home, self.home.take_in(folder, made, document))

    def terms(self, data: st.DataObject, made: Data) -> tuple[dict[str, Part], int | None]:
        found = data.draw(parts(self.clock, sorted(made.files)), "terms")
        return found, data.draw(st.sampled_from([None, 30, 100]), "valid for")

    @rule(data=st.data())
    def sell(self, data: st.DataObject) -> None:
        """The home hands on what it has, which may be somebody else's, or be made from that."""
        made = self.pick(data, self.home.data, "data")
        terms, days = self.terms(data, made)
        self.step("sell")
        at, knows = self.clock(), self.home.knows
        try:
            document, folder = self.home.issue(made, terms, days)
        except PolicyError as error:
            assert error.kind == "wider-than-sources", error
            counts["sale refused"] += 1
            return
        for path, part in document.parts.items():
            assert knows.hands_on(made.rests_in(path), part, document.end, at), "sold for more"
        report = self.places["next"].verify_delivery(folder)
        assert report.verdict == "trusted", report.to_json()
        counts["sold what is others'"] += bool(made.owners - {knows.me})
        self.judge_thing(self.places["next"], self.places["next"].take_in(folder, made, document))

    @rule(data=st.data())
    def say_more(self, data: st.DataObject) -> None:
        """A publisher says something else of the same data, in place of the old or besides."""
        place = self.places[self.pick(data, ["acme", "home"], "who")]
        known = [one for one in self.issued(place) if one.under is None and not one.about.held]
        if not known:
            return
        self.step("say more")
        old = self.pick(data, known, "of")
        (about,) = [one for one in place.data if one.offered is old.about]
        instead = data.draw(st.booleans(), "instead")
        place.permit(
            about, *self.terms(data, about), old=old if instead else None, listed=old.listed
        )
        if instead:
            self.clock.advance(seconds=1)
            place.replace(old)
        self.heard(data)

    def issued(self, place: Place) -> list[Document]:
        """Return what somebody said and did not revoke, but for what permits everything."""
        spare = self.plain[place.name].offered
        return [
            one for one in place.knows.documents
            if one.issuer == place.signer.did and one.about is not spare and not one.revoked
        ]  # fmt: skip

    @rule(data=st.data())
    def grant(self, data: st.DataObject) -> None:
        """A publisher grants the home what the terms let them grant."""
        self.step("grant")
        acme, now = self.places["acme"], self.clock()
        known = [one for one in self.issued(acme) if one.under is None]
        known = [one for one in known if acme.knows.in_force(one, now)]
        if not known:
            return
        under = self.pick(data, known, "under")
        words = frozenset.intersection(*(p.permits | p.grantable for p in under.parts.values()))
        places = frozenset.union(*(part.places for part in under.parts.values()))
        days = 40 if under.end is None else min(40, (under.end - now).days)
        if words and days:
            duties = data.draw(st.sampled_from([(), ("reportUse",)]), "duties")
            acme.grant(under, self.home.signer.did, words, places, duties, days)
            self.heard(data)

    @rule(data=st.data(), what=st.sampled_from(["revoke", "suspend", "reinstate"]))
    def change(self, data: st.DataObject, what: str) -> None:
        """An issuer takes something back, or gives it back."""
        place = self.places[self.pick(data, ["acme", "home"], "who")]
        known = [
            one for one in self.issued(place)
            if what == "revoke" or one.holds(self.clock()) == (what == "suspend")
        ]  # fmt: skip
        if known:
            self.step(what)
            place.change(self.pick(data, known, "which"), what)
            self.heard(data)

    def heard(self, data: st.DataObject) -> None:
        """Let who bought ask what the sellers say by now, or not."""
        for buyer, seller in (("home", "acme"), ("next", "acme"), ("next", "home")):
            if data.draw(st.booleans(), f"{buyer} asks {seller}"):
                self.clock.advance(seconds=1)
                self.places[buyer].hear(self.places[seller])
        self.look()

    @rule(data=st.data(), days=st.sampled_from([1, 12, 45]))
    def time_passes(self, data: st.DataObject, days: int) -> None:
        self.step("time")
        self.clock.advance(days=days)
        self.heard(data)

    # ---- data

    @rule(data=st.data())
    def own(self, data: st.DataObject) -> None:
        """The home has data of its own."""
        self.step("own")
        made = self.home.commit({"a.jsonl": 2})
        self.home.permit(made, *self.terms(data, made))
        self.judge_thing(self.home, made)

    @rule(data=st.data(), how=st.sampled_from(["red", "without", "redact", "only"]))
    def filter(self, data: st.DataObject, how: str) -> None:
        """Drop records of a kind, or of a source, or change them."""
        place = self.place(data)
        some = self.pick(data, place.data, "data")
        start = self.pick(data, sorted({row.source.name for row in some.rows}), "source") + "-"
        recipe, kept = {
            "redact": (REDACT, redacted),
            "red": (WHERE.format("contains(text, 'red')"), lambda row: "red" in row.text and row),
            "without": (
                WHERE.format(f"NOT starts_with(id, '{start}')"),
                lambda row: not row.id.startswith(start) and row,
            ),
            "only": (
                WHERE.format(f"starts_with(id, '{start}')"),
                lambda row: row.id.startswith(start) and row,
            ),
        }[how]
        self.step(how)
        with suppress(EmptyResultError):
            self.judge_thing(place, place.filter(some, recipe, kept))

    def place(self, data: st.DataObject) -> Place:
        return self.places[data.draw(st.sampled_from(["home", "home", "home", "next"]), "where")]

    @rule(data=st.data())
    def unite(self, data: st.DataObject) -> None:
        """Put two datasets together."""
        place = self.place(data)
        one, two = (self.pick(data, place.data, "data") for _ in range(2))
        if {row.id for row in one.rows}.isdisjoint(row.id for row in two.rows):
            self.step("unite")
            self.judge_thing(place, place.unite(one, two))

    # ---- models

    @rule(data=st.data(), wish=st.sampled_from(WISHES), away=st.booleans())
    def train(self, data: st.DataObject, wish: Wish, away: bool) -> None:
        """Train if it is allowed, at home or in a clone; if not, perhaps sign it nevertheless."""
        place = self.place(data)
        learned = (self.pick(data, place.data, "data"),)
        base = self.pick(data, [None, *place.models], "base")
        self.step("train away" if away else "train")
        with place.away() if away else nullcontext():
            rights = self.judge(place, learned, base, wish)
            if rights is not None:
                made = place.train(learned, base, wish, rights, honest=True)
                assert place.verify(made).state == "pass", place.verify(made)
            elif data.draw(st.booleans(), "nevertheless"):
                counts["forged"] += 1
                made = place.train(learned, base, wish, forged(place, learned, base), honest=False)
            else:
                return
        if rights is not None:
            self.judge_model(place, made)
        else:
            assert place.verify(made).state != "pass", place.verify(made)

    @rule(data=st.data(), wish=st.sampled_from(WISHES))
    def train_as_before(self, data: st.DataObject, wish: Wish) -> None:
        """A program that knew nothing of bases records the rights to the data alone."""
        place = self.place(data)
        if not place.models:
            return
        learned = (self.pick(data, place.data, "data"),)
        base = self.pick(data, place.models, "base")
        plan = place.ask(learned, None, wish)
        if plan is None:
            return
        self.step("as before")
        rights = [one.to_json() for one in plan.rights]
        was_allowed = place.knows.allowed(base.rests, wish, self.clock())
        made = place.train(learned, base, wish, rights, honest=False)
        check = place.verify(made)
        if set(base.rests) - set(made.recorded):
            assert check.state != "pass", check
            if base.honest and place.verify(base).state == "pass":
                found = check.detail["reason"]
                assert check.state == "warn", check
                assert found in {"base-not-recorded", "base-not-permitted"}, check
                assert found == "base-not-permitted" or was_allowed, check

    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        """Merge an adapter: another checkpoint of the same run."""
        place = self.place(data)
        if place.models:
            self.step("merge")
            self.judge_model(place, place.merge(self.pick(data, place.models, "model")))

    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """A model writes data, and whoever has it says what they like of it."""
        place = self.place(data)
        if place.models:
            self.step("write")
            made = place.commit({"a.jsonl": 2}, self.pick(data, place.models, "model"))
            with suppress(PolicyError):  # who issues more than the model's data permits
                place.permit(made, {"a.jsonl": self.pick(data, [WIDE, NARROW], "terms")})
            self.judge_thing(place, made)

    # ---- what must hold

    def judge(
        self, place: Place, learned: Sequence[Data], base: Model | None, wish: Wish
    ) -> list[dict[str, Any]] | None:
        """Hold guard and ``terms`` against the oracle; return the rights that the guard found."""
        things: list[Thing] = [*learned, *([] if base is None else [base])]
        rests, over = (united(getattr(one, name) for one in things) for name in ("rests", "over"))
        at, knows = self.clock(), place.knows
        plan = place.ask(learned, base, wish)
        allowed = knows.allowed(rests, wish, at)
        note(f"{place.name}: {wish} allowed {allowed}, guard {plan is not None}")
        counts[f"allowed {allowed}, guard {plan is not None}"] += 1
        assert allowed or plan is None, "the guard permits what a source does not"
        if plan is None and knows.allowed(over, wish, at) and not knows.is_stale(over, at):
            assert any(not sound(place, one, at) for one in things), "refused without cause"
        said = place.terms(things, wish)
        counts[f"allowed {allowed}, terms {said.ruling[0]}"] += 1
        if said.ruling is not None and said.ruling[0] == "permitted":
            shown = frozenset(said.duties)
            for source, files in rests.items():
                giving = knows.giving(source, files, wish, at)
                assert giving, f"terms permit what {source.name} does not"
                assert "grants" in LACKS or any(one.requires(files) <= shown for one in giving), "terms forget a duty"
        return None if plan is None else [one.to_json() for one in plan.rights]

    def judge_thing(self, place: Place, thing: Thing, wishes: Sequence[Wish] = WISHES) -> None:
        for wish in wishes:
            if isinstance(thing, Data):
                self.judge(place, [thing], None, wish)
            else:
                self.judge(place, [self.plain[place.name]], thing, wish)

    def judge_model(self, place: Place, made: Model, wishes: Sequence[Wish] = WISHES) -> None:
        self.judge_thing(place, made, wishes)
        check, at = place.verify(made), self.clock()
        chain = [one for one in lineage(made)]
        if all(one.honest for one in chain):
            assert check.state in {"pass", "warn"}, check
        if check.state == "pass" and "ended" not in LACKS:
            for one in chain:
                assert place.knows.allowed(one.rests, one.wish, at), "what has ended is silent"
        text = place.notice(made)
        for one in chain:
            for source, document in one.recorded.items():
                duties = document.requires(one.rests.get(source, frozenset()))
                assert document.issuer in text, f"NOTICE forgets {source.name}"
                assert all(f"{duty} (" in text for duty in duties), "NOTICE forgets a duty"

    def look(self) -> None:
        """Whoever looks later finds the same, or is told what became of it."""
        for name in ("home", "next"):
            place = self.places[name]
            for one in place.models[-3:]:
                self.judge_model(place, one, [one.wish])
            for two in place.data[-2:]:
                self.judge_thing(place, two, WISHES[:1])


def forged(place: Place, learned: Sequence[Data], base: Model | None) -> list[dict[str, Any]]:
    """Return rights as somebody records them who takes the newest credential for one."""
    over = united(one.over for one in (*learned, *([] if base is None else [base])))
    found = []
    for one in place.data:
        known = [
            said for source in over for said in source.documents
            if said in place.knows.documents and said.under is None
            and one.over.keys() == {source} and not one.manifest.made_from
        ]  # fmt: skip
        if known:
            credential = str(Digest.of(known[-1].data))
            found.append(
                {"dataset": str(one.manifest.id), "credential": credential,
                 "issuer": known[-1].issuer, "permits": ["train"]}
            )  # fmt: skip
    return found


def redacted(row: Row) -> Row:
    words = [EMAIL if "@" in word else word for word in row.text.split()]
    return Row(row.id, " ".join(words), row.source, row.file, row.writer)


def lineage(model: Model) -> list[Model]:
    """Return a model and what it was made from, by way of bases and of what they wrote."""
    found, pending = [], [model]
    while pending:
        one = pending.pop()
        if one not in found:
            found.append(one)
            writers = [row.writer for data in one.learned for row in data.rows if row.writer]
            pending += [*one.bases, *writers]
    return found


def sound(place: Place, thing: Thing, at: Any) -> bool:
    """Return whether all rights that models on the way recorded are in force."""
    if isinstance(thing, Data):
        models = [one for row in thing.rows if row.writer for one in lineage(row.writer)]
    else:
        models = lineage(thing)
    return all(
        one.honest and all(place.knows.in_force(d, at) for d in one.recorded.values())
        for one in models
    )


TestRights = Rights.TestCase
TestRights.settings = settings(max_examples=examples(40), stateful_step_count=20, deadline=None)
