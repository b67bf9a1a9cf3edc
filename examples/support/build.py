"""Makes this example: the items from Banking77's questions, and a gateway whose models are as good as we say.

    python examples/support/build.py PARQUET    the items anew, from a file with the columns `text` and `source`
    python examples/support/build.py            all else, from items.jsonl
    python examples/support/build.py --check    ends with 1 where a file is not what would be written

Everything is decided by digests of a seed and an item's id: the same files come out anywhere.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

HERE = Path(__file__).parent
SEED = "support 1"
MOST, LEAST = 6, 4
"""Items of a sub-topic: what has fewer is no cluster worth having."""
WORDS = (3, 40)
SHORT = 9
"""Words of a question that is called short: half of them are."""
SMOKE = 30
RIGHT = 0.80
"""Of the baseline's answers."""
HIDDEN = ("disputes", "transfers")
"""Where the worse model loses."""
EXAMPLES = 12
"""Items that the contaminated prompt has word for word: such that the baseline gets wrong."""


@dataclass(frozen=True)
class Change:
    """Shares of all items whose answers become right, and become wrong; the latter in some topics alone."""

    gained: float
    lost: float
    lost_in: tuple[str, ...] = ()


CHANGES: Mapping[str, Change] = {
    "better": Change(0.09, 0.03),
    "worse": Change(0.035, 0.075, HIDDEN),
}

Row = dict[str, Any]


