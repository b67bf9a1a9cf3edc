"""Imports point one way, weight follows the process, and one module reads the environment."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest

from gateway.cli.main import Commands
from tests.architecture.sources import PRODUCT, Source, sources

HEAVY = (
    "azure",
    "huggingface_hub",
    "langchain",
    "litellm",
    "numpy",
    "opentelemetry.sdk",
    "peft",
    "pyarrow",
    "ray",
    "redis",
    "rouge_score",
    "sacrebleu",
    "scipy",
    "sentence_transformers",
    "tokenizers",
    "torch",
    "transformers",
    "xllamacpp",
)
TRAINING = {
    f"guardrails.training.{name}"
    for name in (
        *("encoder", "export", "groundedness", "groundedness_package", "letters", "own", "package", "prompts"),
        *("refit", "schedule"),
    )
} | {"guardrails.pii.recipe.fit"}
CHECKPOINTS = {
    "gateway.models.decoding",
    "gateway.providers.embedder",
    "gateway.providers.transformers",
    "guardrails.models.transformers_classifier",
}
OWNERS = {
    "azure": set[str](),
    "huggingface_hub": {"evals.datasets.huggingface", "gateway.models.locate"},
    "langchain": {"guardrails.langchain.middleware"},
    "litellm": {"gateway.providers.litellm"},
    "opentelemetry": {"gateway.telemetry.measures", "gateway.telemetry.spans"},
    "peft": {"gateway.providers.transformers"},
    "ray": {"evals.runs.executors.ray"},
    "redis": {"gateway.state.redis"},
    "rouge_score": {"evals.graders.similarity", "evals.scorers.rouge"},
    "sacrebleu": {"evals.graders.similarity", "evals.scorers.bleu", "evals.scorers.chrf"},
    "sentence_transformers": {"evals.embedding", "gateway.providers.embedder"},
    "torch": TRAINING | CHECKPOINTS,
    "transformers": TRAINING | CHECKPOINTS,
    "xllamacpp": {"gateway.providers.llamacpp"},
}
"""The modules that may import a heavy package."""
READS_ENVIRONMENT = {
    "evals.environment",
    "gateway.configuration",
    "gateway.secret",  # by its reference
    "guardrails.environment",
    "gateway.providers.litellm",  # sets the one switch litellm looks for while it is imported
}


def imported(source: Source, tree: ast.AST) -> Iterator[str]:
    """The modules that `tree` imports, by full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.name}: a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import(source: Source) -> Iterator[str]:
    """What importing the module itself imports: not what its functions do, nor what only the type checker sees."""
    for node in source.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(source, node)


COMMANDS = tuple(sorted({one.target.partition(":")[0] for one in Commands.later.values()}))


@pytest.mark.parametrize("modules", [("gateway.app",), COMMANDS])
def test_the_server_starts_light(modules: tuple[str, ...]) -> None:
    """In a fresh interpreter: what is loaded, not what seems to be imported."""
    assert loaded(*modules) & set(HEAVY) == set()


def test_help_waits_for_no_command() -> None:
    assert loaded("gateway.cli.main").isdisjoint({*COMMANDS, "fastapi", "sqlalchemy", "httpx"})


def loaded(*modules: str) -> set[str]:
    script = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert found.issuperset(modules)
    return found


@pytest.mark.parametrize("library", ["evals", "guardrails", "finetune"])
def test_the_libraries_stand_alone(library: str) -> None:
    names = {name.partition(".")[0] for source in sources(library) for name in imported(source, source.tree)}
    assert "gateway" not in names


def test_heavy_packages_have_owners() -> None:
    for package, owners in OWNERS.items():
        users = {
            source.module
            for source in sources(*PRODUCT)
            if any(name.partition(".")[0] == package for name in imported(source, source.tree))
        }
        assert users <= owners, package


def test_there_are_no_import_cycles() -> None:
    """Of what is imported at import time; `TopologicalSorter` raises the cycle it finds."""
    known = {source.module for source in sources(*PRODUCT)}
    graph = {source.module: known.intersection(at_import(source)) - {source.module} for source in sources(*PRODUCT)}
    assert len(tuple(TopologicalSorter(graph).static_order())) == len(known)


def test_the_environment_is_read_in_one_place() -> None:
    def touches(node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return node.attr in ("environ", "environb", "getenv", "getenvb")
        return isinstance(node, ast.ImportFrom) and node.module == "os"

    readers = {source.module for source in sources(*PRODUCT) if any(map(touches, ast.walk(source.tree)))}
    assert readers == READS_ENVIRONMENT


def test_no_module_holds_state() -> None:
    """Names bound at import are never bound anew: nothing is hidden behind `global`."""
    users = [s.module for s in sources(*PRODUCT) if any(isinstance(node, ast.Global) for node in ast.walk(s.tree))]
    assert users == []


def test_no_error_is_swallowed_blindly() -> None:
    """What catches everything is a loop that must live on, and says so in its log or to whoever waits."""

    def blind(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        return node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))

    def swallows(node: ast.ExceptHandler) -> bool:
        return all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)

    found = [(s.module, n) for s in sources(*PRODUCT) for n in ast.walk(s.tree) if blind(n)]
    assert [module for module, node in found if isinstance(node, ast.ExceptHandler) and swallows(node)] == []
