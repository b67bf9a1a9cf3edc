"""Signs the manifests of the guards' artefacts, before a release is built: `python scripts/sign_models.py`.

The private key is 32 bytes in base64 in SLUICE_SIGNING_KEY, which only the release job has. The public key is printed:
it belongs on the page that says how a release is checked, and not into the package that it is to check.
"""

from __future__ import annotations

import os
import sys
from base64 import b64decode

from guardrails.models.artefacts import sign

VARIABLE = "SLUICE_SIGNING_KEY"


def main() -> int:
    try:
        seed = b64decode(os.environ.get(VARIABLE, "").strip(), validate=True)
    except ValueError:
        seed = b""
    if len(seed) != 32:
        sys.stderr.write(f"{VARIABLE} is to hold 32 bytes in base64, as `openssl rand -base64 32` makes them.\n")
        return 2
    sys.stdout.write(f"{sign(seed)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
