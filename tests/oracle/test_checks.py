#!/usr/bin/env python3
"""Shows that checks.py sees what it is there to see: each test gives it something that is wrong."""

import unittest

import checks

BEFORE = "FROM a\nRUN apt-get install -y b \\\n    c\n# a comment\n\nRUN pip install d\n"


def edit(start, end, replacement, patch="conda-pip"):
    return {"start": start, "end": end, "replacement": replacement, "patch": patch}


def at(text, where=BEFORE):
    return where.index(text)


def dockerfile(edits, after=None, before=BEFORE):
    """The counts that fail when the edits are said to have been applied, and the file to be `after`."""
    outcome = checks.Outcome([])
    data = before.encode()
    made = after.encode() if after is not None else apply(data, edits)
    order, wrong = checks.rebuild(data, edits, made)
    if wrong:
        return {"edits"}
    for message in checks.check_style(data, made):
        outcome.fail("style", "f", message)
    checks.check_dockerfile(outcome, "f", data, made, order)
    return {failure.count for failure in outcome.failures}


def conda(before, *edits):
    outcome = checks.Outcome([])
    data = before.encode()
    checks.check_conda(outcome, "f", data, apply(data, edits), list(edits))
    return {failure.count for failure in outcome.failures}


def apply(data, edits):
    for it in sorted(edits, key=lambda it: it["start"], reverse=True):
        data = data[:it["start"]] + it["replacement"].encode() + data[it["end"]:]
    return data


class Dockerfiles(unittest.TestCase):
    def test_a_named_instruction_may_have_further_words(self):
        self.assertEqual(dockerfile([edit(at(" \\"), at(" \\"), " e")]), set())
        self.assertEqual(dockerfile([edit(at("    c"), at("    c"), "    e \\\n")]), set())

    def test_a_new_instruction_may_stand_above_a_comment_or_an_instruction(self):
        for where in ("# a comment", "RUN pip", "RUN apt"):
            self.assertEqual(dockerfile([edit(at(where), at(where), "ENV x=1\n")]), set())

    def test_a_new_instruction_may_stand_behind_a_file_without_a_last_newline(self):
        text = "FROM a\nRUN b"
        self.assertEqual(dockerfile([edit(len(text), len(text), "\nENV x=1")], before=text), set())

    def test_a_file_that_is_not_what_the_edits_make_is_seen(self):
        self.assertEqual(dockerfile([edit(at(" \\"), at(" \\"), " e")], after=BEFORE + "# more\n"), {"edits"})

    def test_a_text_that_no_longer_parses_is_seen(self):
        self.assertEqual(dockerfile([edit(at("d\n"), at("d\n"), "<<EOF ")]), {"rejected"})

    def test_a_line_that_is_orphaned_is_seen(self):
        self.assertEqual(dockerfile([edit(at(" \\\n"), at("\n    c"), "")]), {"rejected"})

    def test_an_instruction_that_swallows_the_next_is_seen(self):
        self.assertEqual(dockerfile([edit(at("c\n"), at("c\n") + 1, "c \\")]), {"unnamed"})

    def test_an_instruction_that_is_not_the_one_inserted_is_seen(self):
        # It swallows the one behind it.
        self.assertEqual(dockerfile([edit(at("RUN pip"), at("RUN pip"), "USER x \\\n")]), {"unnamed"})

    def test_an_instruction_whose_keyword_changed_is_seen(self):
        self.assertEqual(dockerfile([edit(at("RUN pip"), at("RUN pip") + 3, "CMD")]), {"unnamed"})

    def test_an_instruction_that_lost_words_is_seen(self):
        self.assertEqual(dockerfile([edit(at("pip install d"), at("d\n") + 1, "true")]), {"unnamed"})

    def test_an_edit_of_a_comment_is_seen(self):
        self.assertEqual(dockerfile([edit(at("comment"), at("comment") + 7, "note")]), {"unnamed"})

    def test_an_edit_above_a_parser_directive_is_seen(self):
        text = "# escape=`\nFROM a `\n  AS b\n"
        self.assertTrue(dockerfile([edit(0, 0, "ENV x=1\n")], before=text))

    def test_another_kind_of_newline_is_seen(self):
        text = BEFORE.replace("\n", "\r\n")
        where = text.index("RUN pip")
        self.assertEqual(dockerfile([edit(where, where, "ENV x=1\n")], before=text), {"style"})
        self.assertEqual(dockerfile([edit(where, where, "ENV x=1\r\n")], before=text), set())

    def test_insertions_at_one_place_may_stand_in_either_order(self):
        where = at(" \\")
        edits = [edit(where, where, " && e"), edit(where, where, " f")]
        self.assertEqual(dockerfile(edits, after=BEFORE.replace("b \\", "b f && e \\")), set())


