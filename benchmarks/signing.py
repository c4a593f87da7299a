"""Signs or verifies a folder with model-signing and SHA-256, one digest per file.

python signing.py sign|verify DATA STORE      STORE holds ``key`` and ``key.pub`` (P-256)

Runs in model-signing's own environment: its command line has no choice of digests per file.
"""

import sys
from pathlib import Path

import model_signing

task, data, store = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
hashing = model_signing.hashing.Config().use_file_serialization(hashing_algorithm="sha256")
if task == "sign":
    signing = model_signing.signing.Config().use_elliptic_key_signer(private_key=store / "key")
    signing.set_hashing_config(hashing).sign(data, store / "signature")
else:
    verifying = model_signing.verifying.Config().use_elliptic_key_verifier(
        public_key=store / "key.pub"
    )
    verifying.set_hashing_config(hashing).verify(data, store / "signature")
