"""An audit file about a thousand entries stays below two megabytes."""

from pathlib import Path

from lyrikstore.audit.file.container import title_of, write_page
from lyrikstore.audit.file.opened import open_evidence
from lyrikstore.audit.file.select import gather
from lyrikstore.history.manifests.manifest import Input
from tests.verify.rules.stage import RulesStage

ENTRIES = 1_000


def test_a_thousand_entries(tmp_path: Path) -> None:
    stage = RulesStage(tmp_path)
    inputs = [Input("dataset", "dataset", stage.dataset("clinic/notes").id)]
    before = len(stage.repository.entries())
    stage.log(
        *(
            stage.sign(
                "delivery",
                f"deliveries/clinic/n{number}",
                inputs=inputs,
                body={"form": "checkout", "to": f"buyer {number}"},
            )
            for number in range(ENTRIES - before)
        )
    )
    stage.repository.refresh()
    evidence = gather(stage.repository, {"store": str(stage.repository.store_id)})
    data = evidence.encode()
    assert len(evidence.leaves) >= ENTRIES
    assert len(write_page(data, title_of(open_evidence(data)))) < 2_000_000