class Conda(unittest.TestCase):
    TEXT = "name: x # why\ndependencies:\n  - python=3.10\n  - pip:\n    - a\n"

    def test_a_listed_pip_is_what_the_edit_says(self):
        where = self.TEXT.index("  - pip:")
        self.assertEqual(conda(self.TEXT, edit(where, where, "  - pip=24.0\n")), set())

    def test_a_pin_of_a_listed_pip_is_what_the_edit_says(self):
        text = self.TEXT.replace("  - pip:", "  - pip\n  - pip:")
        where = text.index("pip\n") + 3
        self.assertEqual(conda(text, edit(where, where, "=24.0")), set())

    def test_a_pip_that_conda_does_not_find_is_seen(self):
        where = self.TEXT.index("  - pip:")
        self.assertEqual(conda(self.TEXT, edit(where, where, "  - pip[version='24']\n")), {"pip"})

    def test_a_dependency_that_no_edit_writes_is_seen(self):
        where = self.TEXT.index("=3.10")
        self.assertEqual(conda(self.TEXT, edit(where, where + 5, "")), {"conda"})

    def test_another_key_is_seen(self):
        where = self.TEXT.index("dependencies")
        self.assertEqual(conda(self.TEXT, edit(where, where, "channels: [a]\n")), {"conda"})

    def test_channels_that_an_edit_lists_are_what_it_says(self):
        where = self.TEXT.index("dependencies")
        channels = lambda text, patch: conda(self.TEXT, edit(where, where, text, patch))
        self.assertEqual(channels("channels: [a]\n", "conda-channels"), set())
        self.assertEqual(channels("channels: [a]\nprefix: b\n", "conda-channels"), {"conda"})
        self.assertEqual(channels("channels: []\n", "conda-channels"), {"conda"})

    def test_an_operator_of_a_requirement_is_what_the_edit_says(self):
        text = self.TEXT.replace("- a", "- a=1\n    - b=2")
        where = text.index("a=1") + 1
        self.assertEqual(conda(text, edit(where, where, "=", "pip-operator")), set())
        self.assertEqual(conda(text, edit(where, where + 2, "", "pip-operator")), {"conda"})
        self.assertEqual(conda(text, edit(where, text.index("=2") + 2, "==1", "pip-operator")), {"conda"})

    def test_a_colon_that_became_an_equals_sign_is_what_the_edit_says(self):
        text = self.TEXT.replace("python=3.10", "python: 3.10")
        where = text.index("python: 3.10")
        self.assertEqual(conda(text, edit(where, where + 12, "python=3.10", "conda-python")), set())
        self.assertEqual(conda(text, edit(where, where + 12, "python: 3.11", "conda-python")), {"conda"})

    def test_a_yaml_that_no_longer_loads_is_seen(self):
        where = self.TEXT.index("  - pip:")
        self.assertEqual(conda(self.TEXT, edit(where, where, " - pip=24.0\n")), {"conda"})

    def test_a_comment_that_became_text_is_seen(self):
        where = self.TEXT.index(" # why")
        self.assertIn("conda", conda(self.TEXT, edit(where, where + 1, "")))

    def test_conda_s_own_rule(self):
        listed = ["pip", "pip=1", "pip>=1", "pip ~=1", "conda-forge::pip", "conda-forge::pip=1", "pip<2"]
        self.assertEqual([it for it in listed if not checks.listed_as_pip(it)], [])
        self.assertEqual([it for it in ["pip-tools", "pipx", "pip[version='1']"] if checks.listed_as_pip(it)], [])


class Definitions(unittest.TestCase):
    TEXT = '{"name": "a", "python": {"dependencies": ["python=3.10", {"pip": ["b=1.2", "c==1"]}]}}'

    def check(self, *edits):
        outcome = checks.Outcome([])
        data = self.TEXT.encode()
        checks.check_definition(outcome, "azureml_environment.json", data, apply(data, edits), list(edits))
        return {failure.count for failure in outcome.failures}

    def test_an_operator_of_a_requirement_is_what_the_edit_says(self):
        where = self.TEXT.index("b=1.2") + 1
        self.assertEqual(self.check(edit(where, where, "=", "pip-operator")), set())

    def test_another_version_or_name_is_seen(self):
        where = self.TEXT.index("b=1.2")
        second = {**edit(where, where + 1, "x"), "replacement": "x"}
        self.assertEqual(self.check({**edit(where + 1, where + 3, "==2"), "replacement": "==2"}, second), {"definition"})
        data = self.TEXT.encode()
        outcome = checks.Outcome([])
        other = data.replace(b"c==1", b"c==2").replace(b"b=1.2", b"b==1.2")
        checks.check_definition(outcome, "f.json", data, other, [edit(where + 1, where + 1, "=")])
        self.assertEqual({failure.count for failure in outcome.failures}, {"definition"})


if __name__ == "__main__":
    unittest.main()
