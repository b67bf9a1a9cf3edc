"""The software bill of materials of a lock file, as CycloneDX JSON on standard output: `make sbom`.

    python scripts/sbom.py [requirements.lock]

The same lock gives the same bytes: no clock, no random serial number.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([a-z0-9._-]+)==([^\s;]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
PARENT = re.compile(r"^    #(?: via|  ) +([a-z0-9][a-z0-9._-]*)")
NAME = "sluicegate"


@dataclass(frozen=True)
class Package:
    """One pinned package: the digests of its files, and who asked for it."""

    name: str
    version: str
    digests: tuple[str, ...]
    parents: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(lock: str) -> list[Package]:
    """The packages of a lock as pip-compile writes it."""
    found = []
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        pin = PIN.match(block)
        if pin is not None:
            parents = [match[1] for line in block.splitlines() if (match := PARENT.match(line))]
            found.append(Package(pin[1], pin[2], tuple(HASH.findall(block)), tuple(parents)))
    return found


def bill(lock: str, version: str) -> dict[str, Any]:
    """The bill of this project's `version` with what `lock` pins."""
    pinned = packages(lock)
    root = f"pkg:pypi/{NAME}@{version}"
    asked: dict[str, list[str]] = {root: [], **{package.purl: [] for package in pinned}}
    by_name = {NAME: root, **{package.name: package.purl for package in pinned}}
    for package in pinned:
        for parent in package.parents:
            asked[by_name[parent]].append(package.purl)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root + lock)}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": root, "name": NAME, "version": version, "purl": root},
        },
        "components": [
            {
                "type": "library",
                "bom-ref": package.purl,
                "name": package.name,
                "version": package.version,
                "purl": package.purl,
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.digests],
            }
            for package in pinned
        ],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in sorted(asked.items())],
    }


def main() -> None:
    lock = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "requirements.lock"
    declared = re.search(r'__version__ = "([^"]+)"', (ROOT / "gateway/__init__.py").read_text(encoding="utf-8"))
    assert declared is not None
    json.dump(bill(lock.read_text(encoding="utf-8"), declared[1]), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
