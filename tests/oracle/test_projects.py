#!/usr/bin/env python3
"""Shows that projects.py sees what it is there to see: each test gives it a row or a report that is wrong."""

import json
import pathlib
import stat
import sys
import tempfile
import unittest

import projects

# A program in place of envfix: it prints the report that stands in `reports.json` for the path it is given.
FAKE = """#!{python}
import json, pathlib, sys
report = json.loads(pathlib.Path({reports!r}).read_text())[sys.argv[-1]]
sys.stderr.write(report.get("said", ""))
print(report["text"] if "text" in report else json.dumps(report["report"]))
sys.exit(report.get("code", 0))
"""

ENV = {"from": "Dockerfile", "line": 3, "to": "env.yml", "why": "conda-environment"}
BUILD = {"from": "job/env.yml", "line": 3, "to": "Dockerfile", "why": "dockerfile"}
ROWS = [
    ["a", "Dockerfile", "3", "env.yml", "conda-environment", "COPY env.yml ."],
    ["a", "Dockerfile", "4", "-", "-", "pip install of a name"],
    ["a", "job/env.yml", "3", "Dockerfile", "dockerfile", "build.path"],
]


def report(*links, files=("Dockerfile", "env.yml", "job/env.yml"), **more):
    files = [{"path": path, "kind": "dockerfile", "changed": False} for path in files]
    return {"report": {"version": 1, "files": files, "findings": [], "problems": [], "links": list(links)}, **more}


class Projects(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="test-projects-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "a" / "job").mkdir(parents=True)
        (self.folder / "a" / "Dockerfile").write_text(
            "FROM x\nCOPY env.yml .\nRUN conda env create -f env.yml\nRUN pip install y\n")
        (self.folder / "a" / "env.yml").write_text("dependencies:\n- python\n")
        (self.folder / "a" / "job" / "env.yml").write_text("name: b\nbuild:\n  path: ..\n")
        self.reports = {".": report(ENV, BUILD), "Dockerfile": report(ENV), "job/env.yml": report(BUILD, ENV)}

    def check(self, *rows):
        tsv, fake, reports = (self.folder / name for name in ("rows.tsv", "envfix", "reports.json"))
        lines = [projects.COLUMNS, *(rows or ROWS)]
        tsv.write_text("".join("\t".join(row) + "\n" for row in lines), encoding="utf-8")
        reports.write_text(json.dumps(self.reports), encoding="utf-8")
        fake.write_text(FAKE.format(python=sys.executable, reports=str(reports)), encoding="utf-8")
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
        messages, self.problems, self.counts = projects.check(str(fake), self.folder, tsv, few=True)
        return messages

    def fails(self, text, *rows):
        messages = self.check(*rows)
        self.assertEqual([text in message for message in messages].count(True), 1, messages)
        return messages

    def test_what_the_rows_say_is_no_difference(self):
        self.assertEqual(self.check(), [])
        self.assertEqual(self.counts, (1, 2, 2))

    def test_a_link_that_is_missing_is_seen(self):
        self.reports["."] = report(BUILD)
        self.fails("a: missing Dockerfile:3 -> env.yml (conda-environment)\n    COPY env.yml .")

    def test_a_link_without_a_row_is_seen(self):
        self.assertEqual(len(self.fails("a: unexpected job/env.yml:3 -> Dockerfile (dockerfile)", *ROWS[:2])), 1)

    def test_a_link_where_a_row_says_that_there_is_none_is_seen(self):
        self.reports["."] = report(ENV, BUILD, {**ENV, "line": 4, "why": "requirements", "to": "job/env.yml"})
        self.fails("(requirements); its row says: pip install of a name")

    def test_a_row_of_the_wrong_file_is_seen(self):
        rows = [[*ROWS[0][:3], "job/env.yml", *ROWS[0][4:]], *ROWS[1:]]
        messages = self.check(*rows)
        self.assertIn("a: missing Dockerfile:3 -> job/env.yml (conda-environment)\n    COPY env.yml .", messages)
        self.assertIn("a: unexpected Dockerfile:3 -> env.yml (conda-environment)", messages)

    def test_another_line_is_seen(self):
        self.reports["."] = report({**ENV, "line": 2}, BUILD)
        self.fails("expected Dockerfile:3 -> env.yml (conda-environment)\n    found    Dockerfile:2")

    def test_another_kind_is_seen(self):
        self.reports["."] = report({**ENV, "why": "requirements"}, BUILD)
        self.fails("found    Dockerfile:3 -> env.yml (requirements)")

    def test_a_link_that_is_reported_twice_is_seen(self):
        self.reports["."] = report(ENV, ENV, BUILD)
        self.fails("a: reported twice: Dockerfile:3 -> env.yml")

    def test_a_report_without_links_is_seen(self):
        del self.reports["."]["report"]["links"]
        self.fails("a: the report has no array `links`")

    def test_a_link_without_a_key_is_seen(self):
        self.reports["."] = report({key: ENV[key] for key in ("from", "to", "why")}, BUILD)
        self.fails("lacks a key: KeyError('line')")

    def test_a_program_that_fails_is_seen(self):
        self.reports["."] = report(ENV, BUILD, code=101, said="panicked")
        self.fails("a: exit code 101: panicked")
        self.reports["."] = {"text": "no report"}
        self.fails("a: no JSON on standard output")

    def test_what_could_not_be_read_is_shown(self):
        self.reports["."] = report(ENV, BUILD, code=2)
        self.reports["."]["report"]["problems"] = [{"file": "b", "line": 1, "message": "no FROM"}]
        self.assertEqual(self.check(), [])
        self.assertEqual(self.problems, ["a: b:1: no FROM"])

    def test_a_file_that_is_not_reached_from_the_one_that_names_it_is_seen(self):
        self.reports["Dockerfile"] = report(files=["Dockerfile"])
        self.fails("a: Dockerfile alone: nothing of env.yml in `files` or `links`")
        self.reports["Dockerfile"] = report(files=["Dockerfile", "env.yml"])
        self.assertEqual(self.check(), [])

    def test_a_link_without_a_row_is_seen_from_one_file_alone(self):
        self.reports["Dockerfile"] = report(ENV, {**ENV, "to": "job/env.yml"})
        self.fails("a: Dockerfile alone: unexpected Dockerfile:3 -> job/env.yml")

    def test_a_row_that_the_files_do_not_bear_out_is_seen(self):
        self.fails("a: no RUN begins on Dockerfile:2", [*ROWS[0][:2], "2", *ROWS[0][3:]], *ROWS[1:])
        self.fails("a: Dockerfile has no line 9", *ROWS[:1], [*ROWS[1][:2], "9", *ROWS[1][3:]], ROWS[2])
        self.reports["gone"] = report()
        self.fails("a: no file gone", *ROWS, ["a", "gone", "1", "-", "-", "nothing"])
        self.fails("b: no such folder in the corpus", *ROWS, ["b", "Dockerfile", "1", "-", "-", "nothing"])

    def test_a_row_that_is_no_row_is_seen(self):
        self.fails("no kind of link: conda", *ROWS, [*ROWS[0][:4], "conda", "note"])
        self.fails("the same link twice", *ROWS, ROWS[0])
        self.fails("columns", *ROWS, ROWS[0][:5])

    def test_too_few_rows_are_no_test(self):
        self.check()
        messages = projects.check(str(self.folder / "envfix"), self.folder, self.folder / "rows.tsv")[0]
        self.assertEqual(len(messages), 2, messages)


if __name__ == "__main__":
    unittest.main()
