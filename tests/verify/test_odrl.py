"""ODRL export: terms of the ODRL 2.2 vocabulary, read and validated by rdflib and pySHACL."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lyrikstore.credentials.terms.model import Partition, Selector, Terms, UsageLimits, whole
from lyrikstore.credentials.terms.vocabulary import DUTIES as DUTY_WORDS
from lyrikstore.credentials.terms.vocabulary import PERMISSIONS
from lyrikstore.publish.exports.odrl import ACTIONS, CONTEXT, DUTIES, odrl_policy
from tests.kinds import refused

rdflib = pytest.importorskip("rdflib")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

ODRL = "http://www.w3.org/ns/odrl/2/"
# What http://www.w3.org/ns/odrl.jsonld says of the terms we use; tests fetch nothing.
STANDARD: dict[str, Any] = {
    "@vocab": ODRL,
    "odrl": ODRL,
    "uid": "@id",
    "type": "@type",
    **{
        name: {"@type": "@id"}
        for name in ("profile", "assigner", "target", "permission", "prohibition", "obligation")
    },
    **{name: {"@type": "@vocab"} for name in ("action", "leftOperand", "operator")},
    **{name: {"@type": "@id"} for name in ("constraint", "refinement", "duty", "source")},
}
SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
[] a sh:NodeShape ; sh:targetClass odrl:Offer ;
   sh:property [ sh:path odrl:assigner ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
               [ sh:path odrl:profile ; sh:minCount 1 ; sh:nodeKind sh:IRI ] ;
   sh:or ( [ sh:property [ sh:path odrl:permission ; sh:minCount 1 ] ]
           [ sh:property [ sh:path odrl:prohibition ; sh:minCount 1 ] ]
           [ sh:property [ sh:path odrl:obligation ; sh:minCount 1 ] ] ) .
[] a sh:NodeShape ; sh:targetObjectsOf odrl:permission, odrl:prohibition, odrl:obligation ;
   sh:property [ sh:path odrl:action ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
               [ sh:path odrl:target ; sh:minCount 1 ; sh:maxCount 1 ] .
[] a sh:NodeShape ; sh:targetObjectsOf odrl:duty ;
   sh:property [ sh:path odrl:action ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] .
[] a sh:NodeShape ; sh:targetObjectsOf odrl:constraint, odrl:refinement ;
   sh:property [ sh:path odrl:leftOperand ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
               [ sh:path odrl:operator ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
               [ sh:path odrl:rightOperand ; sh:minCount 1 ] .
"""
AT = datetime(2027, 1, 1, tzinfo=UTC)
EVERYTHING = Terms(
    (
        Partition(
            "a",
            tuple(PERMISSIONS)[:-1],
            ("reidentify",),
            tuple(DUTY_WORDS),
            UsageLimits(("DE", "FR"), AT, AT.replace(month=6), 3, ("education", "x-own")),
            (Selector(path="a"),),
        ),
        Partition("rest", (), ("train", "x-own"), ("deleteOnExpiry",)),
    )
)


def graph_of(policy: dict[str, Any]) -> Any:
    assert policy["@context"] == CONTEXT
    local = {**policy, "@context": [STANDARD, CONTEXT[1]]}
    graph = rdflib.Graph()
    graph.parse(data=json.dumps(local), format="json-ld")
    return graph


def conforms(graph: Any) -> tuple[bool, str]:
    pyshacl = pytest.importorskip("pyshacl")
    shapes = rdflib.Graph().parse(data=SHAPES, format="turtle")
    found, _, text = pyshacl.validate(graph, shacl_graph=shapes)
    return bool(found), str(text)


def test_the_shapes_refuse_what_is_no_policy(publisher: Any) -> None:
    policy: dict[str, Any] = odrl_policy(publisher.unsigned(terms=whole(["train"])))
    assert conforms(graph_of(policy))[0]
    for member in ("action", "target"):
        (rule,) = policy["permission"]
        without = {name: value for name, value in rule.items() if name != member}
        assert not conforms(graph_of({**policy, "permission": [without]}))[0]
    assert not conforms(graph_of({**policy, "permission": []}))[0]


@pytest.mark.parametrize("terms", [EVERYTHING, whole(["train"]), whole([], ["train"])])
def test_others_read_it_and_know_every_term(publisher: Any, terms: Terms) -> None:
    document = publisher.unsigned(terms=terms)
    graph = graph_of(odrl_policy(document))
    good, text = conforms(graph)
    assert good, text
    known = set(rdflib.ODRL2.__annotations__)
    used = {str(node) for triple in graph for node in triple}
    unknown = {iri for iri in used if iri.startswith(ODRL) and iri.removeprefix(ODRL) not in known}
    assert not unknown
    policies = list(graph.subjects(rdflib.RDF.type, rdflib.URIRef(f"{ODRL}Offer")))
    assert [str(one) for one in policies] == [document["id"]]
    assert rdflib.URIRef(document["credentialSubject"]["id"]) in set(graph.objects())


def test_everything_is_there(publisher: Any) -> None:
    policy: dict[str, Any] = odrl_policy(publisher.unsigned(terms=EVERYTHING))
    assert {rule["action"] for rule in policy["permission"]} == {
        ACTIONS[word] for word in PERMISSIONS if word != "reidentify"
    }
    assert [rule["action"] for rule in policy["prohibition"]] == [
        *("lyrik:reidentify", "lyrik:train", "lyrik:x-own")
    ]
    train = policy["permission"][0]
    assert {duty["action"] for duty in train["duty"]} == set(DUTIES.values()) - {"delete"}
    limits = {(c["leftOperand"], c["operator"]): c["rightOperand"] for c in train["constraint"]}
    assert limits["dateTime", "gteq"]["@value"] == "2027-01-01T00:00:00Z"
    assert limits["dateTime", "lteq"]["@value"] == "2027-06-01T00:00:00Z"
    assert limits["spatial", "isAnyOf"] == ["DE", "FR"]
    assert limits["lyrik:seats", "lteq"]["@value"] == "3"
    assert [one["@id"] for one in limits["purpose", "isAnyOf"]] == [
        "lyrik:education",
        "lyrik:x-own",
    ]
    first, second = policy["obligation"]
    assert first["constraint"][0]["rightOperand"]["@value"] == "2027-06-01T00:00:00Z"
    assert second["constraint"][0]["rightOperand"]["@value"] == "2027-11-01T00:00:00Z"
    endless = publisher.unsigned(terms=whole(["train"], [], ["deleteOnExpiry"]), valid_until=None)
    (duty,) = odrl_policy(endless)["obligation"]
    assert duty["action"] == "lyrik:deleteOnExpiry"


def test_a_policy_has_a_rule(publisher: Any) -> None:
    with refused("nothing-to-export"):
        odrl_policy(publisher.unsigned(terms=whole([])))


def test_every_word_is_mapped() -> None:
    assert ACTIONS.keys() == PERMISSIONS.keys()
    assert DUTIES.keys() == DUTY_WORDS.keys()