class Readable(yaml.SafeDumper):
    """Texts of several lines as such, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Readable.add_representer(str, _text)


def written(value: Any) -> str:
    return yaml.dump(value, Dumper=Readable, sort_keys=False, allow_unicode=True, width=1_000_000)


def main(arguments: list[str]) -> int:
    policy = read_policy((HERE / "policy.md").read_text(encoding="utf-8"))
    if arguments and arguments[0] != "--check":
        rows = items(questions(Path(arguments[0])), policy)
        (HERE / "items.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    rows = [orjson.loads(line) for line in (HERE / "items.jsonl").read_bytes().splitlines()]
    right = outcomes(rows)
    smoke = sorted(_shuffled(rows, "smoke")[:SMOKE], key=lambda row: str(row["id"]))
    made = {
        "smoke.jsonl": b"".join(orjson.dumps(row) + b"\n" for row in smoke),
        "sluicegate.yaml": gateway(rows, policy, right).encode(),
        "manifest.yaml": manifest(rows, policy, right).encode(),
    }
    if "--check" in arguments:
        return int(any(not (HERE / name).exists() or (HERE / name).read_bytes() != text for name, text in made.items()))
    for name, text in made.items():
        (HERE / name).write_bytes(text)
    return 0


def read_policy(text: str) -> dict[str, tuple[str, str]]:
    """By topic.sub-topic: what is said of it, and the fact in it, which stands in bold."""
    found: dict[str, tuple[str, str]] = {}
    topic = ""
    for line in text.splitlines():
        topic = line[3:] if line.startswith("## ") else topic
        if (point := re.fullmatch(r"- (\w+): (.*\*\*(.+)\*\*.*)", line)) is not None:
            found[f"{topic}.{point[1]}"] = (point[2].replace("**", ""), point[3])
    return found


def questions(parquet: Path) -> list[str]:
    import pyarrow.parquet as pq

    table = pq.read_table(parquet, columns=["text", "source"]).to_pylist()
    out = set((HERE / "left_out.txt").read_text(encoding="utf-8").splitlines())
    texts = {" ".join(row["text"].split()) for row in table if row["source"] == "banking77"}
    left_out = {" ".join(text.split()) for text in out}
    return sorted(text for text in texts - left_out if WORDS[0] <= len(text.split()) <= WORDS[1])


def items(texts: Iterable[str], policy: Mapping[str, tuple[str, str]]) -> list[Row]:
    """Those that exactly one rule of labels.yaml fits, the first few of each sub-topic by digest."""
    rules = {
        f"{topic}.{name}": (
            re.compile(rule["when"], re.IGNORECASE),
            re.compile(rule.get("unless", r"(?!)"), re.IGNORECASE),
        )
        for topic, names in yaml.safe_load((HERE / "labels.yaml").read_text(encoding="utf-8")).items()
        for name, rule in names.items()
    }
    found: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        fits = [name for name, (when, unless) in rules.items() if when.search(text) and not unless.search(text)]
        if len(fits) == 1:
            found[fits[0]].append(text)
    rows: list[Row] = []
    for name in rules:
        chosen = sorted(found[name], key=lambda text: _digest("choose", text))[:MOST]
        if len(chosen) < LEAST:
            continue
        topic = name.partition(".")[0]
        rows += [
            {
                "id": f"{name}.{number}",
                "variables": {"question": text},
                "expected": {"topic": topic, "fact": policy[name][1]},
                "cluster": name,
                "topic": topic,
                "wording": "short" if len(text.split()) <= SHORT else "long",
            }
            for number, text in enumerate(chosen, 1)
        ]
    return rows


def outcomes(rows: list[Row]) -> dict[str, set[str]]:
    """By model, the ids of the items that it answers right: exactly so many as the shares say."""
    ids = {row["id"] for row in rows}
    baseline = {row["id"] for row in _shuffled(rows, "baseline")[: round(RIGHT * len(rows))]}
    found = {"baseline": baseline}
    for name, change in CHANGES.items():
        order = _shuffled(rows, name)
        wrong = [row["id"] for row in order if row["id"] in ids - baseline and row["topic"] not in change.lost_in]
        right = [row for row in order if row["id"] in baseline]
        losing = [row["id"] for row in right if not change.lost_in or row["topic"] in change.lost_in]
        gained, lost = round(change.gained * len(rows)), round(change.lost * len(rows))
        found[name] = (baseline | set(wrong[:gained])) - set(losing[:lost])
    found["memorised"] = baseline | {row["id"] for row in examples(rows, baseline)}
    return found


def examples(rows: list[Row], baseline: set[str]) -> list[Row]:
    return [row for row in _shuffled(rows, "examples") if row["id"] not in baseline][:EXAMPLES]


def gateway(rows: list[Row], policy: Mapping[str, tuple[str, str]], right: Mapping[str, set[str]]) -> str:
    """The configuration: a scripted upstream for each model, with a rule for each answer."""
    upstreams = {
        name: {"provider": "scripted", "model": name, "rules": rules(rows, policy, found)}
        for name, found in right.items()
    }
    head = "# Written by build.py. Models that are as good as README.md says: sluice serve takes this file.\n"
    return head + written({"upstreams": upstreams})


def rules(rows: list[Row], policy: Mapping[str, tuple[str, str]], right: set[str]) -> list[Row]:
    """A wrong answer is that of the next sub-topic, under its own topic or, where that is another one, under that."""
    names = list(dict.fromkeys(row["cluster"] for row in rows))
    answers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        name = row["cluster"]
        said = name if row["id"] in right else names[(names.index(name) + 1) % len(names)]
        answers[said, said.partition(".")[0]].append(row["variables"]["question"])
    return [
        {
            "when": f"^Question: (?:{'|'.join(map(re.escape, asked))})$",
            "say": f"{policy[said][0]}\nTopic: {topic}",
        }
        for (said, topic), asked in answers.items()
    ] + [{"when": "", "say": "Please ask that in the app.\nTopic: none"}]


def manifest(rows: list[Row], policy: Mapping[str, tuple[str, str]], right: Mapping[str, set[str]]) -> str:
    """The prompt, the endpoint on the baseline, and beside it a prompt that has seen the suite."""
    told = "\n".join(f"- {name}: {text}" for name, (text, _) in policy.items())
    topics = ", ".join(dict.fromkeys(row["topic"] for row in rows))
    system = f"You answer customers of Harbour Bank in a sentence or two, by its policy alone:\n{told}\nEnd with a line"
    system = f"{system} 'Topic: …', one of {topics}."
    known = examples(rows, right["baseline"])
    shown = "\n".join(f"Customer: {row['variables']['question']}\nYou: {policy[row['cluster']][0]}" for row in known)
    question = {"type": "string", "description": "What the customer asks."}

    def prompt(text: str) -> Row:
        user = {"role": "user", "content": "Question: {{ question }}"}
        return {"variables": {"question": question}, "messages": [{"role": "system", "content": text}, user]}

    held = {
        "prompts": {
            "support": prompt(system),
            "support-with-examples": prompt(f"{system}\n\nExamples:\n{shown}\n{paraphrases()}"),
        },
        "endpoints": {"support": {"prompt": "support", "upstream": "baseline"}},
    }
    head = "# Written by build.py. Bring it into force with: sluice apply -f manifest.yaml\n"
    return head + written(held)


def paraphrases() -> str:
    """Items of the suite in other words."""
    return (HERE / "paraphrases.txt").read_text(encoding="utf-8").strip()


def _shuffled(rows: list[Row], purpose: str) -> list[Row]:
    return sorted(rows, key=lambda row: _digest(purpose, row["id"]))


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join((SEED, *parts)).encode()).digest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
