"""Whether data is said to be somebody else's (spec 19.10)."""

import pytest

from lyrikstore.curate.terms.holder import OtherHolder, other_holder

MIT_TEXT = b"MIT License\n\nCopyright (c) 2019 A. Author\n\nPermission is hereby granted"
GNU_TEXT = b"Copyright (C) 2007 Free Software Foundation, Inc. <https://fsf.org/>\n"
OWN = {"state": "not-applicable", "reason": "our own"}
UNKNOWN = {"state": "unknown", "reason": "not stated by the publisher"}


@pytest.mark.parametrize(
    ("licences", "origin", "texts", "expected"),
    [
        ([None], {}, [], None),
        (["NONE"], UNKNOWN, [], None),
        (["CC-BY-4.0"], UNKNOWN, [], ("licence", "CC-BY-4.0", None)),
        (["CC-BY-4.0", None], OWN, [], None),
        ([None, "MIT", "0BSD", "MIT"], {}, [], ("licence", "MIT AND 0BSD", None)),
        (["MIT"], {}, [MIT_TEXT], ("licence-text", "MIT", "A. Author")),
        (["MIT"], OWN, [MIT_TEXT], None),
        (["LicenseRef-Own"], {}, [], None),
        (["LicenseRef-Own"], {}, [b"Our terms.\n"], None),
        (["LicenseRef-Theirs"], {}, [MIT_TEXT], ("licence-text", "LicenseRef-Theirs", "A. Author")),
        (["LicenseRef-Own OR MIT"], {}, [], ("licence", "LicenseRef-Own OR MIT", None)),
        (["GPL-3.0-only"], {}, [GNU_TEXT], ("licence", "GPL-3.0-only", None)),
        ([None], {"state": "value", "value": "Roe Ltd"}, [], ("origin", None, "Roe Ltd")),
        (["MIT"], {"state": "value", "value": ["Roe"]}, [MIT_TEXT], ("origin", "MIT", "['Roe']")),
    ],
)
def test_what_says_so(licences, origin, texts, expected) -> None:
    found = other_holder(licences, origin, texts)
    assert found == (None if expected is None else OtherHolder(*expected))
    if found is not None:
        assert found.summary


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("Copyright 2026 Acme Ltd.", "Acme Ltd."),
        ("  © 2020-2024, Jane Doe", "Jane Doe"),
        ("(c) 1998, 1999 by The Authors", "The Authors"),
        ("Copyright [yyyy] [name of copyright owner]", None),
        ("Copyright and Similar Rights means copyright", None),
        ("subject to copyright 2 years later", None),
    ],
)
def test_a_notice_has_a_year(line: str, named: str | None) -> None:
    found = other_holder(["LicenseRef-X"], {}, [f"Terms\n{line}\nmore".encode()])
    assert (None if found is None else found.holder) == named
