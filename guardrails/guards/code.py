"""Code, SQL and shell commands where there should be none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from guardrails.guard import Guard, Models, labelled
from guardrails.linear import Pattern
from guardrails.passage import LONG, STAGES, Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

Kind = Literal["code", "markup", "shell", "sql"]
STRUCTURES: Mapping[Kind, tuple[str, ...]] = {
    "sql": (
        r"\bSELECT\s+(?:DISTINCT\s+)?(?:\*|[\w.\"\x60\[\]]+\s*(?:,|\()[^;]{1,400}?|\w+\s*\([^()]*\)[^;]{0,80}?)\s+FROM\s+[\w.\"\x60\[(]+",
        r"\bSELECT\s+(?:DISTINCT\s+)?[\w.\"\x60\[\]]+\s+FROM\s+[\w.\"\x60\[\]]+\s*(?:;|--|$|\bWHERE\b|\bORDER\s+BY\b|\bLIMIT\s+\d|\bJOIN\b)",
        r"\bINSERT\s+INTO\s+[\w.\"\x60\[]+[^;]{0,400}?\b(?:VALUES|SELECT)\b",
        r"\bUPDATE\s+[\w.\"\x60\[\]]+\s+SET\s+[\w.\"\x60\[\]]+\s*=",
        r"\bDELETE\s+FROM\s+[\w.\"\x60\[]+\s*(?:WHERE\b|;|$)",
        r"\b(?:DROP|ALTER|TRUNCATE)\s+(?:TABLE|DATABASE|SCHEMA)\s+\w+\s*(?:;|--|$|ADD|DROP|IF|CASCADE)",
        r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:TABLE|VIEW|INDEX|DATABASE|TRIGGER)\s+[\w.\"\x60\[\]]+\s*(?:\(|AS\b|ON\b)",
        r"\bUNION\s+(?:ALL\s+)?SELECT\b",
        r"['\"]\s*(?:OR|AND)\s+['\"]?\w+['\"]?\s*=\s*['\"]?\w+",
        r";\s*(?:DROP|DELETE|SHUTDOWN|EXEC)\b",
        r"\b(?:xp_cmdshell|pg_sleep|WAITFOR\s+DELAY|information_schema\.|LOAD_FILE\(|INTO\s+OUTFILE)",
    ),
    "shell": (
        r"^\s*(?:\$|PS [^\n>]{0,60}>|\w+@[\w.-]+:[^\n$#]{0,60}[$#])\s+(?:sudo\s+)?[a-z][\w.-]*(?:\s|$)",
        r"\b(?:sudo|doas)\s+(?:-\w+\s+)?[a-z][\w.-]+\s",
        r"\brm\s+-[a-zA-Z]*[rf][a-zA-Z]*\s",
        r"\bchmod\s+(?:[0-7]{3,4}|[ugoa]*[+-=]\w+)\s",
        r"\b(?:curl|wget)\s+(?:-[\w-]+\s+)*[\"']?https?://",
        r"\|\s*(?:ba|z|da)?sh\b",
        r"\|\s*(?:grep|awk|sed|xargs|base64|tee|sort|nc)\s",
        r"\$\((?:[a-z][\w-]*)[\s)]",
        r"\b(?:bash|sh|zsh|cmd|cmd\.exe)\s+[-/]c\s",
        r"/dev/(?:tcp|null|sda)\b",
        r"\bnc\s+-\w*[el]",
        r"\b(?:apt(?:-get)?|yum|dnf|brew|pip3?|npm|docker|kubectl|git|systemctl)\s+(?:install|run|exec|apply|delete|clone|push|start|stop)\s+[\w./-]",
        r"(?i:powershell(?:\.exe)?\s+-|Invoke-(?:Expression|WebRequest|Command)|\bIEX\s*\(|-EncodedCommand\b|\bnet\s+user\s+\w+)",
    ),
    "markup": (
        r"<script\b",
        r"<iframe\b",
        r"<object\b",
        r"<embed\b",
        r"<svg\b[^>]{0,200}\bon\w+\s*=",
        r"<\w+[^<>]{0,200}\son(?:error|load|click|mouseover|focus)\s*=",
        r"<!DOCTYPE\s+html",
        r"<html\b",
        r"<\?php\b",
        r"<%[=@]",
        r"\{\{[^{}\n]{1,80}(?:__|\|)[^{}\n]{0,80}\}\}",
        r"\{%\s*\w+",
    ),
    "code": (
        r"^\s*(?:async\s+)?def\s+\w+\s*\([^\n]*\)\s*(?:->[^\n]{1,60})?:",
        r"^\s*class\s+\w+\s*(?:\([^\n]*\))?\s*[:{]\s*$",
        r"^\s*(?:from\s+[\w.]+\s+import\s+[\w*(]|import\s+[\w.]+(?:\s+as\s+\w+)?\s*(?:;|$)|import\s+[{*\w][^\n]{0,80}\sfrom\s+[\"'])",
        r"^\s*#include\s*[<\"]",
        r"\bfunction\s*\w*\s*\([^()\n]*\)\s*\{",
        r"\([^()\n]{0,80}\)\s*=>\s*[{(\w]",
        r"^\s*(?:const|let|var)\s+\w+\s*=",
        r"^\s*(?:public|private|protected|static)\s+[\w<>\[\], ]+\s+\w+\s*\(",
        r"^\s*(?:for|while|if|elif|else if)\b[^\n]{0,120}[:{]\s*$",
        r"^\s*func\s+\w+\([^\n]*\{\s*$",
        r"^\s*fn\s+\w+[^\n]*\{\s*$",
        r"^\s*return\s+[^\n]{0,120}[;)\]}]\s*$",
        r"\b(?:eval|exec|os\.system|subprocess\.(?:run|call|Popen)|__import__|child_process|Runtime\.getRuntime\(\)\.exec|system|popen)\(",
    ),
}
STATEMENTS: Mapping[Kind, Pattern] = {
    kind: Pattern("(?m)" + "|".join(alternatives), ignore_case=kind in ("markup", "sql"))
    for kind, alternatives in STRUCTURES.items()
}
FENCE = Pattern(r"(?m)^[ \t]*(?:\x60{3,}|~{3,})[ \t]*([A-Za-z0-9+#.-]*)[^\n]*$")
FENCED: Mapping[str, Kind] = {
    **dict.fromkeys(("bash", "sh", "shell", "zsh", "console", "powershell", "ps1", "bat", "cmd"), "shell"),
    **dict.fromkeys(("sql", "mysql", "postgresql", "plsql", "tsql", "sqlite"), "sql"),
    **dict.fromkeys(("html", "xml", "svg", "jinja", "php", "vue"), "markup"),
}
PROSE = frozenset(("", "text", "txt", "markdown", "md", "plain", "json", "yaml", "csv", "diff", "log", "toml"))
LINE = Pattern(r"(?m)^[^\n]*(?:[;{}]|\)|\]|=>|\bdo|\bthen)[ \t]*$")
"""How lines of code end; of prose few do."""
ONE, SEVERAL = 0.6, 0.9
"""How sure one statement makes us, and how sure two, or one in fences."""


class Code(Guard):
    """Found are statements, by their structure: what only a language of machines puts together so. A word that such a
    language has too is none. The text as it stands is looked at, and what is encoded or hidden in it. `kinds` are what
    does not belong."""

    about: ClassVar[str] = "Code, SQL, shell commands and active markup, by their structure"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    guard: Literal["code"] = "code"
    kinds: tuple[Kind, ...] = Field(
        ("code", "markup", "shell", "sql"), min_length=1, description="What does not belong: code, markup, shell, sql."
    )

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if len(passage.text) > LONG:
            return await asyncio.to_thread(self._judged, passage)
        return self._judged(passage)

    def _judged(self, passage: Passage) -> Finding:
        found: dict[tuple[int, int, str], float] = {}
        for view in passage.views:
            for span in _found(view.text):
                if span.label in self.kinds:
                    place = (view.start, view.end) if view.how else (span.start, span.end)
                    key = (*place, span.label)
                    found[key] = max(found.get(key, 0.0), span.score)
        spans = [Span(start, end, label, score) for (start, end, label), score in sorted(found.items())]
        scores: dict[str, float] = {}
        for span in spans:
            again = SEVERAL if span.label in scores else span.score
            scores[span.label] = max(scores.get(span.label, 0.0), again)
        named = ", ".join(dict.fromkeys(span.label for span in spans))
        return Finding(max(scores.values(), default=0.0), tuple(spans), named, labelled(scores))


def _found(text: str) -> Iterator[Span]:
    yield from _fenced(text)
    for kind, pattern in STATEMENTS.items():
        for match in pattern.finditer(text):
            if match.end() > match.start():
                yield Span(match.start(), match.end(), kind, ONE)


def _fenced(text: str) -> Iterator[Span]:
    """Fences that say they hold code, and those that say nothing and do."""
    opened = None
    for fence in FENCE.finditer(text) if "\x60\x60\x60" in text or "~~~" in text else ():
        if opened is None:
            opened = fence
            continue
        name = (opened.group(1) or "").lower()
        start, end = opened.start(), fence.end()
        if name not in PROSE:
            yield Span(start, end, FENCED.get(name, "code"), SEVERAL)
        elif name == "" and sum(1 for _ in LINE.finditer(text[opened.end() : fence.start()])) >= 2:
            yield Span(start, end, "code", ONE)
        opened = None
