#!/usr/bin/env python3
"""Shows that azure_clients.py sees what it is there to see: a program that stands in for envfix does what it must not.

    test_azure_clients.py --v1 PYTHON --v2 PYTHON

The clients are the real ones.
"""

import argparse
import pathlib
import stat
import sys
import tempfile
import unittest

import azure_clients
import azure_definitions

# What stands in for envfix: a list of replacements (file's ending, text before, text after, patch, words) is put in
# front of it. It makes them in the files that it is given and reports them.
STAND_IN = """
import json, pathlib, sys

names = sys.argv[sys.argv.index("--") + 1:]
findings, files, problems = [], [], []
for name in names:
    text = pathlib.Path(name).read_bytes()
    changed = False
    for ending, old, new, patch, words in REPLACEMENTS:
        if not name.endswith(ending) or old.encode() not in text or (new and new.encode() in text and patch != "again"):
            continue
        if patch == "refuse":
            problems.append({"file": name, "message": words})
            continue
        start = text.index(old.encode())
        text = text[:start] + new.encode() + text[start + len(old.encode()):]
        changed = True
        edits = [{"start": start, "end": start + len(old.encode()), "replacement": new}]
        if patch != "silent":
            findings.append({"patch": patch, "file": name, "message": words, "fix": {
                "action": words, "because": None, "applied": True, "edits": edits}})
    if changed:
        pathlib.Path(name).write_bytes(text)
    files.append({"path": name, "changed": changed})
print(json.dumps({"files": files, "findings": findings, "problems": problems}))
sys.exit(2 if problems else 0)
"""

JSON = b"""{
    "name": "churn",
    "python": {"userManagedDependencies": true, "condaDependencies": {"dependencies": ["python=3.10", {"pip": ["a"]}]}},
    "spark": {"packages": [{"group": "a", "artifact": "b", "version": "1"}], "precachePackages": true}
}
"""
RUN = b"""script: train.py
environment:
  name: churn
  python:
    userManagedDependencies: true
  spark:
    packages:
    - group: a
      artifact: b
      version: '1'
    precachePackages: true
spark:
  configuration:
    spark.app.name: x
"""
V2 = b"name: churn\nimage: ubuntu:22.04\nbuild: {path: context}\nconda_file: conda.yml\n"
V2_VALID = b"name: churn\nimage: ubuntu:22.04\nconda_file: conda.yml\n"
V2_UNREAD = b"Name: churn\nimage: ubuntu:22.04\n"

OPTIONS = None


