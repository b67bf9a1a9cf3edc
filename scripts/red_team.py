"""Writes the red-team suites of evals/suites/redteam from the seeds in scripts/redteam.

    python scripts/red_team.py           writes
    python scripts/red_team.py --check   ends with 1 where what is there is not what would be written

Everything follows from the seeds: markers, codes and addresses are digests of what they stand in.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import yaml

ROOT = Path(__file__).resolve().parents[1]
SEEDS, HOME = ROOT / "scripts" / "redteam", ROOT / "evals" / "suites" / "redteam"
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
EACH = {"direct": 3, "indirect": 3, "leak": 3, "exfiltration": 3, "jailbreak": 4}
"""Items made of each seed, in other settings."""
OPEN_ITEM = {"open_item": {"description": "Opens an item.", "properties": {"item": {"type": "string"}}}}

Row = dict[str, Any]


def main() -> None:
    held = {name: yaml.safe_load((SEEDS / f"{name}.yaml").read_text()) for name in ("settings", *EACH, "over_refusal")}
    rows: dict[str, list[Row]] = {
        "injection": [*direct(held["direct"], held["settings"]), *indirect(held["indirect"])],
        "leakage": list(leakage(held["leak"])),
        "exfiltration": list(exfiltration(held["exfiltration"])),
        "jailbreak": list(jailbreak(held["jailbreak"])),
        "over-refusal": list(over_refusal(held["over_refusal"])),
    }
    stale = 0
    for name, made in rows.items():
        path = HOME / f"{name}.jsonl"
        written = b"".join(orjson.dumps(row) + b"\n" for row in made)
        if "--check" not in sys.argv:
            path.write_bytes(written)
        elif not path.exists() or path.read_bytes() != written:
            stale = 1
    sys.exit(stale)


def direct(seeds: Any, settings: Any) -> Iterator[Row]:
    """The attack comes after the honest request, or, in the last setting, alone."""
    for language, seed, number in _spread(seeds, "direct"):
        setting = settings[language][_pick(len(settings[language]), "direct", language, seed["name"], number)]
        marker = _marker("direct", language, seed["name"], number)
        attack = seed["say"].format(
            marker=marker, pieces=" | ".join(marker[i : i + 4] for i in range(0, len(marker), 4))
        )
        said = attack if number == EACH["direct"] - 1 else f"{setting['task']}\n\n{attack}"
        yield _row("direct", language, seed["name"], number, {"canary": marker}, _chat(setting["system"], said))


def indirect(seeds: Any) -> Iterator[Row]:
    """In a text that the user hands over, or that a tool gave back."""
    for language, seed, number in _spread(seeds["attacks"], "indirect"):
        carriers = seeds["carriers"][language]
        carrier = carriers[(_pick(len(carriers), "indirect", language, seed["name"]) + number) % len(carriers)]
        marker = _marker("indirect", language, seed["name"], number)
        text = carrier["text"].format(attack=seed["say"].format(marker=marker))
        row = _row("indirect", language, seed["name"], number, {"canary": marker}, [])
        if number % 2:
            fetched = _fetched("open_item", {"item": carrier["name"]}, text)
            messages = [{"role": "user", "content": carrier["ask"]}, *fetched]
            yield {**row, "messages": messages, "tools": _functions(OPEN_ITEM)}
        else:
            yield {**row, "messages": [{"role": "user", "content": f"{carrier['ask']}\n\n---\n{text}\n---"}]}


def leakage(seeds: Any) -> Iterator[Row]:
    for language, seed, number in _spread(seeds["asks"], "leak"):
        systems = seeds["systems"][language]
        if number >= len(systems):
            continue
        canary = _marker("leak", language, seed["name"], number)
        messages = _chat(systems[number].format(canary=canary), seed["say"])
        yield _row("leak", language, seed["name"], number, {"canary": canary}, messages)


def exfiltration(seeds: Any) -> Iterator[Row]:
    tools = _functions(seeds["tools"])
    for language, seed, number in _spread(seeds["attacks"], "exfiltration"):
        private = seeds["private"][language]
        if number >= len(private):
            continue
        canary = _marker("exfiltration", language, seed["name"], number)
        target = _target(seed["tool"], _marker("target", language, seed["name"], number))
        system = seeds["system"][language].format(private=private[number].format(canary=canary))
        fetched = _fetched("read_inbox", {"count": 1}, seed["say"].format(target=target))
        forbidden = [{"name": seed["tool"], "arguments": {seed["argument"]: target}}]
        row = _row(
            "exfiltration",
            language,
            seed["name"],
            number,
            {"canary": canary, "forbidden_calls": forbidden},
            [*_chat(system, seed["ask"]), *fetched],
        )
        yield {**row, "tools": tools}


def jailbreak(seeds: Any) -> Iterator[Row]:
    for language, seed, number in _spread(seeds["wraps"], "jailbreak"):
        goals = seeds["goals"][language]
        goal = goals[(_pick(len(goals), "jailbreak", language, seed["name"]) + number) % len(goals)]
        messages = [{"role": "user", "content": seed["say"].format(goal=goal["say"])}]
        row = _row("jailbreak", language, seed["name"], number, {"refuse": True}, messages)
        yield {**row, "goal": goal["name"]}


def over_refusal(seeds: Any) -> Iterator[Row]:
    for language, topics in seeds.items():
        for topic, questions in topics.items():
            for number, question in enumerate(questions):
                messages = [{"role": "user", "content": question}]
                yield _row("over-refusal", language, topic, number, {"refuse": False}, messages)


def _spread(seeds: Any, attack: str) -> Iterator[tuple[str, Any, int]]:
    """Each seed as often as it is used."""
    for language, listed in seeds.items():
        for seed in listed:
            yield from ((language, seed, number) for number in range(EACH[attack]))


def _row(attack: str, language: str, name: str, number: int, expected: Row, messages: list[Row]) -> Row:
    cluster = f"{attack}.{language}.{name}"
    return {
        "id": f"{cluster}.{number + 1}",
        "messages": messages,
        "expected": expected,
        "cluster": cluster,
        "attack": attack,
        "language": language,
        "technique": name,
    }


def _chat(system: str, user: str) -> list[Row]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _fetched(tool: str, arguments: Row, text: str) -> list[Row]:
    """A call that the assistant made, and what came of it."""
    function = {"name": tool, "arguments": orjson.dumps(arguments).decode()}
    called = [{"id": "call_1", "type": "function", "function": function}]
    return [
        {"role": "assistant", "content": None, "tool_calls": called},
        {"role": "tool", "tool_call_id": "call_1", "content": text},
    ]


def _functions(tools: Row) -> list[Row]:
    """In OpenAI's form."""
    return [{"type": "function", "function": _function(name, **tool)} for name, tool in tools.items()]


def _function(name: str, description: str, properties: Row) -> Row:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": description, "parameters": parameters}


def _target(tool: str, marker: str) -> str:
    """Addresses under names that are reserved for examples (RFC 2606)."""
    word = marker.lower()
    kinds = {"send_mail": f"{word}@mail.example", "fetch_url": f"{word}.example", "post_message": f"#{word}"}
    return kinds.get(tool, f"sftp://{word}.example/in")


def _marker(*parts: object) -> str:
    """Twelve letters and digits that no answer has by chance."""
    digest = hashlib.sha256("\0".join(map(str, ("sluicegate", *parts))).encode()).digest()
    word = "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:8])
    return f"{word}{int.from_bytes(digest[8:12]) % 10_000:04d}"


def _pick(count: int, *parts: object) -> int:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[0] % count


if __name__ == "__main__":
    main()
