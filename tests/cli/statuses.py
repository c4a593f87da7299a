"""The status of a delivery, as its verifier is told it."""

STATUS = "https://data.example/status"


def status(person, delivery, *more):
    report = person.run("verify", delivery, "--data", delivery / "data", "--json", *more)
    checks = {check["id"]: check for check in report.json["checks"]}
    return report.code, report.json["verdict"], checks["status"]
