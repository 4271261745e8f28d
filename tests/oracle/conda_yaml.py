#!/usr/bin/env python3
"""Compares what envfix reads in conda environments with what PyYAML and ruamel.yaml read.

    conda_yaml.py DUMP_BINARY FOLDER [--list FILE] [--diffs OUT]

DUMP_BINARY is the example `dump_conda`; FOLDER is searched for *.yml and *.yaml. Checked for each
file: the same name, channels, dependencies and pip items; that the text of each span, read by
PyYAML, is the value; and that pinning pip (before `- pip:`, or in place of a bare `- pip`) gives
a text that both libraries load as exactly the expected object, in which conda finds pip listed, and
that differs from the text before by that one line only.

A file is compared when either side takes it for a conda environment. FILE lists, one a line as
`path<TAB>reason`, disagreements that are known. Exit code 1 when there is another, or when a listed
one is gone.
"""

import argparse
import collections
import difflib
import io
import json
import pathlib
import re
import subprocess
import sys

import ruamel.yaml
import yaml

PIN = "pip=24.0"


class Text(yaml.SafeLoader):
    """PyYAML that refuses a repeated key, as ruamel.yaml and envfix do."""


def no_repeats(loader, node, deep=False):
    keys = [k.value for k, _ in node.value if isinstance(k, yaml.ScalarNode)]
    if len(keys) != len(set(keys)):
        raise yaml.constructor.ConstructorError(None, None, "repeated key", node.start_mark)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


Text.add_constructor("tag:yaml.org,2002:map", lambda loader, node: no_repeats(loader, node, True))


def pyyaml(text):
    return yaml.load(text, Loader=Text)


def ruamel_load(text):
    return ruamel.yaml.YAML(typ="safe", pure=True).load(text)


def listed_as_pip(dependency):
    """conda's own rule (conda_env/env.py, validate_keys)."""
    return "pip" in re.compile(r"[<>~\s=]").split(dependency)[0].split("::")


def is_conda(value):
    return isinstance(value, dict) and isinstance(value.get("dependencies"), list)


def read(value):
    """A loaded object in the shape of the dump."""
    dependencies = []
    for item in value["dependencies"]:
        if isinstance(item, str):
            dependencies.append(item)
        elif isinstance(item, dict) and "pip" in item:
            requirements = item["pip"] if isinstance(item["pip"], list) else []
            dependencies.append({"pip": [i if isinstance(i, str) else str(i) for i in requirements
                                         if not isinstance(i, (dict, list, type(None)))]})
        else:
            dependencies.append(None)
    channels = value.get("channels") if isinstance(value.get("channels"), list) else []
    return [c for c in channels if isinstance(c, str)], dependencies


def unquoted(raw):
    """The value of a scalar's own text, read as the item of a list."""
    return yaml.safe_load("- " + raw)[0]


def compare(dump, text):
    """Yields what differs between the dump and the libraries."""
    loaded = {}
    for name, load in (("PyYAML", pyyaml), ("ruamel.yaml", ruamel_load)):
        try:
            loaded[name] = load(text)
        except Exception as error:  # noqa: BLE001 - any refusal counts
            loaded[name] = error
    refused = [name for name, value in loaded.items() if isinstance(value, Exception)]
    if "error" in dump:
        if len(refused) < 2:
            yield f"refused by envfix alone: {dump['error']}"
        return
    if len(refused) == 2:
        if "none" not in dump:
            yield f"refused by both libraries: {str(loaded['PyYAML'])[:200]}"
        return
    for name, value in loaded.items():
        if isinstance(value, Exception):
            yield f"refused by {name} alone: {str(value)[:200]}"
            continue
        if is_conda(value) == ("none" in dump):
            yield f"{name} and envfix differ on whether this is a conda environment"
            continue
        if "none" in dump:
            continue
        channels, dependencies = read(value)
        ours = [c["name"] for c in dump["channels"]]
        if ours != channels:
            yield f"{name}: channels {ours} != {channels}"
        ours = [d["spec"] if "spec" in d else {"pip": [i["text"] for i in d["pip"]]} if "pip" in d else None
                for d in dump["dependencies"]]
        if ours != dependencies:
            yield f"{name}: dependencies {ours} != {dependencies}"
        if value.get("name") is not None and isinstance(value["name"], str) and value["name"] != dump["name"]:
            yield f"{name}: name {dump['name']} != {value['name']}"
    if "none" in dump:
        return
    for channel in dump["channels"]:
        alone = not channel["raw"].startswith("*") and not channel["name"].endswith("\n")
        if alone and unquoted(channel["raw"]) != channel["name"]:
            yield f"span of channel {channel}"
    for item in dump["dependencies"]:
        flow = not item["item"].startswith("-")
        if "spec" in item:
            # The text of a block scalar does not hold its `|`, and cannot be read alone.
            alone = not item["raw"].startswith("*") and not item["spec"].endswith("\n")
            if alone and unquoted(item["raw"]) != item["spec"]:
                yield f"span of spec {item}"
            if not item["item"].endswith(item["raw"]):
                yield f"item of {item}"
            if item["comment"] is not None and not item["comment"].startswith("#"):
                yield f"comment of {item}"
        if "pip" in item:
            if yaml.safe_load(item["key"]) != "pip":
                yield f"span of key {item}"
            for requirement in item["pip"]:
                if not requirement["raw"].startswith("*") and str(unquoted(requirement["raw"])) != requirement["text"]:
                    yield f"span of {requirement}"
            if not flow:
                # The item's own text is a list of one: its dash, its key, its requirements.
                indent = re.search(r"(?m)^([ \t]*)" + re.escape(item["item"][:200]), text)
                again = yaml.safe_load((indent.group(1) if indent else "") + item["item"])
                if read({"dependencies": again})[1] != [{"pip": [i["text"] for i in item["pip"]]}]:
                    yield f"item of pip map {item}"


