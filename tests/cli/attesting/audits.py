"""What an auditor states of a delivery, and the command that attests it."""

STATUS = "https://data.example/status"
STATEMENT = """
extent = "sample"
records = 5
selection = "every tenth file"
standard = "ISO/IEC 5259-2:2024"
method = "two people read every record of the sample"
conclusion = "no label errors were found"
limitations = ["records outside the sample were not read"]
liability = "Audit GmbH, up to EUR 100,000"

[[results]]
metric = "labelErrorRate"
value = "0.000"
"""


def attest(person, *more, kind="quality"):
    return (
        *("attest", "delivery", "--kind", kind, "--statement", "audit.toml"),
        *("--document", "report.txt", "-o", "attestation.json", *more),
    )
