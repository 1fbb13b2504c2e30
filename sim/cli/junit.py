"""Results as JUnit XML, which continuous-integration servers read.

One test suite for each scenario, one test case for each expectation, and one for the run itself.
"""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from sim.cli.jobs import Job
from sim.report.result import RunResult


def junit_xml(ended: Sequence[tuple[Job, RunResult]]) -> bytes:
    """Return the document for the runs that have ended."""
    root = ET.Element("testsuites", name="orrery")
    for job, result in ended:
        _add_suite(root, job, result)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_suite(root: ET.Element, job: Job, result: RunResult) -> None:
    failures = [e for e in result.expectations if not e.passed]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_clean(result.scenario),
        tests=str(len(result.expectations) + 1),
        failures=str(len(failures) + (not _whole(result))),
        time=f"{result.wall_seconds:.3f}",
        file=_clean(job.file),
    )
    run = _add_case(suite, result, "run")
    if result.violation is not None:
        breach = result.violation
        where = f"{breach.checker} at {breach.at_ns} ns, node {breach.node}"
        _add_failure(run, f"{where}: {breach.detail}", result)
    elif result.partial:
        _add_failure(run, f"interrupted after {result.virtual_seconds:g} s", result)
    for expectation in result.expectations:
        case = _add_case(suite, result, expectation.name)
        if not expectation.passed:
            _add_failure(case, expectation.detail, result)


def _whole(result: RunResult) -> bool:
    return result.violation is None and not result.partial


def _add_case(suite: ET.Element, result: RunResult, name: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", classname=_clean(result.scenario), name=_clean(name), time="0"
    )


def _add_failure(case: ET.Element, message: str, result: RunResult) -> None:
    failure = ET.SubElement(case, "failure", message=_clean(message))
    failure.text = _clean(f"{message}\nreplay: {result.replay}")


def _clean(text: str) -> str:
    """Replace the control characters that XML cannot hold."""
    return "".join(c if c >= " " or c in "\n\t" else "?" for c in text)
