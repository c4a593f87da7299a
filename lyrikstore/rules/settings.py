"""Settings in plain words that become a pack: each a rule, with cases at its limits."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.toml import check_user_file, parse_toml
from lyrikstore.rules.pack import (
    BUILTIN,
    MAX_PACK_BYTES,
    Case,
    Pack,
    PackRule,
    builtin_source,
    parse_pack,
)

TEMPLATE: Final = "org-template"
"""Name of the built-in settings file, to be copied and changed."""

_WORD: Final = re.compile(r"[a-z0-9-]+")
_DATA: Final = '[Lyrik::Action::"train", Lyrik::Action::"evaluate"]'
_SCAN: Final = "scan the data: lyrikstore filter with scan/1"
_DESCRIBE: Final = "state it in the descriptor: lyrikstore commit --describe FILE"
_LEAVE_OUT: Final = "leave the records out: lyrikstore filter with allow/1"

Facts = Mapping[str, Any]


class _Demand(Struct, frozen=True):
    """The demand of one setting.

    Attributes:
        about: The demand, in one sentence.
        when: Cedar condition under which it forbids.
        remedy: The next step if it forbids.
        forbidden: Facts that it forbids, or contexts if ``context`` is set.
        permitted: Facts or contexts that it just permits.
        action: The action for which it is evaluated; empty: training and evaluation on data.
        context: Whether ``forbidden`` and ``permitted`` are contexts.
    """

    about: str
    when: str
    remedy: str
    forbidden: tuple[Facts, ...]
    permitted: tuple[Facts, ...] = ()
    action: str = ""
    context: bool = False


def rules_template() -> bytes:
    """Return the bytes of the built-in settings file."""
    return files(__package__).joinpath("packs", f"{TEMPLATE}.toml").read_bytes()


def load_rules(rules: str) -> Pack:
    """Return a built-in pack, or the pack in a TOML file of rules or settings.

    Args:
        rules: ``core``, ``legal``, ``health`` or ``org-template``, also if a file has that name; or
        a file.

    Raises:
        NotFoundError: (``no-pack``) one word that is neither a pack nor a file; (``no-file``) the
        file does not exist.
        LyrikstoreError: As :func:`parse_rules`.
    """
    file = f"{rules}.toml" if rules == TEMPLATE or rules in BUILTIN else rules
    return parse_rules(rules_source(rules), file)


def rules_source(rules: str) -> bytes:
    """Return the bytes of the TOML file that :func:`load_rules` reads.

    Raises:
        LyrikstoreError: As :func:`load_rules`.
    """
    if rules == TEMPLATE:
        return rules_template()
    path = Path(rules)
    if rules in BUILTIN or (_WORD.fullmatch(rules) and not path.exists()):
        return builtin_source(rules)
    return read_at_most(path, MAX_PACK_BYTES + 1)


def parse_rules(data: bytes, file: str) -> Pack:
    """Return the pack in a TOML file of rules, or the pack that its settings become.

    Args:
        data: The file, of at most 1 MiB.
        file: Its name, for messages.

    Raises:
        FormatError: As :func:`~lyrikstore.rules.pack.parse_pack`.
    """
    document = parse_toml(data, max_bytes=MAX_PACK_BYTES)
    if "settings" not in document:
        return parse_pack(data, file)
    check_user_file(document, "rules-settings")
    text = data.decode("utf-8-sig").splitlines()
    rules: list[PackRule] = []
    cases: list[Case] = []
    issuers = sorted(document.get("accepted_issuers", ()))[:1]
    sound = {"issuers": issuers} if issuers else {}
    purposes = sorted(document.get("purposes", ()))
    purpose = {"purpose": purposes[0]} if purposes else {}
    for name, demand in _demands(document):
        line = next(
            (number for number, one in enumerate(text, 1) if one.split("=")[0].strip() == name), 0
        )
        rule = _rule(document, name, demand, line)
        rules.append(rule)
        cases += _cases(rule, demand, sound, purpose)
    return Pack(
        name=document["name"],
        version=document["version"],
        as_of=document["asOf"],
        reviewed=document["reviewed"],
        sources=("the settings of the organisation",),
        rules=tuple(rules),
        cases=tuple(cases),
        file=file,
    )


def _rule(document: Mapping[str, Any], name: str, demand: _Demand, line: int) -> PackRule:
    actions = f'== Lyrik::Action::"{demand.action}"' if demand.action else f"in {_DATA}"
    kind = "Model" if demand.action else "Dataset"
    return PackRule(
        id=f"{document['name']}-{name.replace('_', '-')}",
        cedar=f"forbid (principal, action {actions}, resource is Lyrik::{kind})\n"
        f"when {{ {demand.when} }};",
        effect="forbid",
        about=demand.about,
        cite=f"{name} in the settings of {document['name']}",
        remedy=demand.remedy,
        waivable=name in document.get("waivable", ()),
        line=line,
    )


def _cases(
    rule: PackRule, demand: _Demand, sound: Facts, purpose: Mapping[str, str]
) -> Iterator[Case]:
    kind, action = ("Model", demand.action) if demand.action else ("Dataset", "train")

    def case(at: int, given: Facts, *, forbidden: bool) -> Case:
        word = "forbids" if forbidden else "permits"
        return Case(
            name=f"{rule.id} {word} {at}",
            action=action,
            answer="deny" if forbidden else "permit",
            rules=(rule.id,) if forbidden else (),
            facts=(sound if demand.context else {**sound, **given}) if kind == "Dataset" else given,
            kind=kind,
            context=given if demand.context else (purpose if kind == "Dataset" else {}),
            line=rule.line,
        )

    for at, given in enumerate(demand.forbidden, 1):
        yield case(at, given, forbidden=True)
    for at, given in enumerate(demand.permitted, 1):
        yield case(at, given, forbidden=False)


def _demands(document: Mapping[str, Any]) -> Iterator[tuple[str, _Demand]]:
    for name, demand in _SETTINGS.items():
        if name in document and (made := demand(document[name], document)) is not None:
            yield name, made


def _list(values: Any) -> str:
    return json.dumps(sorted(values), ensure_ascii=False)


def _purposes(value: list[str], _: Facts) -> _Demand:
    return _Demand(
        f"A run declares one of the purposes {', '.join(sorted(value))}.",
        f"!{_list(value)}.contains(context.purpose)",
        "declare another purpose in the config, or ask the owner of the settings",
        ({"purpose": _other(value, "no-such-purpose")},),
        context=True,
    )


def _refused_licences(value: list[str], _: Facts) -> _Demand | None:
    if not value:
        return None
    return _Demand(
        f"No data is under {', '.join(sorted(value))}.",
        f"resource.licences.containsAny({_list(value)})",
        _LEAVE_OUT,
        tuple({"licences": ["MIT", one]} for one in sorted(value)),
        ({"licences": ["unknown"]},) if "unknown" not in value else (),
    )


def _accepted_issuers(value: list[str], _: Facts) -> _Demand | None:
    if not value:
        return None
    return _Demand(
        "The rights to the data come from an accepted issuer.",
        f"resource.issuers.isEmpty() || !{_list(value)}.containsAll(resource.issuers)",
        "ask an accepted issuer for a credential, or add the issuer to the settings",
        ({"issuers": []}, {"issuers": [_other(value, "did:web:stranger.example")]}),
        ({"issuers": sorted(value)[:1]},),
    )


def _accepted_attesters(value: list[str], _: Facts) -> _Demand | None:
    if not value:
        return None
    attested = {"deidentificationAttested": "yes"}
    return _Demand(
        "A de-identification is attested by accepted people alone.",
        'resource.deidentificationAttested == "yes" && (resource.attesters.isEmpty() || '
        f"!{_list(value)}.containsAll(resource.attesters))",
        "ask an accepted attester, or add the attester to the settings",
        (
            {**attested, "attesters": []},
            {**attested, "attesters": [_other(value, "did:web:stranger.example")]},
        ),
        ({**attested, "attesters": sorted(value)[:1]},),
    )


def _other(values: list[str], word: str) -> str:
    """Return a word that is none of some values: ``word``, or one that begins with it."""
    return word if word not in values else _other(values, f"{word}-2")


def _free_of(member: str, what: str) -> Callable[[str, Facts], _Demand | None]:
    def demand(value: str, document: Facts) -> _Demand | None:
        state = f"resource.classification.{member}"

        def facts(found: str, left: int) -> Facts:
            return {"classification": {member: found}, "residualPerMille": left}

        if value == "absent":
            return _Demand(
                f"Data is free of {what}, as somebody established.",
                f'{state} != "absent"',
                f"{_LEAVE_OUT}; or {_DESCRIBE}",
                (facts("present", 0), facts("not-evaluated", 0)),
                (facts("absent", 0),),
            )
        if value == "redacted":
            most = document.get("residual_per_mille", 0)
            left = "resource.residualPerMille"
            return _Demand(
                f"A scan found {what} in at most {most} of 1,000 records.",
                f'{state} != "absent" && ({left} < 0 || {left} > {most})',
                f"redact it, then {_SCAN}",
                (facts("present", -1), facts("not-evaluated", most + 1)),
                (facts("present", most), facts("absent", -1)),
            )
        return None

    return demand


def _max_age(value: int, _: Facts) -> _Demand:
    return _Demand(
        f"Data is at most {value} days old.",
        f"resource.ageDays < 0 || resource.ageDays > {value}",
        "use a newer version of the data",
        ({"ageDays": value + 1}, {"ageDays": -1}),
        ({"ageDays": value},),
    )


def _generated(value: str, _: Facts) -> _Demand | None:
    share, terms = "resource.synthetic.share", "resource.synthetic.outputTerms"
    some = {"share": "some", "outputTerms": "trains"}
    if value == "none":
        return _Demand(
            "No text was generated by a model.",
            f'{share} != "none"',
            f'state synthetic = "none" in the descriptor (lyrikstore commit --describe FILE), or '
            f"{_LEAVE_OUT}",
            ({"synthetic": some}, {"synthetic": {"share": "unknown"}}),
        )
    if value == "with-terms":
        return _Demand(
            "The terms of a generating model allow training.",
            f'!["not-applicable", "trains"].contains({terms})',
            "state the terms: lyrikstore commit --generated-by MODEL --output-terms URL",
            ({"synthetic": {**some, "outputTerms": "unknown"}},),
            (
                {"synthetic": some},
                {"synthetic": {"share": "unknown", "outputTerms": "not-applicable"}},
            ),
        )
    return None


def _reviewed(value: str, _: Facts) -> _Demand | None:
    accepted = {"all": ["all"], "sample": ["all", "sample"]}.get(value)
    if accepted is None:
        return None
    return _Demand(
        "People reviewed the labels" + (", or a sample of them." if value == "sample" else "."),
        f"!{_list([*accepted, 'not-applicable'])}.contains(resource.labelsReviewed)",
        "have the labels reviewed",
        ({"labelsReviewed": "none"}, {"labelsReviewed": "unknown"}),
        ({"labelsReviewed": accepted[-1]},),
    )


def _approvals(value: int, _: Facts) -> _Demand | None:
    if value == 0:
        return None
    people = "one person" if value == 1 else f"{value} people"
    return _Demand(
        f"The card of a deployed model is approved by {people}.",
        f'resource.card != "approved" || resource.reviews < {value}',
        "lyrikstore approve CARD",
        ({"card": "draft"}, {"card": "stale"}, {"reviews": value - 1}),
        ({"reviews": value},),
        action="deploy",
    )


def _better(value: bool, _: Facts) -> _Demand | None:
    if not value:
        return None
    return _Demand(
        "A deployed model is shown to be better than the baseline.",
        'resource.betterThanBaseline != "yes"',
        "evaluate it on more records, or use the baseline",
        ({"betterThanBaseline": "not-shown"}, {"betterThanBaseline": "not-measured"}),
        action="deploy",
    )


_SETTINGS: Final[Mapping[str, Callable[[Any, Facts], _Demand | None]]] = {
    "purposes": _purposes,
    "refused_licences": _refused_licences,
    "accepted_issuers": _accepted_issuers,
    "accepted_attesters": _accepted_attesters,
    "personal_data": _free_of("personal", "personal data"),
    "health_data": _free_of("health", "health data"),
    "privileged_data": _free_of("privileged", "privileged documents"),
    "max_age_days": _max_age,
    "generated_texts": _generated,
    "labels_reviewed": _reviewed,
    "approvals": _approvals,
    "better_than_baseline": _better,
}
"""Setting → its demand; ``residual_per_mille`` and ``waivable`` change other demands."""
