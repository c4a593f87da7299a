"""Read a folder of tasks with Label Studio's own library, answer them, and print the export.

It runs in an environment of its own: python answer.py FOLDER
"""

import json
import sys
from pathlib import Path

from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk.label_interface.objects import AnnotationValue, TaskValue

folder = Path(sys.argv[1])
interface = LabelInterface((folder / "config.xml").read_text("utf-8"))
interface.validate()
labels = list(interface.get_control("value").labels)
done = []
for at, task in enumerate(json.loads((folder / "tasks.json").read_text("utf-8"))):
    if not interface.validate_task({"data": task["data"]}):
        raise SystemExit(f"task {at} does not fit the config")
    for one in task.get("predictions", []):
        if wrong := interface.validate_prediction(one, return_errors=True):
            raise SystemExit(f"task {at}: {wrong}")
    answer = {"value": labels[at % len(labels)], "note": "seen"}
    skipped = at == len(labels)
    annotation = AnnotationValue(
        completed_by=at % 2,
        lead_time=at + 0.5,
        was_cancelled=skipped,
        result=[] if skipped else interface.create_regions(answer),
    )
    if not interface.validate_annotation(json.loads(annotation.model_dump_json())):
        raise SystemExit(f"the answer to task {at} does not fit the config")
    shown = TaskValue(**task | {"annotations": [annotation]})
    done.append({"id": at, **json.loads(shown.model_dump_json())})
sys.stdout.write(json.dumps({"labels": labels, "tasks": done}))
