"""Licences from the publisher to the model that somebody trains on a model of somebody else's data.

A publisher, a home that buys, a clone of it, and one who buys from both: what guard, verifier,
``terms``, NOTICE and ``issue`` say is held against an oracle that follows every record. No step
widens what the sources allow, and none forgets a duty.
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import EmptyResultError, PolicyError
from lyrikstore.testing.clocks import FrozenClock
from tests.model.rights_oracle import (
    Data,
    Document,
    Model,
    Part,
    Row,
    Thing,
    Wish,
    lineage,
    united,
)
from tests.model.rights_stores import EMAIL, NAMES, Place, check_kind, recorded
from tests.model.rights_terms import NARROW, TRAIN, WIDE, WISHES, parts
from tests.sweep import examples

WHERE = 'recipe = 1\n[[step]]\nuse = "where/1"\nsql = "{}"\n'
REDACT = 'recipe = 1\n[[step]]\nuse = "redact/1"\npatterns = ["email"]\n'
TRIED = (
    *("allowed True, guard True", "allowed False, guard False", "freed"),
    *("sale refused", "sold what is others'", "train away", "forged", "as before"),
    *("merge", "write", "time", "grant", "say more", "revoke", "suspend"),
)
counts: Counter[str] = Counter()


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
        if data.draw(st.booleans(), "modestly"):
            terms = {path: Part(part.permits & TRAIN) for path, part in terms.items()}
        self.step("sell")
        at, knows = self.clock(), self.home.knows
        try:
            document, folder = self.home.issue(made, terms, days)
        except PolicyError as error:
            check_kind(error, "wider-than-sources")
            counts["sale refused"] += 1
            return
        for path, part in document.parts.items():
            assert knows.hands_on(made.rests_in(path), part, document.end, at), "sold for more"
        buyer = self.places["next"]
        report = buyer.verify_delivery(folder)
        others = {source.owner for source in made.rests} - {knows.me}
        fine = {"trusted", "valid"} if others else {"trusted"}
        assert report.verdict in fine, report.to_json()
        assert all(one in json.dumps(report.to_json()) for one in others), "not named"
        counts["sold what is others'"] += bool(others)
        self.judge_thing(buyer, buyer.take_in(folder, made, document))

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
        terms = self.terms(data, about)
        try:
            place.permit(about, *terms, old=old if instead else None, listed=old.listed)
        except PolicyError as error:  # a model wrote it that learned from what permits less
            check_kind(error, "wider-than-sources")
            return
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
        self.filtered(data, place, self.pick(data, place.data, "data"), how)

    def filtered(self, data: st.DataObject, place: Place, some: Data, how: str) -> None:
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

    @rule(data=st.data(), then=st.sampled_from(["", "without", "only"]))
    def unite(self, data: st.DataObject, then: str) -> None:
        """Put two datasets together, and perhaps leave one of them out again."""
        place = self.place(data)
        one = self.pick(data, place.data, "data")
        ids = {row.id for row in one.rows}
        others = [two for two in place.data if ids.isdisjoint(row.id for row in two.rows)]
        if others:
            self.step("unite")
            made = place.unite(one, self.pick(data, others, "with"))
            self.judge_thing(place, made)
            if then:
                self.filtered(data, place, made, then)

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
                fine = {"pass"} if all(one.honest for one in lineage(made)) else {"pass", "warn"}
                assert place.verify(made).state in fine, place.verify(made)
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
        rights = recorded(plan)
        was_allowed = place.knows.allowed(base.rests, wish, self.clock())
        made = place.train(learned, base, wish, rights, honest=False)
        check = place.verify(made)
        if set(base.rests) - set(made.recorded):
            assert check.state != "pass", check
            if base.honest and place.verify(base).state == "pass":
                assert check.state == "warn", check
                codes = {"base-not-permitted"} | ({"base-not-recorded"} if was_allowed else set())
                found = check.detail.get("reasons") or [check.detail["reason"]]
                assert codes.intersection(found), check

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
    ) -> dict[str, Any] | None:
        """Hold guard and ``terms`` against the oracle; return the rights that the guard found."""
        things: list[Thing] = [*learned, *([] if base is None else [base])]
        rests, over = (united(getattr(one, name) for one in things) for name in ("rests", "over"))
        at, knows = self.clock(), place.knows
        plan = place.ask(learned, base, wish)
        allowed = knows.allowed(rests, wish, at)
        note(f"{place.name}: {wish} allowed {allowed}, guard {plan is not None}")
        counts[f"allowed {allowed}, guard {plan is not None}"] += 1
        counts["freed"] += plan is not None and not knows.allowed(over, wish, at)
        assert allowed or plan is None, "the guard permits what a source does not"
        if plan is None and knows.allowed(over, wish, at) and not knows.is_stale(over, at):
            assert any(not knows.is_sound(one, at) for one in things), place.refused
        said = place.terms(things, wish)
        counts[f"allowed {allowed}, terms {said.ruling[0]}"] += 1
        if said.ruling is not None and said.ruling[0] == "permitted":
            shown = frozenset(said.duties)
            for source, files in rests.items():
                giving = knows.giving(source, files, wish, at)
                assert giving, f"terms permit what {source.name} does not"
                assert any(one.requires(files) <= shown for one in giving), "terms forget a duty"
        return None if plan is None else recorded(plan)

    def judge_thing(self, place: Place, thing: Thing, wishes: Sequence[Wish] = WISHES) -> None:
        for wish in wishes:
            if isinstance(thing, Data):
                self.judge(place, [thing], None, wish)
            else:
                self.judge(place, [self.plain[place.name]], thing, wish)

    def judge_model(self, place: Place, made: Model, wishes: Sequence[Wish] = WISHES) -> None:
        self.judge_thing(place, made, wishes)
        check, at = place.verify(made), self.clock()
        chain = lineage(made)
        if all(one.honest for one in chain):
            assert check.state in {"pass", "warn"}, check
        if check.state == "pass":
            for one in chain:
                assert place.knows.allowed(one.rests, one.wish, at), "what has ended is silent"
        if wishes is not WISHES:
            return
        notice, card = place.said_of(made)
        for one in chain:
            for source, document in one.recorded.items():
                files = one.rests.get(source, frozenset())
                assert document.issuer in notice, f"NOTICE forgets {source.name}"
                assert document.issuer in card, f"the card forgets {source.name}"
                for duty in document.requires(files):
                    assert f"{duty} (" in notice, f"NOTICE forgets {duty}"
                for duty in document.requires(files) - document.duties:
                    assert f'"{duty}"' in card, f"the card forgets {duty}"

    def look(self) -> None:
        """Whoever looks later finds the same, or is told what became of it."""
        for name in ("home", "next"):
            place = self.places[name]
            for one in place.models[-3:]:
                self.judge_model(place, one, [one.wish])
            for two in place.data[-2:]:
                self.judge_thing(place, two, WISHES[:1])


def forged(place: Place, learned: Sequence[Data], base: Model | None) -> dict[str, Any]:
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
    return {"rights": found}


def redacted(row: Row) -> Row:
    words = [EMAIL if "@" in word else word for word in row.text.split()]
    return Row(row.id, " ".join(words), row.source, row.file, row.writer)


class TestRights(Rights.TestCase):
    settings = settings(max_examples=examples(18), stateful_step_count=15, deadline=None)


@pytest.mark.slow
class TestRightsLong(Rights.TestCase):
    settings = settings(max_examples=25, stateful_step_count=40, deadline=None)

    @classmethod
    def tearDownClass(cls) -> None:
        """Fail if something that is to be tried was not."""
        assert not [one for one in TRIED if not counts[one]], counts
