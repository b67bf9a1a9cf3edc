"""Write gateway/prices.json from the price facts in an installed `litellm` (MIT). Run it to renew the shipped table.

python scripts/refresh_prices.py
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

PROVIDERS = {"openai", "anthropic", "gemini", "mistral", "groq", "cohere", "cohere_chat", "deepseek", "xai"}
MODES = {"chat", "completion", "embedding", "responses"}
SOURCE = "model_prices_and_context_window_backup.json"
MILLION = 1_000_000


def micro(per_token: float | None) -> int | None:
    """USD for a token to micro-USD for a million tokens."""
    return None if per_token is None else round(per_token * MILLION * MILLION)


def main() -> None:
    found = find_spec("litellm")
    if found is None or found.origin is None:
        raise SystemExit("litellm is not installed: pip install litellm")
    table = json.loads((Path(found.origin).parent / SOURCE).read_text(encoding="utf-8"))
    models: dict[str, object] = {}
    for name, row in sorted(table.items()):
        if row.get("litellm_provider") not in PROVIDERS or row.get("mode") not in MODES or name.startswith("ft:"):
            continue
        given = micro(row.get("input_cost_per_token"))
        if given is None:
            continue
        price = [given, micro(row.get("output_cost_per_token")) or 0, micro(row.get("cache_read_input_token_cost"))]
        entry: dict[str, object] = {"price": price}
        if row.get("deprecation_date"):
            entry["shutdown_date"] = row["deprecation_date"]
        models[name.rpartition("/")[2]] = entry
    today = datetime.now(UTC).date().isoformat()
    written = {"version": today, "source": f"litellm {version('litellm')}, {SOURCE}", "models": models}
    path = Path(__file__).parent.parent / "gateway" / "prices.json"
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in models.items()]
    head = {key: value for key, value in written.items() if key != "models"}
    body = ",\n".join(lines)
    path.write_text(json.dumps(head)[:-1] + ', "models": {\n' + body + "\n}}\n", encoding="utf-8")
    print(f"{len(models)} models -> {path}")  # noqa: T201


if __name__ == "__main__":
    main()
