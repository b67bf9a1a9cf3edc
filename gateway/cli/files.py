"""Files that people give to commands."""

from __future__ import annotations

import sys
from pathlib import Path

from evals.strict_yaml import Malformed, documents
from gateway.errors import BadRequest
from gateway.types import Json


def mapping(file: Path, what: str) -> Json:
    """The one mapping in a YAML or JSON file; `-` is standard input. Raises `BadRequest` that names the file, and the
    line that is no YAML, or says `what` was wanted, as `a plan is one mapping, with canary`."""
    source = "standard input" if str(file) == "-" else str(file)
    try:
        found = documents(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRequest(f"{source} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{source} is not UTF-8 text.") from error
    except Malformed as error:
        raise BadRequest(f"{source} is not valid YAML: {error}") from error
    if len(found) != 1 or not isinstance(found[0], dict):
        raise BadRequest(f"{source}: {what}.")
    read: Json = found[0]
    return read
