"""What came of tests: the rows that differ, side by side; as JSON; as JUnit XML for build servers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from headwater.cli.pages import Page, View
from headwater.cli.views.diagnostics import render
from headwater.cli.views.rows import cell
from headwater.cli.views.text import clean, count, duration, fit, pad, width

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.app.unit_tests.running import TestReport, TestResult

_MOST_PASSED: Final = 30
_MOST_ROWS: Final = 20
_WIDEST: Final = 40
_Row = Mapping[str, Any]
_Line = tuple[str, _Row, frozenset[str]]
"""Sign, row, the columns that differ."""


def document(report: "TestReport") -> dict[str, object]:
    """Give all results."""
    return {
        "tests": len(report.results),
        "failed": len(report.failed),
        "seconds": round(report.seconds, 6),
        "results": [_result(each) for each in report.results],
        "diagnostics": [found.as_json() for each in report.results for found in each.diagnostics],
    }


def _result(each: "TestResult") -> dict[str, object]:
    return {
        "test": each.name,
        "model": each.model or None,
        "site": each.site or None,
        "passed": each.passed,
        "seconds": round(each.seconds, 6),
        "file": each.where.file,
        "line": each.where.line,
        "missing": list(each.missing),
        "unexpected": list(each.unexpected),
        "differing": [
            {"expected": pair.expected, "returned": pair.returned, "columns": list(pair.columns)}
            for pair in each.differing
        ],
    }


def tests_view(project: "Path") -> "View[TestReport]":
    """Give the view of a report; places are shown from the files of the project."""

    def lines(report: "TestReport", page: Page) -> Iterator[str]:
        if page.verbose or len(report.results) <= _MOST_PASSED:
            yield from (f"{click.style('✓', fg='green')} {_title(each)}" for each in report.results if each.passed)
        for each in report.failed:
            yield from _failure(each, project)
        passed, failed = len(report.results) - len(report.failed), len(report.failed)
        parts = [f"{passed:,} passed"] + ([click.style(f"{failed:,} failed", fg="red", bold=True)] if failed else [])
        yield f"{', '.join(parts)} in {duration(report.seconds)}" if report.results else "There are no tests."

    return View(document, lines)


def _title(each: "TestResult") -> str:
    return f"{clean(each.name)}  {click.style(f'{clean(_tested(each))}, {duration(each.seconds)}', dim=True)}"


def _tested(each: "TestResult") -> str:
    return each.model or f"policies, asked at {each.site}"


def _failure(each: "TestResult", project: "Path") -> Iterator[str]:
    yield f"{click.style('✗', fg='red', bold=True)} {_title(each)}"
    yield f"  {click.style('┌─', fg='blue')} {clean(str(each.where))}"
    yield from (f"  {line}" for line in render(each.diagnostics, project))
    if each.missing or each.unexpected or each.differing:
        yield from (f"  {line}" for line in difference(each))


def difference(each: "TestResult") -> Iterator[str]:
    """Give the rows that differ: `-` was expected, `+` was returned."""
    compared: list[_Line] = []
    for pair in each.differing:
        columns = frozenset(pair.columns)
        compared += [("-", pair.expected, columns), ("+", pair.returned, columns)]
    compared += [("-", row, frozenset(row)) for row in each.missing]
    compared += [("+", row, frozenset(row)) for row in each.unexpected]
    names = _columns(each)
    shown = compared[: 2 * _MOST_ROWS]
    cells = [[cell(row[name]) if name in row else "" for name in names] for _, row, _ in shown]
    widths = [
        min(_WIDEST, max(width(clean(text)) for text in (name, *column)))
        for name, column in zip(names, zip(*cells, strict=True), strict=True)
    ]
    yield "  " + click.style("  ".join(pad(fit(clean(n), w), w) for n, w in zip(names, widths, strict=True)), bold=True)
    for (sign, _, columns), texts in zip(shown, cells, strict=True):
        yield _styled(
            sign, [(n, pad(fit(clean(t), w), w)) for n, t, w in zip(names, texts, widths, strict=True)], columns
        )
    if len(compared) > len(shown):
        yield f"… and {count(len(compared) - len(shown), 'row')} more"
    yield click.style("- expected, + returned", dim=True)


def _styled(sign: str, cells: Sequence[tuple[str, str]], columns: frozenset[str]) -> str:
    color = "red" if sign == "-" else "green"
    last = max((i for i, (_, text) in enumerate(cells) if text.strip()), default=0)
    cells = [*cells[:last], (cells[last][0], cells[last][1].rstrip())]
    texts = (click.style(text, fg=color, bold=True) if name in columns else text for name, text in cells)
    return f"{click.style(sign, fg=color)} {'  '.join(texts)}"


def _columns(each: "TestResult") -> list[str]:
    """Columns that the test names; those of the model only where the test names none."""
    named = [name for row in (*(pair.expected for pair in each.differing), *each.missing) for name in row]
    return list(dict.fromkeys(named or (name for row in each.unexpected for name in row)))


def junit(report: "TestReport") -> bytes:
    """Give the report as JUnit XML."""
    from xml.etree.ElementTree import Element, SubElement, tostring

    counts = {"tests": str(len(report.results)), "failures": str(len(report.failed)), "time": f"{report.seconds:.6f}"}
    suite = Element("testsuite", {"name": "headwater", **counts, "errors": "0", "skipped": "0"})
    for each in report.results:
        about = {"name": clean(each.name), "classname": clean(each.model or "policies"), "file": each.where.file}
        case = SubElement(suite, "testcase", {**about, "line": str(each.where.line), "time": f"{each.seconds:.6f}"})
        if not each.passed:
            failure = SubElement(case, "failure", {"message": _message(each)})
            failure.text = "\n".join(click.unstyle(line) for line in _details(each))
    root = Element("testsuites", counts)
    root.append(suite)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _message(each: "TestResult") -> str:
    if each.diagnostics:
        return clean(each.diagnostics[0].message)
    return f"{count(len(each.missing) + len(each.unexpected) + len(each.differing), 'row')} differ"


def _details(each: "TestResult") -> Iterator[str]:
    yield from (clean(found.message) for found in each.diagnostics)
    if each.missing or each.unexpected or each.differing:
        yield from difference(each)
