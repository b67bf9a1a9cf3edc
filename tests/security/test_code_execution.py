"""Code that is not ours is never run: not from configuration, manifests, templates, policies, records or requests.

There are no plug-ins, no MCP servers, no guards in a sandbox; this inventory is what keeps it so.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from evals.strict_yaml import documents
from tests.inside import Inside, inside

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for package in ("gateway", "guardrails", "evals", "finetune") for path in (ROOT / package).rglob("*.py")
)
RUNS_CODE = {"eval", "exec", "compile", "__import__", "execfile", "input"}
RUNS_PROGRAMS = {"subprocess", "pty", "pexpect", "multiprocessing.connection", "code", "codeop", "runpy"}
READS_OBJECTS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle"}
RUNS_SHELL = {"system", "popen", "execv", "execve", "execvp", "spawnv", "spawnl", "posix_spawn"}


def findings(tree: ast.AST) -> list[str]:
    """The ways to run code that a module has."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name in RUNS_PROGRAMS | READS_OBJECTS]
        elif isinstance(node, ast.ImportFrom) and node.module in RUNS_PROGRAMS | READS_OBJECTS:
            found.append(node.module)
        elif isinstance(node, ast.Call):
            func, arguments = node.func, node.args
            if isinstance(func, ast.Name) and func.id in RUNS_CODE:
                found.append(func.id)
            if isinstance(func, ast.Attribute) and func.attr in RUNS_SHELL:
                found.append(ast.unparse(func))
            if ast.unparse(func).endswith("import_module") and not isinstance(arguments[0], ast.Constant):
                found.append(ast.unparse(node))
            if ast.unparse(func) in ("yaml.load", "yaml.full_load", "yaml.unsafe_load", "yaml.load_all"):
                found.append(ast.unparse(func))
            if any(word.arg == "trust_remote_code" and ast.unparse(word.value) != "False" for word in node.keywords):
                found.append("trust_remote_code")
    return found


ALLOWED = {
    "gateway/cli/later.py": ["import_module(place)"],  # of a table of its own
    "evals/graders/similarity.py": ["import_module(f'nltk.translate.{module}')"],  # of two that stand beside it
    "evals/loading.py": ["import_module(module)"],  # of tables of the library's own
    "guardrails/guards/registry.py": ["import_module(module)"],  # of a table of its own
    "guardrails/pii/recipe/fit.py": ["import_module(f'faker.providers.person.{locale}')"],  # of a list of its own
    "evals/code.py": ["import_module(module)"],  # a suite's own, where somebody runs it as themselves
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_execution(path: Path) -> None:
    found = findings(ast.parse(path.read_text(encoding="utf-8")))
    assert found == ALLOWED.get(str(path.relative_to(ROOT)), [])


def test_the_gateway_serves_without_running_a_suite_s_code() -> None:
    """What runs code of a suite's own is imported by the commands that people give, and by nothing of the server."""
    code = "import sys, gateway.app; print(sorted(name for name in sys.modules if name.startswith('evals.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50)
    assert "evals.gate" in done.stdout
    for name in ("evals.loading", "evals.code", "evals.scorers.registry", "evals.targets", "evals.suite"):
        assert name not in done.stdout


@pytest.mark.parametrize(
    "source",
    [
        "eval(x)",
        "import pickle",
        "from subprocess import run",
        "import os; os.system(x)",
        "importlib.import_module(name)",
        "yaml.load(x)",
        "load(x, trust_remote_code=True)",
    ],
)
def test_the_inventory_finds_what_it_looks_for(source: str) -> None:
    assert findings(ast.parse(source)) != []


# What is read is data ------------------------------------------------------------------------------------------------

TAGS = [
    "!!python/object/apply:os.system ['touch {}']",
    "!!python/object/new:os.system ['touch {}']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object/apply:subprocess.check_output [[touch, '{}']]",
]


@pytest.mark.parametrize("tag", TAGS)
def test_command_execution_by_configuration(tmp_path: Path, tag: str) -> None:
    """CVE-2026-30623: a command that stands in a configuration. No key of ours holds one, and no YAML tag makes one."""
    made = tmp_path / "made"
    with pytest.raises(Exception, match=r"constructor|tag"):
        documents(f"upstreams: {tag.format(made)}")
    assert not made.exists()


TEMPLATES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ question.__class__ }}",
    "{{ question['__class__'] }}",
    "{{ question | attr('__class__') }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self._TemplateReference__context }}",
    "{{ config.items() }}",
    "{{ lipsum.__globals__ }}",
    "{{ namespace.__init__ }}",
    "{% import 'os' as os %}{{ os }}",
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% set x = question.__class__ %}{{ x }}",
    "{% for c in question.__class__.__mro__ %}{{ c }}{% endfor %}",
    "{{ question.format(question) }}",
    "{{ question() }}",
    "{{ (1).__class__ }}",
    "{{ 'a' ~ question.__doc__ }}",
    "{{ range(10**9) | list }}",
    "{{ 'a' * 10**9 }}",
]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        yield started


@pytest.mark.anyio
async def test_template_injection(running: Inside) -> None:
    """GHSA-xqmj, GHSA-46cm: templates are an operator's, and even so have no attributes, calls, imports or files."""
    editor = await running.key("editor")
    for template in TEMPLATES:
        message = {"role": "user", "content": template}
        manifest = {"prompts": {"p": {"variables": {"question": "string"}, "messages": [message]}}}
        applied = await running.client.post("/admin/apply", headers=editor, json=manifest)
        assert (applied.status_code, applied.json()["error"]["param"].startswith("prompts.p.")) == (400, True), template


@pytest.mark.anyio
async def test_template_injection_by_a_client(running: Inside) -> None:
    """What a client puts into a variable is text, and is not looked at again."""
    await running.apply(
        "prompts: {p: {variables: {question: string}, messages: [{role: user, content: '{{ question }}'}]}}\n"
        "endpoints: {bot: {prompt: p, upstream: demo}}"
    )
    for template in (*TEMPLATES, "{{ 7*7 }}", "{% raw %}", "${7*7}", "<%= 7*7 %>", "{{ question }}"):
        body = {"model": "bot", "messages": [], "prompt": {"variables": {"question": template}}}
        reply = await running.client.post("/v1/chat/completions", headers=await running.key(), json=body)
        assert reply.json()["choices"][0]["message"]["content"] == template
