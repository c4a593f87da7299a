"""Packs of rules: their tables come out, every rule is tested, and what is malformed is refused."""

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.rules.cases import SOUND, check_cases, run_cases
from lyrikstore.rules.engine import RulesEngine, RulesRequest
from lyrikstore.rules.pack import (
    BUILTIN,
    MAX_PACK_BYTES,
    PackRule,
    builtin_pack,
    combined,
    parse_pack,
)
from lyrikstore.rules.settings import load_rules, parse_rules, rules_template
from tests.kinds import refused

CONTEXT = {"purpose": "train", "uses": []}
HEAD = 'pack = 1\nname = "p"\nversion = "1"\nasOf = "2026-12-01"\nreviewed = "nobody"\n'
RULE = """[[rule]]
id = "p-one"
effect = "forbid"
about = "No data without a right."
cite = "its terms"
cedar = 'forbid (principal, action, resource is Lyrik::Dataset) when { resource.rights == "none" };'
"""


def pack(*parts: str, file: str = "p.toml"):
    return parse_pack((HEAD + "".join(parts)).encode(), file)


def ask(rules, facts, **request):
    made = RulesRequest(
        "train", "Dataset", "acme/x", {**SOUND["Dataset"], **facts}, CONTEXT, **request
    )
    with RulesEngine(rules, "p.toml") as engine:
        return engine.decide([made])[0]


@pytest.mark.parametrize("name", [*BUILTIN, "org-template"])
def test_every_case_comes_out_and_every_rule_is_tested(name) -> None:
    found = load_rules(name)
    table = run_cases(found)
    assert table.outcomes
    assert table.wrong == table.untested == ()
    assert all(
        rule.line and (rule.effect == "permit" or rule.cite or rule.remedy) for rule in found.rules
    )
    check_cases(found)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("resource.rights", "resource.rihgts", "bad-rules"),
        ("Lyrik::Dataset", "Lyrik::Sheep", "bad-rules"),
        ("forbid (", "permit (", "bad-rules"),
        ("when {", "when {{", "bad-rules"),
        ("cedar = 'forbid", """cedar = '@id("x") forbid""", "bad-rules"),
        ("};'", "}; permit (principal, action, resource);'", "bad-rules"),
        ('cite = "its terms"', "", "bad-rules"),
        ('id = "p-one"', 'id = "P one"', "schema"),
        ('about = "No data without a right."', "", "schema"),
        ("[[rule]]", "[[rule]]\nwaiveable = true", "schema"),
    ],
)
def test_a_malformed_rule_is_refused(before, after, kind) -> None:
    assert before in RULE
    with refused(kind) as caught, RulesEngine(pack(RULE.replace(before, after)).rules, "p.toml"):
        pass
    if kind == "bad-rules":
        assert caught.value.details["line"] == RULE.count("\n", 0, RULE.index("id")) + 6


def test_two_rules_of_one_id() -> None:
    with refused("bad-rules") as caught:
        pack(RULE, RULE)
    assert caught.value.details["line"] == 13
    with refused("rule-twice"):
        combined([pack(RULE), pack(RULE.replace("forbid (", "forbid  ("), file="q.toml")])
    assert len(combined([pack(RULE), pack(RULE, file="q.toml")])) == 1  # of two namespaces


def test_a_pack_whose_case_comes_out_otherwise_is_refused() -> None:
    case = (
        '[[case]]\nname = "none"\naction = "train"\nfacts = {rights = "none"}\nanswer = "permit"\n'
    )
    with refused("wrong-case") as caught:
        check_cases(pack(RULE, case))
    assert caught.value.details["line"] == 13
    assert run_cases(pack(RULE)).untested == pack(RULE).rules


@pytest.mark.parametrize("depth", [20_000])
def test_nesting_that_ends_the_engine_is_refused(depth) -> None:
    cedar = f"forbid (principal, action, resource) when {{ {'(' * depth}true{')' * depth} }};"
    rule = PackRule(id="deep", cedar=cedar, effect="forbid", about="")
    with refused("bad-rules"), RulesEngine([rule], "p.toml"):
        pass


def test_files_that_are_no_pack() -> None:
    for data in (b"\xff", b"pack = 1\n" + b"#" * MAX_PACK_BYTES, b"[[rule]", b"a" + b".a" * 99):
        with refused("bad-toml"):
            parse_rules(data, "p.toml")
    with refused("schema"):
        parse_rules(HEAD.replace("pack = 1", "pack = 2").encode(), "p.toml")
    with refused("no-pack"):
        load_rules("halth")
    with refused("no-file"):
        load_rules("./none.toml")


def test_a_waiver_lifts_what_is_waivable_and_grants_nothing() -> None:
    rules = combined([builtin_pack("core"), builtin_pack("legal")])
    unreviewed = {"labelsReviewed": "none"}
    assert ask(rules, unreviewed).answer == "deny"
    lifted = ask(rules, unreviewed, waived=frozenset({"legal-review"}))
    assert (lifted.answer, lifted.lifted) == ("permit-by-waiver", ("legal-review",))
    both = {**unreviewed, "rights": "revoked"}
    assert ask(rules, both, waived=frozenset({"legal-review", "core-rights"})).answer == "deny"
    nothing = [one for one in rules if one.effect == "forbid"]
    assert ask(nothing, unreviewed, waived=frozenset({"legal-review"})).answer == "deny"
    assert ask(nothing, {}).answer == "deny"


def test_a_fact_that_is_missing_permits_nothing() -> None:
    facts = {name: value for name, value in SOUND["Dataset"].items() if name != "ageDays"}
    made = RulesRequest("train", "Dataset", "acme/x", facts, CONTEXT)
    rules = combined([builtin_pack("core")])
    with RulesEngine(rules, "core.toml") as engine:
        try:
            answer = engine.decide([made])[0].answer
        except FormatError as error:
            answer = error.kind
    assert answer in {"deny", "no-ruling"}


SETTINGS = rules_template().decode()


@pytest.mark.parametrize(("days", "left", "generated"), [(1, 0, "none"), (100_000, 1000, "any")])
def test_settings_at_their_limits_pass_their_own_cases(days, left, generated) -> None:
    changed = (
        SETTINGS.replace("= 1825", f"= {days}")
        .replace("residual_per_mille = 10", f"residual_per_mille = {left}")
        .replace('"with-terms"\n', f'"{generated}"\n')
        .replace("issuers = []", 'issuers = ["did:web:acme.example"]')
        .replace('privileged_data = "absent"', 'privileged_data = "any"')
        .replace('reviewed = "any"', 'reviewed = "sample"')
        .replace("baseline = false", "baseline = true")
    )
    table = run_cases(parse_rules(changed.encode(), "rules.toml"))
    assert table.wrong == table.untested == ()


def test_settings_that_name_the_words_of_their_own_cases() -> None:
    text = (
        'settings = 1\nname = "org"\nversion = "1"\nasOf = "2026-11-01"\nreviewed = "nobody"\n'
        'purposes = ["é", "no-such-purpose"]\nmax_age_days = 30\n'
        'accepted_issuers = ["did:web:stranger.example"]\n'
        'accepted_attesters = ["did:web:stranger.example"]\n'
    )
    pack = parse_rules(text.encode(), "rules.toml")
    check_cases(pack)
    assert run_cases(pack).untested == ()
