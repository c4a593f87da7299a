"""The profiles that are shipped, and the items that each has to ask."""

from collections.abc import Mapping

from lyrikstore.publish.cards.profiles.profile import shipped_profiles

SHIPPED = shipped_profiles()

LISTED: Mapping[str, str] = {
    "us-health": """
        hipaa-path          people    45 CFR 164.514
        hipaa-expert        people    45 CFR 164.514(b)(1)
        hipaa-identifiers   people    45 CFR 164.514(b)(2)(i)
        hipaa-knowledge     people    45 CFR 164.514(b)(2)(ii)
        hipaa-residual      people    45 CFR 164.514(b)
        hipaa-agreements    people    HIPAA, agreements
        hipaa-rights        evidence  HIPAA, rights in the data
        hipaa-words         people    HIPAA, the model
        hti-1               people    HTI-1, attribute 1, details and output
        hti-1-contact       people    HTI-1, attribute 1, details and output
        hti-2               people    HTI-1, attribute 2, details and output
        hti-3               people    HTI-1, attribute 3, details and output
        hti-4               evidence  HTI-1, attribute 4, details and output
        hti-5               people    HTI-1, attribute 5, purpose
        hti-6               people    HTI-1, attribute 6, purpose
        hti-7               people    HTI-1, attribute 7, purpose
        hti-8               people    HTI-1, attribute 8, purpose
        hti-9               people    HTI-1, attribute 9, cautioned use
        hti-10              people    HTI-1, attribute 10, cautioned use
        hti-10-risks        people    HTI-1, attribute 10, cautioned use
        hti-11              people    HTI-1, attribute 11, development
        hti-12              people    HTI-1, attribute 12, development
        hti-13              people    HTI-1, attribute 13, development
        hti-14              people    HTI-1, attribute 14, development
        hti-15              people    HTI-1, attribute 15, fairness
        hti-16              people    HTI-1, attribute 16, fairness
        hti-17              people    HTI-1, attribute 17, external validation
        hti-18              people    HTI-1, attribute 18, external validation
        hti-19              people    HTI-1, attribute 19, external validation
        hti-20              people    HTI-1, attribute 20, external validation
        hti-21              evidence  HTI-1, attribute 21, performance
        hti-22              people    HTI-1, attribute 22, performance
        hti-23              people    HTI-1, attribute 23, performance
        hti-24              people    HTI-1, attribute 24, performance
        hti-25              people    HTI-1, attribute 25, performance
        hti-26              people    HTI-1, attribute 26, maintenance
        hti-27              people    HTI-1, attribute 27, maintenance
        hti-28              people    HTI-1, attribute 28, maintenance
        hti-29              people    HTI-1, attribute 29, maintenance
        hti-30              people    HTI-1, attribute 30, updates
        hti-31              people    HTI-1, attribute 31, updates
        pccp-modifications  people    FDA, predetermined change control plan
        pccp-protocol       people    FDA, predetermined change control plan
        pccp-impact         people    FDA, predetermined change control plan
    """,
    "us-legal": """
        use           people    Model Rule 1.1
        out-of-scope  people    Model Rule 1.1
        1.1           people    Model Rule 1.1
        1.1-tests     evidence  Model Rule 1.1
        1.1-training  people    Model Rule 1.1
        1.6           people    Model Rule 1.6
        1.6-consent   people    Model Rule 1.6, Opinion 512
        1.6-rights    evidence  Model Rule 1.6
        1.6-walls     people    Model Rule 1.6, Opinion 512
        1.6-place     people    Model Rule 1.6
        1.6-words     people    Model Rule 1.6
        matters       evidence  Conflicts and matters
        1.4           people    Model Rule 1.4
        1.5           people    Model Rule 1.5
        3.1           people    Model Rule 3.1
        3.3           people    Model Rule 3.3
        5.1           people    Model Rule 5.1
        5.3           people    Model Rule 5.3
        oversight     people    Model Rule 5.3
        monitoring    people    Model Rule 1.1
        state         people    Rules of the states
        contact       people    Model Rule 5.1
    """,
    "eu-gpai-53": """
        scope          people    Guidelines, points 57 to 63
        scope-compute  people    Guidelines, points 57 to 63
        1a             people    Annex XI, section 1, 1(a)
        1a-systems     people    Annex XI, section 1, 1(a)
        1b             people    Annex XI, section 1, 1(b)
        1c             people    Annex XI, section 1, 1(c)
        1d             evidence  Annex XI, section 1, 1(d)
        1e             evidence  Annex XI, section 1, 1(e)
        1f             people    Annex XI, section 1, 1(f)
        2a             people    Annex XI, section 1, 2(a)
        2b             people    Annex XI, section 1, 2(b)
        2c             evidence  Annex XI, section 1, 2(c)
        2c-obtained    evidence  Annex XI, section 1, 2(c)
        2c-unsuitable  people    Annex XI, section 1, 2(c)
        2d             people    Annex XI, section 1, 2(d)
        2e             people    Annex XI, section 1, 2(e)
        53(1)(b)       people    Article 53(1)(b), Annex XII
        53(1)(c)       people    Article 53(1)(c)
        s1.1           people    Public summary, 1.1
        s1.2           evidence  Public summary, 1.2
        s1.3           people    Public summary, 1.3
        s1.3-acquired  people    Public summary, 1.3
        s2.1           people    Public summary, 2.1
        s2.2.1         evidence  Public summary, 2.2.1
        s2.2.2         people    Public summary, 2.2.2
        s2.3           people    Public summary, 2.3
        s2.4           people    Public summary, 2.4
        s2.5           people    Public summary, 2.5
        s2.6           people    Public summary, 2.6
        s3.1           people    Public summary, 3.1
        s3.2           people    Public summary, 3.2
        s3.3           people    Public summary, 3.3
    """,
    "us-ca-ab2013": """
        1   evidence  Civil Code 3111(a)(1)
        2   people    Civil Code 3111(a)(2)
        3   evidence  Civil Code 3111(a)(3)
        4   evidence  Civil Code 3111(a)(4)
        5   people    Civil Code 3111(a)(5)
        6   evidence  Civil Code 3111(a)(6)
        7   people    Civil Code 3111(a)(7)
        8   people    Civil Code 3111(a)(8)
        9   evidence  Civil Code 3111(a)(9)
        10  people    Civil Code 3111(a)(10)
        11  people    Civil Code 3111(a)(11)
        12  people    Civil Code 3111(a)(12)
    """,
    "eu-ai-act": """
        class          people    Article 6, Annexes I and III
        1a             people    Annex IV, 1(a)
        1a-provider    people    Annex IV, 1(a)
        1a-version     evidence  Annex IV, 1(a)
        1b             people    Annex IV, 1(b)
        1c             evidence  Annex IV, 1(c)
        1c-updates     people    Annex IV, 1(c)
        1d             people    Annex IV, 1(d)
        1e             people    Annex IV, 1(e)
        1f             people    Annex IV, 1(f)
        1g             people    Annex IV, 1(g)
        1h             people    Annex IV, 1(h)
        2a             evidence  Annex IV, 2(a)
        2b             people    Annex IV, 2(b)
        2c             evidence  Annex IV, 2(c)
        2c-compute     people    Annex IV, 2(c)
        2d             evidence  Annex IV, 2(d)
        2d-origin      people    Annex IV, 2(d)
        2d-content     evidence  Annex IV, 2(d)
        2d-obtained    evidence  Annex IV, 2(d)
        2d-labels      people    Annex IV, 2(d)
        2d-cleaning    evidence  Annex IV, 2(d)
        2e             people    Annex IV, 2(e)
        2f             people    Annex IV, 2(f)
        2g             evidence  Annex IV, 2(g)
        2g-reports     evidence  Annex IV, 2(g)
        2g-groups      people    Annex IV, 2(g)
        2g-robustness  people    Annex IV, 2(g)
        2h             people    Annex IV, 2(h)
        3-limits       people    Annex IV, 3
        3-groups       people    Annex IV, 3
        3-unintended   people    Annex IV, 3
        3-oversight    people    Annex IV, 3
        3-input        people    Annex IV, 3
        4              people    Annex IV, 4
        5              people    Annex IV, 5
        6              evidence  Annex IV, 6
        7              people    Annex IV, 7
        8              people    Annex IV, 8
        9              people    Annex IV, 9
        10(2)(a)       people    Article 10(2)(a)
        10(2)(b)       people    Article 10(2)(b)
        10(2)(c)       evidence  Article 10(2)(c)
        10(2)(d)       people    Article 10(2)(d)
        10(2)(e)       evidence  Article 10(2)(e)
        10(2)(f)       people    Article 10(2)(f)
        10(2)(g)       people    Article 10(2)(g)
        10(2)(h)       people    Article 10(2)(h)
        10(3)          people    Article 10(3)
        10(4)          people    Article 10(4)
        4a             people    Article 4a
        13(3)(a)       people    Article 13(3)(a)
        13(3)(b)(i)    people    Article 13(3)(b)(i)
        13(3)(b)(ii)   evidence  Article 13(3)(b)(ii)
        13(3)(b)(iii)  people    Article 13(3)(b)(iii)
        13(3)(b)(iv)   people    Article 13(3)(b)(iv)
        13(3)(b)(v)    people    Article 13(3)(b)(v)
        13(3)(b)(vi)   people    Article 13(3)(b)(vi)
        13(3)(b)(vii)  people    Article 13(3)(b)(vii)
        13(3)(c)       people    Article 13(3)(c)
        13(3)(d)       people    Article 13(3)(d)
        13(3)(e)       people    Article 13(3)(e)
        13(3)(f)       people    Article 13(3)(f)
        18             people    Article 18
    """,
    "us-mrm": """
        scope             evidence  SR 26-2, footnote 3
        III-purpose       people    SR 26-2, section III
        III-materiality   people    SR 26-2, section III
        III-dependencies  people    SR 26-2, section III
        III-challenge     people    SR 26-2, section III
        IV-testing        evidence  SR 26-2, section IV
        IV-benchmark      evidence  SR 26-2, section IV
        IV-use            people    SR 26-2, section IV
        V-soundness       people    SR 26-2, section V
        V-data            evidence  SR 26-2, section V
        V-data-relevance  people    SR 26-2, section V
        V-outcomes        people    SR 26-2, section V
        V-sensitivity     people    SR 26-2, section V
        V-limits          people    SR 26-2, section V
        V-monitoring      people    SR 26-2, section V
        V-drift           people    SR 26-2, section V
        VI-inventory      evidence  SR 26-2, section VI
        VI-documentation  evidence  SR 26-2, section VI
        VI-changes        evidence  SR 26-2, section VI
        VI-roles          people    SR 26-2, section VI
        VII-vendor        evidence  SR 26-2, section VII
    """,
    "us-co-admt": """
        decisions    people    SB 26-189
        1a           people    SB 26-189, 1702(1)(a)
        1a-harmful   people    SB 26-189, 1702(1)(a)
        1b           evidence  SB 26-189, 1702(1)(b)
        1b-personal  people    SB 26-189, 1702(1)(b)
        1c           people    SB 26-189, 1702(1)(c)
        1d           people    SB 26-189, 1702(1)(d)
        1d-review    people    SB 26-189, 1702(1)(d)
        1e           people    SB 26-189, 1702(1)(e)
        2            people    SB 26-189, 1702(2)
        4            people    SB 26-189, 1702(4)
        4-versions   evidence  SB 26-189, 1702(4)
    """,
    "nist-ai-rmf": """
        GOVERN-1.6    evidence  GOVERN 1.6
        GOVERN-2.1    people    GOVERN 2.1
        GOVERN-6.1    evidence  GOVERN 6.1
        MAP-1.1       people    MAP 1.1
        MAP-2.1       evidence  MAP 2.1
        MAP-2.2       people    MAP 2.2
        MAP-2.3       people    MAP 2.3
        MAP-3.1       people    MAP 3.1
        MAP-3.2       people    MAP 3.2
        MAP-3.3       people    MAP 3.3
        MAP-3.4       people    MAP 3.4
        MAP-3.5       people    MAP 3.5
        MAP-4.1       evidence  MAP 4.1
        MEASURE-1.1   people    MEASURE 1.1
        MEASURE-2.1   evidence  MEASURE 2.1
        MEASURE-2.2   people    MEASURE 2.2
        MEASURE-2.3   people    MEASURE 2.3
        MEASURE-2.5   people    MEASURE 2.5
        MEASURE-2.7   people    MEASURE 2.7
        MEASURE-2.9   people    MEASURE 2.9
        MEASURE-2.10  people    MEASURE 2.10
        MEASURE-2.11  people    MEASURE 2.11
        MEASURE-2.12  people    MEASURE 2.12
        MANAGE-1.1    people    MANAGE 1.1
        MANAGE-1.2    people    MANAGE 1.2
        MANAGE-1.3    people    MANAGE 1.3
        MANAGE-1.4    people    MANAGE 1.4
        MANAGE-2.4    people    MANAGE 2.4
        MANAGE-4.1    people    MANAGE 4.1
    """,
}
"""Profile → its items in their order: id, who answers (facts alone, or people too), and clause."""

LISTED_SME = LISTED["eu-ai-act"]