def compare_edit(edit, text, value):
    """Yields what is wrong with the pinned text."""
    if "refused" in edit:
        yield f"edit refused: {edit['refused']}"
        return
    if not edit["verified"]:
        yield "envfix's own verification fails"
    if not edit["comments"]:
        yield "comments changed"
    expected = [*value["dependencies"]]
    if edit["insert"]:
        expected.insert(edit["index"], PIN)
    else:
        expected[edit["index"]] = PIN
    expected = {**value, "dependencies": expected}
    for name, load in (("PyYAML", pyyaml), ("ruamel.yaml", ruamel_load)):
        after = load(edit["text"])
        if json.dumps(after, default=str) != json.dumps(expected, default=str):
            yield f"{name} loads another object than expected after the edit"
    if not any(listed_as_pip(d) for d in expected["dependencies"] if isinstance(d, str)):
        yield "conda does not find pip listed"
    before, after = text.splitlines(keepends=True), edit["text"].splitlines(keepends=True)
    changed = [line for line in difflib.ndiff(before, after) if line[:2] in ("- ", "+ ")]
    if len(changed) != (1 if edit["insert"] else 2) and "[" not in text:
        yield f"more than one line changed: {changed}"
    if (text.count("\r\n") == text.count("\n")) != (edit["text"].count("\r\n") == edit["text"].count("\n")):
        yield "newlines mixed"


def pip_class(dump):
    """Where pip stands, for the summary."""
    specs = [(i, d) for i, d in enumerate(dump["dependencies"]) if "spec" in d and listed_as_pip(d["spec"])]
    maps = [i for i, d in enumerate(dump["dependencies"]) if "pip" in d]
    if not maps:
        return "no pip map, pip listed" if specs else "no pip map, no pip"
    if not specs:
        return "pip map, pip missing"
    index, spec = specs[0]
    where = ", after the map" if index > maps[0] else ""
    rest = spec["spec"].split("::")[-1].strip()
    if rest == "pip":
        return "pip map, pip bare" + where
    pinned = re.fullmatch(r"pip\s*={0,2}\s*\d[\w.*]*(=\S+)?", rest)
    return ("pip map, pip pinned" if pinned else "pip map, pip ranged") + where


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--list", type=pathlib.Path, help="known disagreements")
    parser.add_argument("--diffs", type=pathlib.Path, help="write the diffs of the edits here")
    arguments = parser.parse_args()
    known = {}
    if arguments.list:
        for line in arguments.list.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                path, _, reason = line.partition("\t")
                known[path] = reason
    files = sorted(p for p in arguments.folder.rglob("*") if p.suffix in (".yml", ".yaml") and p.is_file())
    dumps = []
    for start in range(0, len(files), 500):
        output = subprocess.run([arguments.dump, "--edit", *map(str, files[start:start + 500])],
                                check=True, capture_output=True, text=True, encoding="utf-8").stdout
        dumps += [json.loads(line) for line in output.split("\n") if line]
    counts = collections.Counter()
    bad, seen = 0, set()
    diffs = []
    for path, dump in zip(files, dumps, strict=True):
        name = path.relative_to(arguments.folder).as_posix()
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            counts["not UTF-8"] += 1
            if "error" not in dump:
                bad += 1
                print(f"{name}: read although it is not UTF-8")
            continue
        problems = list(compare(dump, text))
        counts["refused" if "error" in dump else "no conda environment" if "none" in dump else "conda environment"] += 1
        if "dependencies" in dump:
            counts[f"python {re.match('[A-Za-z]+', dump['python']).group()}"] += 1
            counts[pip_class(dump)] += 1
            edit = dump["edit"]
            if edit and not problems:
                counts["pip inserted" if edit.get("insert") else "pip replaced" if "text" in edit else "edit refused"] += 1
                problems += compare_edit(edit, text, pyyaml(text))
                if "text" in edit:
                    diffs += difflib.unified_diff(text.splitlines(keepends=True), edit["text"].splitlines(keepends=True),
                                                  name, name, n=3)
        for problem in problems:
            if name in known:
                seen.add(name)
            else:
                bad += 1
                print(f"{name}: {problem}")
    if arguments.diffs:
        with io.open(arguments.diffs, "w", newline="", encoding="utf-8") as out:
            out.writelines(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in diffs)
    for name in known:
        if name not in seen and (arguments.folder / name).exists():
            bad += 1
            print(f"{name}: listed as a disagreement, but there is none")
    print(f"{len(files)} files: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    print(f"{bad} unlisted disagreements")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
