"""Keys that come and go, and a thief: whom a stranger believes, in Python and on the page."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.trust import encode_trust
from lyrikstore.publish.identity.key_statements import statements_for_others
from tests import npm
from tests.differential.judges import PAGE, Case, PageVerifier, by_python, differences
from tests.model.key_lives import NOW, Keys
from tests.sweep import examples

TestKeys = Keys.TestCase
TestKeys.settings = settings(max_examples=examples(25), stateful_step_count=14, deadline=None)


@pytest.mark.page
def test_the_page_says_the_same() -> None:
    """Whatever deliveries such a life leaves behind, alone and with the statements."""
    npm.generated(PAGE)
    with PageVerifier() as page:

        class OnPage(Keys):
            def teardown(self) -> None:
                said = statements_for_others(self.home()) if self.kept else {}
                for one in (*self.kept, *self.stolen):
                    for more in ({}, said):
                        case = Case(
                            one.files["credential.json"],
                            {**one.files, **more},
                            one.data,
                            encode_trust(self.trust),
                            format_timestamp(NOW),
                        )
                        assert differences(by_python(case), page(case)) == [], one.label
                super().teardown()

        run_state_machine_as_test(
            OnPage,
            settings=settings(max_examples=examples(8), stateful_step_count=14, deadline=None),
        )
