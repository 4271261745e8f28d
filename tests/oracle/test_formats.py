#!/usr/bin/env python3
"""Shows that format_checks.py sees what it is there to see: each test gives it something that is wrong.

Needs PyPI `jsonschema` and `cmarkgfm`.
"""

import json
import unittest

import format_checks as checks
from formats import to_html

RANGE = {"start": 0, "end": 1, "line": 2, "column": 3, "end_line": 2, "end_column": 4}
FINDING = {"patch": "timeouts", "file": "a b/D", "ground": "hardening", "message": "slow | <x>", "range": RANGE}
EXPECTED = {"findings": [FINDING], "problems": [], "idle_skips": [], "files": []}
GITHUB = "::warning file=a b/D,line=2,endLine=2,col=3,endColumn=4,title=envfix%3A timeouts::slow %25 x\n"
AZURE = "##vso[task.logissue type=warning;sourcepath=a b/D;linenumber=2;columnnumber=3;code=timeouts]slow\n"
MARKDOWN = ("## envfix\n\n| Where | Patch | Kind | What is wrong | Fix |\n|---|---|---|---|---|\n"
            "| <code>a b/D&#58;2</code> | <code>timeouts</code> | hardening | slow &#124; &#60;x&#62; | x |\n")
ISSUE = {"description": "x", "check_name": "timeouts", "fingerprint": "0" * 32, "severity": "minor",
         "location": {"path": "a b/D", "lines": {"begin": 2}}}


class NoSchema:
    """A schema that takes everything: what the checks see besides."""

    def iter_errors(self, _):
        return []


def sarif(uri="a%20b/D", rule="timeouts", text="slow", fingerprints=("1",), successful=True):
    places = [{"physicalLocation": {"artifactLocation": {"uri": uri}}}]
    results = [{"ruleId": rule, "ruleIndex": 0, "message": {"text": text}, "locations": places,
                "partialFingerprints": {"envfix/v1": it}} for it in fingerprints]
    invocation = {"executionSuccessful": successful, "toolExecutionNotifications": []}
    return json.dumps({"runs": [{"tool": {"driver": {"rules": [{"id": "timeouts"}]}}, "invocations": [invocation],
                                 "results": results}]})