class Sees(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.clients = {which: azure_clients.Client(getattr(OPTIONS, which).absolute(), which) for which in ("v1", "v2")}

    @classmethod
    def tearDownClass(cls):
        for client in cls.clients.values():
            client.close()

    def outcome(self, kind, data, *replacements):
        name = {"v1-json": "x.json", "runconfig": "x.runconfig"}.get(kind, "x.yml")
        definition = azure_definitions.place_of(name, kind, data, name, {})
        with tempfile.TemporaryDirectory(prefix="stand-in-") as folder:
            folder = pathlib.Path(folder).resolve()
            program = folder / "stand-in"
            program.write_text(f"#!{sys.executable}\nREPLACEMENTS = {list(replacements)!r}\n{STAND_IN}", encoding="utf-8")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            return azure_clients.Bench([definition], self.clients, folder / "bench").run(program, [])

    def counts(self, kind, data, *replacements):
        return {count for count, _, _ in self.outcome(kind, data, *replacements).failures}

    def spark(self, kind, data, old, new, *more):
        return self.counts(kind, data, (".json" if kind == "v1-json" else ".runconfig", old, new, "spark-precache", "off"),
                           *more)

    # -------------------------------------------------------------------------------------------- what may be done

    def test_precache_may_be_switched_off(self):
        self.assertEqual(self.spark("v1-json", JSON, "true}\n}", "false}\n}"), set())
        self.assertEqual(self.spark("runconfig", RUN, "Packages: true", "Packages: false"), set())

    def test_a_missing_key_may_be_added(self):
        self.assertEqual(self.spark("v1-json", JSON.replace(b', "precachePackages": true', b""), '"1"}]}',
                                    '"1"}], "precachePackages": false}'), set())

    def test_pip_may_be_listed_in_an_inline_environment(self):
        self.assertEqual(self.counts("v1-json", JSON, (".json", '{"pip"', '"pip", {"pip"', "conda-pip", "lists pip")), set())

    def test_a_key_that_is_named_may_go(self):
        self.assertEqual(self.counts("v2-environment", V2, (".yml", "image: ubuntu:22.04\n", "", "both", "removes image")),
                         set())

    def test_a_key_that_is_named_may_be_renamed_so_that_the_client_loads_it(self):
        outcome = self.outcome("v2-environment", V2_UNREAD, (".yml", "Name", "name", "keys", "renames Name to name"))
        self.assertEqual(outcome.failures, [])
        self.assertEqual(sum(outcome.newly.values()), 1)

    def test_a_refusal_of_what_the_client_loads_is_listed(self):
        outcome = self.outcome("v1-json", JSON, (".json", "name", "", "refuse", "cannot be read"))
        self.assertEqual([it[2] for it in outcome.refused], ["cannot be read"])

    # ---------------------------------------------------------------------------------------------------- what is seen

    def test_a_text_in_place_of_false_is_seen(self):
        self.assertEqual(self.spark("v1-json", JSON, "true}\n}", '"false"}\n}'), {"beyond", "precache"})
        self.assertEqual(self.spark("runconfig", RUN, "Packages: true", "Packages: 'false'"), {"beyond", "precache"})
        self.assertEqual(self.spark("runconfig", RUN, "Packages: true", "Packages: FaLsE"), {"beyond", "precache"})

    def test_what_is_false_only_to_another_yaml_is_seen(self):
        self.assertIn("precache", self.spark("runconfig", RUN, "Packages: true", "Packages: no"))

    def test_a_key_that_the_client_ignores_is_seen(self):
        self.assertIn("precache", self.spark("v1-json", JSON, '"precachePackages": true', '"precache_packages": false'))

    def test_the_other_spark_section_is_seen(self):
        found = self.spark("runconfig", RUN, "  configuration:\n", "  precachePackages: false\n  configuration:\n")
        self.assertIn("beyond", found)
        self.assertIn("precache", found)

    def test_a_lost_key_is_seen(self):
        self.assertIn("beyond", self.spark("v1-json", JSON, '"name": "churn",', ""))
        self.assertIn("beyond", self.spark("v1-json", JSON, '[{"group": "a", "artifact": "b", "version": "1"}]', "[]"))

    def test_a_change_beside_the_right_one_is_seen(self):
        more = (".runconfig", "version: '1'", "version: 1", "spark-precache", "off")
        self.assertEqual(self.spark("runconfig", RUN, "Packages: true", "Packages: false", more), {"beyond"})

    def test_a_broken_file_is_seen(self):
        self.assertIn("lost", self.spark("v1-json", JSON, "true}\n}", "false,}\n}"))
        self.assertIn("lost", self.spark("runconfig", RUN, "Packages: true", "Packages: ["))
        self.assertIn("lost", self.counts("v2-environment", V2_VALID, (".yml", "image:", "image: [", "x", "image")))

    def test_a_key_that_v2_does_not_know_is_seen(self):
        self.assertIn("lost", self.counts("v2-environment", V2_VALID, (
            ".yml", "image:", "spark: {precachePackages: false}\nimage:", "spark-precache", "spark")))

    def test_a_definition_that_no_longer_validates_is_seen(self):
        found = self.counts("v2-environment", V2_VALID, (".yml", "image:", "build: {path: .}\nimage:", "x", "sets build"))
        self.assertIn("invalid", found)

    def test_a_key_that_the_words_do_not_name_is_seen(self):
        found = self.counts("v2-environment", V2, (".yml", "image: ubuntu:22.04\n", "", "both", "removes build"))
        self.assertEqual(found, {"beyond"})

    def test_a_change_of_what_stays_unread_is_seen(self):
        found = self.counts("v2-environment", V2_UNREAD, (".yml", "Name", "NAME", "keys", "renames Name to NAME"))
        self.assertEqual(found, {"unloadable"})

    def test_another_dependency_than_pip_is_seen(self):
        found = self.counts("v1-json", JSON, (".json", '{"pip"', '"numpy", {"pip"', "conda-pip", "lists pip"))
        self.assertEqual(found, {"beyond"})
        found = self.counts("v1-json", JSON, (".json", '"python=3.10"', '"pip=1"', "conda-pip", "lists pip"))
        self.assertEqual(found, {"beyond"})

    def test_a_change_that_is_not_reported_is_seen(self):
        self.assertEqual(self.counts("v1-json", JSON, (".json", "true}\n}", "false}\n}", "silent", "")), {"beyond", "run"})

    def test_a_second_change_is_seen(self):
        found = self.counts("v1-json", JSON, (".json", "churn", "churn1", "again", "name"))
        self.assertEqual(found, {"second run"})


class Cases(unittest.TestCase):
    def failures(self, after, answer, changed, problems=()):
        outcome = azure_clients.Outcome([])
        azure_clients.check_case({"file": "f", "after": after}, outcome, answer, changed, list(problems))
        return len(outcome.failures)

    def test_all_words_must_hold(self):
        off, on = {"loads": True, "precache": False}, {"loads": True, "precache": True}
        self.assertEqual(self.failures("changed off", off, True), 0)
        self.assertEqual(self.failures("changed off", on, True), 1)
        self.assertEqual(self.failures("changed off", off, False), 1)
        self.assertEqual(self.failures("bytes|off", on, False), 0)
        self.assertEqual(self.failures("exit-2 bytes", on, False), 1)
        self.assertEqual(self.failures("exit-2 bytes", on, False, ["refused"]), 0)
        self.assertEqual(self.failures("read", on, False, ["refused"]), 1)
        self.assertEqual(self.failures("of", off, False), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--v1", type=pathlib.Path, required=True)
    parser.add_argument("--v2", type=pathlib.Path, required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
