"""The Dockerfile and compose.yaml, read: what they name exists, and what they promise holds."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import configuration

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
TARGETS = ("slim", "full")


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage, those of the stages it is built from before its own."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            current = found[name] = list(found.get(base, []))
        elif word:
            current.append((word, rest.strip()))
    return found


STAGES = stages()


def test_every_file_copied_is_there_and_not_ignored() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = {
        source
        for stage in STAGES.values()
        for word, rest in stage
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert "deploy/slim.lock" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if not any(Path(source).match(pattern) for pattern in kept)] == []
    assert [pattern for pattern in kept if not list(ROOT.glob(pattern))] == []


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_without_root_and_answers_sigterm_itself(target: str) -> None:
    last = dict(STAGES[target])
    assert STAGES[target][-1] == ("USER", "10001:10001")
    assert json.loads(last["ENTRYPOINT"]) == ["sluice"]
    assert json.loads(last["CMD"]) == ["serve"]
    assert last["STOPSIGNAL"] == "SIGTERM"


@pytest.mark.parametrize("target", TARGETS)
def test_health_is_asked_with_python(target: str) -> None:
    options, _, command = dict(STAGES[target])["HEALTHCHECK"].partition("CMD ")
    python, dash_c, source = json.loads(command)
    assert (python, dash_c) == ("python", "-c")
    assert "/healthz" in source
    compile(source, "healthcheck", "exec")
    assert "--timeout=3s" in options


def test_every_package_is_installed_from_hashes() -> None:
    installs = [
        shlex.split(command)
        for stage in STAGES.values()
        for word, rest in stage
        if word == "RUN"
        for command in rest.split("&&")
        if "pip install" in command
    ]
    assert len(installs) > 3
    for install in installs:
        ours = install[-1] == "/wheel/*.whl" and "--no-deps" in install
        assert ours or "--require-hashes" in install, install


@pytest.mark.parametrize(("lock", "extras"), [("slim", {"postgres", "otel"}), ("full", {"embedded", "litellm"})])
def test_a_lock_holds_the_extras_of_its_image(lock: str, extras: set[str]) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / f"deploy/{lock}.lock").read_text(), re.MULTILINE))
    wanted = {re.split(r"[\[>=]", package)[0] for extra in extras for package in declared[extra]}
    assert wanted <= locked
    assert not locked & {"torch", "pytest"}


@pytest.mark.parametrize("lock", ["slim", "full"])
def test_images_run_the_versions_that_are_tested(lock: str) -> None:
    def pinned(path: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / path).read_text(), re.MULTILINE))

    tested, image = pinned("requirements.lock"), pinned(f"deploy/{lock}.lock")
    assert {name: image[name] for name in tested.keys() & image.keys()} == {
        name: tested[name] for name in tested.keys() & image.keys()
    }
    assert tested.keys() - image.keys() <= {"xllamacpp"}


def test_no_image_names_a_registry() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [image for image in (*images, *bases) if "." in image.partition("/")[0]] == []


def test_the_gateway_waits_for_what_is_healthy() -> None:
    for name, wanted in COMPOSE["services"]["gateway"]["depends_on"].items():
        assert wanted == {"condition": "service_healthy"}
        assert COMPOSE["services"][name]["healthcheck"]["test"]
    assert COMPOSE["services"]["gateway"]["build"]["target"] in TARGETS


def test_every_volume_is_declared() -> None:
    used = {volume.split(":")[0] for service in COMPOSE["services"].values() for volume in service.get("volumes", ())}
    assert {volume for volume in used if not volume.startswith("./")} == COMPOSE["volumes"].keys()
    assert [volume for volume in used if volume.startswith("./") and not (ROOT / volume).exists()] == []


def test_the_settings_of_compose_are_settings() -> None:
    environment = COMPOSE["services"]["gateway"]["environment"]
    assert environment.keys() <= {configuration.CONFIG_VARIABLE, *configuration.ENVIRONMENT}
    loaded = configuration.load(ROOT / "deploy/sluicegate.yaml", {**environment, "SLUICE_CONFIG": ""})
    assert loaded.database_url.startswith("postgresql+psycopg://")
    assert loaded.secret is not None
    example = (ROOT / "deploy/secrets.env.example").read_text(encoding="utf-8")
    assert f"\n{loaded.secret.reference.removeprefix('env:')}=\n" in example


def test_secrets_are_not_in_git() -> None:
    (secrets,) = {service["env_file"] for service in COMPOSE["services"].values() if "env_file" in service}
    assert secrets in (ROOT / ".gitignore").read_text().splitlines()
    assert (ROOT / f"{secrets}.example").exists()