class Reports(unittest.TestCase):
    def right(self, wrong):
        self.assertEqual(wrong, [])

    def test_what_is_right_is_right(self):
        self.right(checks.check_github(GITHUB, EXPECTED))
        self.right(checks.check_azure(AZURE, EXPECTED))
        self.right(checks.check_azure("note: a b/D:2: [timeouts] slow\n", EXPECTED))
        self.right(checks.check_markdown(MARKDOWN, EXPECTED, to_html))
        self.right(checks.check_gitlab(json.dumps([ISSUE]), EXPECTED))
        self.right(checks.check_sarif(sarif(), EXPECTED, NoSchema()))

    def test_what_is_missing_or_stands_twice_is_seen(self):
        for check, text in ((checks.check_github, GITHUB), (checks.check_azure, AZURE)):
            self.assertTrue(check("", EXPECTED))
            self.assertTrue(check(text * 2, EXPECTED))
        self.assertTrue(checks.check_markdown("## envfix\n", EXPECTED, to_html))
        self.assertTrue(checks.check_gitlab("[]", EXPECTED))
        self.assertTrue(checks.check_gitlab(json.dumps([ISSUE, ISSUE]), EXPECTED))
        self.assertTrue(checks.check_sarif(sarif(fingerprints=()), EXPECTED, NoSchema()))
        self.assertTrue(checks.check_sarif(sarif(fingerprints=("1", "1")), EXPECTED, NoSchema()))
        self.assertTrue(checks.check_rdjson('{"diagnostics": []}', EXPECTED))

    def test_a_line_that_is_another_command_is_seen(self):
        for text in ("x\n::add-path::/x\n", "x ##[add-mask]y\n", "::warning title=x::y\n", "::stop-commands::x\n"):
            self.assertTrue(checks.check_github(GITHUB + text, EXPECTED), text)
        for text in ("##vso[task.setvariable variable=X]1\n", "note: ##vso[task.complete]x\n", "x\n"):
            self.assertTrue(checks.check_azure(AZURE + text, EXPECTED), text)
        self.assertTrue(checks.check_github(GITHUB.replace("a b/D", "a\nb/D"), EXPECTED))
        self.assertTrue(checks.check_github(GITHUB.replace("a b/D", "a,b/D"), EXPECTED))
        self.assertTrue(checks.check_azure(AZURE.replace("a b/D", "a];b/D"), EXPECTED))

    def test_columns_of_several_lines_are_seen(self):
        self.assertTrue(checks.check_github(GITHUB.replace("endLine=2", "endLine=3"), EXPECTED))

    def test_what_leaves_its_place_in_a_summary_is_seen(self):
        cell = "slow &#124; &#60;x&#62;"
        for text in ("slow | <x>", "slow &#124; <x>", f"{cell} <!-- -->", f"[{cell}](x)", f"{cell} https://x.example",
                     f"{cell} ![](x)", f"*{cell}*", f"{cell} <b>x</b>"):
            self.assertTrue(checks.check_markdown(MARKDOWN.replace(cell, text), EXPECTED, to_html), text)
        self.assertTrue(checks.check_markdown(MARKDOWN + "\n<details>\n\n", EXPECTED, to_html))
        self.assertTrue(checks.check_markdown(MARKDOWN + "\n```\n" + "x" * (1 << 20) + "\n```\n", EXPECTED, to_html))

    def test_an_address_or_a_message_that_says_something_else_is_seen(self):
        for given in ({"uri": "a b/D"}, {"uri": "a%20b/D:"}, {"uri": "a%20b/E"}, {"rule": "pip-pin"}, {"text": "{0}"},
                      {"text": "[x](y)"}, {"successful": False}):
            self.assertTrue(checks.check_sarif(sarif(**given), EXPECTED, NoSchema()), given)

    def test_an_issue_without_what_gitlab_needs_is_seen(self):
        for key in ISSUE:
            self.assertTrue(checks.check_gitlab(json.dumps([{k: v for k, v in ISSUE.items() if k != key}]), EXPECTED))
        self.assertTrue(checks.check_gitlab(json.dumps([{**ISSUE, "severity": "bad"}]), EXPECTED))


class Edits(unittest.TestCase):
    FILES = {"a b": "\ufeffé\nüx".encode()}

    def log(self, **region):
        change = {"artifactLocation": {"uri": "a%20b"},
                  "replacements": [{"deletedRegion": region, "insertedContent": {"text": "y"}}]}
        return {"runs": [{"results": [{"fixes": [{"artifactChanges": [change]}]}]}]}

    def test_columns_that_are_not_the_bytes_are_seen(self):
        place = {"startLine": 2, "startColumn": 2, "endLine": 2, "endColumn": 3, "byteLength": 1}
        edits, wrong = checks.sarif_edits(self.log(**place, byteOffset=8), self.FILES)
        self.assertEqual((wrong, checks.apply(self.FILES, edits)["a b"].decode()), ([], "\ufeffé\nüy"))
        self.assertTrue(checks.sarif_edits(self.log(**place, byteOffset=7), self.FILES)[1])
        first = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2, "byteLength": 2}
        self.assertEqual(checks.sarif_edits(self.log(**first, byteOffset=3), self.FILES)[1], [])

    def test_columns_of_rdjson_are_bytes(self):
        suggestion = {"range": {"start": {"line": 2, "column": 3}, "end": {"line": 2, "column": 4}}, "text": "y"}
        report = {"diagnostics": [{"location": {"path": "a b"}, "suggestions": [suggestion]}]}
        self.assertEqual(checks.apply(self.FILES, checks.rdjson_edits(report, self.FILES))["a b"].decode(), "\ufeffé\nüy")

    def test_edits_that_overlap_are_seen(self):
        with self.assertRaises(ValueError):
            checks.apply({"a": b"xyz"}, {"a": [(0, 2, ""), (1, 3, "")]})


if __name__ == "__main__":
    unittest.main()
