"""The supply chain: what is installed is what was pinned, by digest; what we ship runs nothing by being installed."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [
    "requirements.lock",
    "models.lock",
    *sorted(f"deploy/{path.name}" for path in (ROOT / "deploy").glob("*.lock")),
]


def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "scripts/sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sbom"] = module
    spec.loader.exec_module(module)
    return module


# Locks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_version_and_its_digests(lock: str) -> None:
    text = re.sub(r"\s*\\\n\s+", " ", (ROOT / lock).read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    hashed = re.compile(r"[a-z0-9._-]+==\S+( ; [^#]+)?( --hash=sha256:[0-9a-f]{64})+( *#.*)?")
    assert len(lines) >= 1
    assert [line[:80] for line in lines if not hashed.fullmatch(line.strip())] == []


def test_what_is_served_with_is_installed_by_digest() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    serving = makefile[makefile.index("$(VENV)/.serve:") : makefile.index("$(VENV)/.torch:")]
    installs = [line for line in serving.splitlines() if "install --quiet" in line]
    assert len(installs) == 3
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps --editable ." not in line] == []


# The bill of materials -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock != "models.lock"])
def test_sbom(lock: str) -> None:
    """CycloneDX: every package with version, purl and digests; a graph whose every edge leads to a package."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    bill: dict[str, Any] = sbom().bill(text, "1.2.3")
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    pinned = set(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))
    assert {(one["name"], one["version"]) for one in bill["components"]} == pinned
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in bill["components"])
    digests = [digest["content"] for one in bill["components"] for digest in one["hashes"]]
    assert sorted(digests) == sorted(re.findall(r"sha256:([0-9a-f]{64})", text))
    known = {one["bom-ref"] for one in bill["components"]} | {"pkg:pypi/sluicegate@1.2.3"}
    assert {edge["ref"] for edge in bill["dependencies"]} == known
    needed = {ref for edge in bill["dependencies"] for ref in edge["dependsOn"]}
    assert needed == known - {"pkg:pypi/sluicegate@1.2.3"}  # everything that is pinned was asked for by something


def test_sbom_is_written_by_its_command_the_same_each_time() -> None:
    command = [sys.executable, str(ROOT / "scripts/sbom.py"), str(ROOT / "requirements.lock")]
    first, second = (subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2))
    assert first == second
    assert json.loads(first)["metadata"]["component"]["name"] == "sluicegate"


# What we ship --------------------------------------------------------------------------------------------------------


@cache
def shipped() -> dict[str, bytes]:
    """The files of our wheel."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=50)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def test_no_pth_file_is_shipped() -> None:
    """Python runs what stands in a `.pth` file at every start (MAL-2026-2144)."""
    names = list(shipped())
    assert any(name == "gateway/app.py" for name in names)
    assert [name for name in names if name.endswith(".pth")] == []
    assert [name for name in names if Path(name).name in ("sitecustomize.py", "usercustomize.py")] == []


def test_only_our_packages_are_shipped() -> None:
    tops = {name.partition("/")[0] for name in shipped()}
    metadata = {top for top in tops if top.endswith(".dist-info")}
    assert len(metadata) == 1
    assert tops - metadata <= {"gateway", "evals", "guardrails", "finetune"}
    kinds = {Path(name).suffix for name in shipped() if not name.startswith(tuple(metadata))}
    code = {".py", ".typed", ".lua", ".sql", ".html", ".css", ".js", ".svg", ".jinja"}
    weights = {".npz", ".onnx"}  # of the guards' models: arrays and graphs, read without running code
    assert kinds <= {*code, *weights, ".json", ".jsonl", ".yaml", ".md", ".txt", ""}


def test_nothing_runs_by_being_installed() -> None:
    """One build backend, no script of our own in the build, one command, and a plug-in of pytest's that does nothing
    unless it is asked (`tests/evals/test_pytest_plugin.py`)."""
    assert not (ROOT / "setup.py").exists()
    assert not (ROOT / "hatch_build.py").exists()
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [name for name in tracked.splitlines() if name.endswith(".pth")] == []
    (entries,) = (content for name, content in shipped().items() if name.endswith("entry_points.txt"))
    command = ["[console_scripts]", "sluice", "=", "gateway.cli.main:app"]
    assert entries.decode().split() == [*command, "[pytest11]", "sluice_evals", "=", "evals.pytest_plugin"]
