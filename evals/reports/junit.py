"""JUnit's XML, as CI servers read it: a test case for each requirement of the gate; without a gate, for the run."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from evals.reports.report import Report
from evals.sample import Json

CONTROL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML holds."""


def junit(report: Report) -> str:
    """What fails is a failure; what is underpowered or invalid, and a run that is not whole, an error: nothing is
    shown."""
    header = report.candidate
    suite = ElementTree.Element("testsuite", name=_clean(header.suite))
    cases = report.gate["requires"] if report.gate is not None else []
    for one in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=_clean(header.suite), name=_clean(_asked(one)))
        decision = one["verdict"]
        verdict = decision["verdict"] if decision is not None else "underpowered"
        reasons = decision["reasons"] if decision is not None else ["there is no evidence for it"]
        if verdict != "pass":
            kind = "failure" if verdict == "fail" else "error"
            said = ElementTree.SubElement(case, kind, type=verdict, message=_clean(reasons[0]))
            said.text = _clean("\n".join(reasons))
    if not cases:
        case = ElementTree.SubElement(suite, "testcase", classname=_clean(header.suite), name="run")
        if header.state not in ("complete", "enough") or header.failed:
            message = f"{header.state}, {header.failed} of {header.asked} failed"
            ElementTree.SubElement(case, "error", type="infrastructure", message=message)
    suite.set("tests", str(max(1, len(cases))))
    suite.set("failures", str(len(suite.findall("./testcase/failure"))))
    suite.set("errors", str(len(suite.findall("./testcase/error"))))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _asked(one: Json) -> str:
    """The metric and what is asked of it: no two of a gate are the same."""
    asked = one["requirement"]
    names = ("margin", "at_least", "at_most", "quantile")
    told = [f"{name} {asked[name]:g}" for name in names if asked.get(name) is not None]
    return ", ".join([asked["metric"], *told, *(["superiority"] if asked.get("superiority") else [])])


def _clean(text: str) -> str:
    return CONTROL.sub("�", text)
