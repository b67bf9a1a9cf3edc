"""`sluice prompts import` and `export`, as somebody who comes from another registry, or leaves for one, types them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml

from gateway.prompts.formats.known import FORMATS
from tests.cli.conftest import Sluice
from tests.running import Gateway

SUFFIXES = {"dotprompt": "prompt", "yaml": "yaml"}
FOLDERS = (f"exchange-{number}" for number in itertools.count())


@pytest.fixture
def folder(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where nobody has written a prompt yet, in a gateway that is asked with the administrator's key."""
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    return next(FOLDERS)


def langfuse(name: str, prompt: Any, **others: Any) -> dict[str, Any]:
    return {"name": name, "type": "text" if isinstance(prompt, str) else "chat", "prompt": prompt, **others}


def write(file: Path, content: Any) -> str:
    file.write_bytes(orjson.dumps(content))
    return str(file)


def test_a_prompt_is_imported_and_what_is_lost_is_told(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    config = {"model": "gpt-4.1", "temperature": 0.5}
    prompt = langfuse(
        f"{folder}/Critic", "Judge {{film}}.", config=config, labels=["production"], commitMessage="From L."
    )
    done = sluice("prompts", "import", write(tmp_path / "critic.json", prompt))
    assert done.code == 0
    assert f"saved {folder}/critic@1" in done.out
    assert "labels it had there, and has not here: production" in done.out
    assert "critic, lost: config.model is left out" in done.err
    shown = orjson.loads(sluice("prompts", "show", f"{folder}/critic@1", "--json").out)
    assert shown["messages"] == [{"role": "user", "content": "Judge {{ film }}."}]
    assert (shown["parameters"], shown["message"]) == ({"temperature": 0.5}, "From L.")
    assert orjson.loads(sluice("prompts", "labels", f"{folder}/critic", "--json").out)["data"] == []


def test_the_same_again_makes_no_version(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", langfuse("any", "Hello."))
    sluice("prompts", "import", file, "--name", f"{folder}/a")
    done = sluice("prompts", "import", file, "--name", f"{folder}/a", "--json")
    (told,) = orjson.loads(done.out)["data"]
    assert (told["name"], told["version"], told["new"]) == (f"{folder}/a", 1, False)


def test_an_id_from_elsewhere_names_it_too(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    prompt = {
        "prompt": {"id": f"pmpt_{folder}", "version": "2"},
        "input": [{"role": "user", "content": "In {{city}}?"}],
    }
    done = sluice("prompts", "import", write(tmp_path / "weather.json", prompt), "--name", f"{folder}/weather")
    assert f"pmpt_{folder} names it too" in done.out
    assert orjson.loads(sluice("prompts", "show", f"pmpt_{folder}", "--json").out)["name"] == f"{folder}/weather"


def test_what_is_included_is_saved_before_what_includes_it(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    refers = f"@@@langfusePrompt:name={folder}/style|label=production@@@ Greet {{{{name}}}}."
    prompts = [langfuse(f"{folder}/greeting", refers), langfuse(f"{folder}/style", "Be plain.")]
    done = sluice("prompts", "import", write(tmp_path / "all.json", prompts), "-m", "Moved.")
    assert done.code == 0
    assert [line.split()[1] for line in done.out.splitlines()] == [f"{folder}/style@1", f"{folder}/greeting@1"]
    rendered = sluice("prompts", "render", f"{folder}/greeting", "-v", "name=Ada").out
    assert rendered == "--- user\nBe plain. Greet Ada.\n"


def test_one_that_fails_keeps_none_of_the_others(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    missing = langfuse(f"{folder}/bad", "@@@langfusePrompt:name=ghost/none|version=1@@@")
    file = write(tmp_path / "all.json", [missing, langfuse(f"{folder}/good", "Hello.")])
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("messages: [{role: user, content: '{% if %}'}]")
    broken = tmp_path / "broken.json"
    broken.write_text('{"name": "a", "prompt": ')
    done = sluice("prompts", "import", file, str(broken), str(wrong), str(tmp_path / "ghost.json"))
    assert done.code == 1
    assert f"saved {folder}/good@1" in done.out
    assert f"all.json ({folder}/bad): " in done.err
    assert "broken.json: The file is not valid JSON" in done.err
    assert "wrong.yaml (wrong): prompts.wrong.messages[0].content, line 1" in done.err
    assert "ghost.json cannot be read" in done.err


def test_a_prompt_is_saved_even_where_its_id_cannot_be_kept(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    sluice("prompts", "import", write(tmp_path / "a.json", langfuse(f"pmpt_{folder}", "Hello.")))
    odd = {"id": f"pmpt_{folder}", "name": f"{folder}/b", "input": "Hello."}
    done = sluice("prompts", "import", write(tmp_path / "b.json", odd))
    assert (done.code, done.out) == (1, f"saved {folder}/b@1\n")
    assert "There is a prompt" in done.err


def test_without_a_gateway_each_says_so(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", langfuse("a", "Hello."))
    done = sluice("prompts", "import", file, "--url", "http://127.0.0.1:9")
    assert (done.code, done.out, "`sluice serve`" in done.err) == (1, "", True)


def test_prompts_that_include_each_other_are_refused(sluice: Sluice, tmp_path: Path) -> None:
    def refers(to: str) -> str:
        return f"@@@langfusePrompt:name={to}|version=1@@@"

    file = write(tmp_path / "a.json", [langfuse("a", refers("b")), langfuse("b", refers("a"))])
    done = sluice("prompts", "import", file, "--dry-run")
    assert (done.code, "prompts include each other: " in done.err) == (1, True)


def test_a_dry_run_saves_nothing(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", langfuse(f"{folder}/a", "Hello.", tags=["x"]))
    done = sluice("prompts", "import", file, "--dry-run")
    assert (done.code, f"would save {folder}/a" in done.out, "tags is left out" in done.err) == (0, True, True)
    assert sluice("prompts", "show", f"{folder}/a").code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "word"), "'word' is no format"),
        (("--name", "Not This"), "a prompt can be called 'not-this'"),
        (("--name", "one"), "--name names one prompt"),
    ],
)
def test_what_is_typed_wrongly_is_told(sluice: Sluice, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    file = write(tmp_path / "a.json", [langfuse("a", "Hello."), langfuse("b", "Hello.")])
    done = sluice("prompts", "import", file, "--dry-run", *arguments)
    assert (done.code, said in done.err) == (1, True)


def test_standard_input_is_a_file(sluice: Sluice, folder: str) -> None:
    text = orjson.dumps({"prompt": "Hello.", "type": "text"}).decode()
    refused = sluice("prompts", "import", "-", stdin=text)
    assert (refused.code, "say --name" in refused.err) == (1, True)
    assert f"saved {folder}/a@1" in sluice("prompts", "import", "-", "--name", f"{folder}/a", stdin=text).out


@pytest.fixture
def refund(gateway: Gateway, folder: str) -> str:
    """The name of a prompt that includes another."""
    style = {"messages": [{"role": "system", "content": "Be {{ tone }}."}], "variables": {"tone": "string"}}
    content = f'{{% include "{folder}/style" %}} Help {{{{ name }}}}.'
    refund = {"messages": [{"role": "user", "content": content}], "variables": {"name": "string"}, "message": "Why."}
    for name, body in ((f"{folder}/style", style), (f"{folder}/refund", refund)):
        httpx.post(f"{gateway.url}/admin/prompts/{name}", json=body, headers=gateway.headers).raise_for_status()
    return f"{folder}/refund"


def test_what_it_includes_is_written_in_place(sluice: Sluice, refund: str) -> None:
    exported = orjson.loads(sluice("prompts", "export", refund, "--to", "langfuse").out)
    assert exported["prompt"] == [{"role": "user", "content": "Be {{tone}}. Help {{name}}."}]
    assert (exported["name"], exported["commitMessage"], exported["labels"]) == (refund, "Why.", [])


def test_it_is_written_to_a_file_and_read_again(sluice: Sluice, refund: str, tmp_path: Path) -> None:
    file = tmp_path / "refund.json"
    done = sluice("prompts", "export", f"{refund}@1", "--to", "openai", "-o", str(file), "--json")
    told = orjson.loads(done.out)
    assert (told["version"], told["losses"]) == (1, ["the message of the version is left out"])
    assert f"saved {refund}@2" in sluice("prompts", "import", str(file)).out
    rendered = sluice("prompts", "render", refund, "-v", "name=Ada", "-v", "tone=kind").out
    assert rendered == "--- user\nBe kind. Help Ada.\n"
    unwritable = sluice("prompts", "export", refund, "--to", "openai", "-o", str(tmp_path))
    assert (unwritable.code, "cannot be written" in unwritable.err) == (1, True)


def test_what_a_format_cannot_say_is_refused_by_its_place(sluice: Sluice, folder: str, tmp_path: Path) -> None:
    draft = {"messages": [{"role": "user", "content": "{% if a %}b{% endif %}"}], "variables": {"a": "boolean"}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(draft))
    sluice("prompts", "save", str(tmp_path / "a.yaml"), "--name", f"{folder}/a")
    done = sluice("prompts", "export", f"{folder}/a", "--to", "langfuse")
    assert (done.code, "messages[0].content: only texts" in done.err) == (1, True)


@pytest.mark.parametrize(("to", "file"), [(name, f"refund.{SUFFIXES.get(name, 'json')}") for name in FORMATS])
def test_every_format_takes_it_there_and_back(sluice: Sluice, refund: str, tmp_path: Path, to: str, file: str) -> None:
    sluice("prompts", "export", refund, "--to", to, "-o", str(tmp_path / file))
    (told,) = orjson.loads(sluice("prompts", "import", str(tmp_path / file), "--json").out)["data"]
    assert (told["name"], told["losses"], told["new"]) == (refund, [], to != "yaml")
    rendered = sluice("prompts", "render", refund, "-v", "name=Ada", "-v", "tone=kind").out
    assert rendered == "--- user\nBe kind. Help Ada.\n"
