# SPDX-License-Identifier: GPL-3.0-or-later
"""pytest's results as TAP version 14 in the file that BPFMAN_TAP names; loaded with -p tap.

A test's properties follow it as comments, "# property NAME JSON".
"""
import json
import os

_out = None
_count = 0


def _line(text):
    _out.write(text.replace("\0", "") + "\n")
    _out.flush()


def pytest_configure(config):
    global _out
    if not hasattr(config, "workerinput") and os.environ.get("BPFMAN_TAP"):
        _out = open(os.environ["BPFMAN_TAP"], "w", encoding="utf-8", errors="replace")
        _line("TAP version 14")


def _result(report):
    """(word, directive, properties) that a report adds; None where it adds nothing."""
    if report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return "ok", " # SKIP " + " ".join(why.removeprefix("Skipped: ").split())
    if report.failed:
        return "not ok", ""
    return ("ok", "") if report.when == "call" else None


def pytest_runtest_logreport(report):
    global _count
    result = _out and _result(report)
    if not result:
        return
    _count += 1
    _line(f"{result[0]} {_count} - {report.nodeid.replace('#', '_')}{result[1]}")
    for name, value in report.user_properties:
        _line(f"# property {name} {json.dumps(value)}")
    if report.failed:
        for line in report.longreprtext.splitlines()[-60:]:
            _line("# " + line)


def pytest_collectreport(report):
    global _count
    if _out and report.failed:
        _count += 1
        _line(f"not ok {_count} - {report.nodeid}")
        _line("# " + report.longreprtext.replace("\n", "\n# "))


def pytest_sessionfinish():
    if _out:
        _line(f"1..{_count}")
