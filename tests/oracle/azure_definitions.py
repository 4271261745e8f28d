"""Which files are Azure ML definitions, and what else a client needs to load one; for azure_clients.py.

A definition is known by its content (`kind_of`). `collect` finds those of a folder, and `Definition.needs` gives the
files that it refers to: as the manifest of the corpus knows them from the same repository and commit, as they stand
beside the definition, or else as small placeholders. Needs PyPI `pyyaml` and `ruamel.yaml`.
"""

import csv
import json
import pathlib
import posixpath
import re

import ruamel.yaml
import yaml

RUN_KEYS = {"script", "framework", "target", "arguments", "communicator", "nodecount", "node_count", "history"}
V1_SECTIONS = {"python", "docker", "spark", "databricks", "environmentVariables", "inferencingStackVersion", "r"}

# Folders above a definition, so that what it refers to with `../` stays in its own place.
DEPTH = "a/b/c/d/e/f"

DOCKERFILE = b"FROM scratch\n"
CONDA = b"name: placeholder\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.10\n  - pip=24.0\n"
COMPONENT = b"""$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: placeholder
version: 1
type: command
command: echo
environment: azureml:placeholder:1
"""


class Definition:
    """A definition: where it comes from, its kind, its bytes, and where it stands in its own folder."""

    def __init__(self, label, kind, data, place, siblings):
        self.label, self.kind, self.data, self.place = label, kind, data, place
        self.siblings = siblings  # name relative to the top: bytes, or a path to read

    def needs(self):
        """The files that it refers to: place in its own folder, bytes."""
        found = {}
        document, _ = read(self.place, self.data)
        self._follow(document, posixpath.dirname(self.place), found, 0)
        found.pop(self.place, None)
        return found

    def _follow(self, document, folder, found, depth):
        for role, text in references(document):
            path = posixpath.normpath(posixpath.join(folder, text))
            if path.startswith(".."):
                continue  # above everything; the client says that it is missing
            there = self._existing(path)
            if not there:
                there = placeholder(role, path)
            for name, data in there.items():
                if found.setdefault(name, data) is data and depth < 4 and role in ("component", "definition"):
                    inner, _ = read(name, data)
                    self._follow(inner, posixpath.dirname(name), found, depth + 1)

    def _existing(self, path):
        """The file, or all files of the folder, where they are known."""
        names = [path] if path in self.siblings else [it for it in self.siblings if it.startswith(path + "/")]
        if path == ".":
            names = list(self.siblings)
        return {name: data if isinstance(data := self.siblings[name], bytes) else data.read_bytes() for name in names}


def placeholder(role, path):
    suffix = posixpath.splitext(path)[1]
    if role == "conda":
        return {path: CONDA}
    if role in ("component", "definition"):
        return {path: COMPONENT} if suffix in (".yml", ".yaml") else {}
    if role == "context" or (role == "folder" and not suffix):
        return {path + "/Dockerfile": DOCKERFILE}
    return {path: b"a placeholder\n"}


def references(value, key=None, parents=()):
    """What a document refers to by a local path: pairs of a role and the path."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from references(item, str(name), (*parents, key))
        return
    if isinstance(value, list):
        for item in value:
            yield from references(item, key, parents)
        return
    if not isinstance(value, str) or not value or "\n" in value or len(value) > 300:
        return
    text = value[5:] if value.startswith("file:") else value
    if re.match(r"[A-Za-z][\w+.-]*:|/|\$\{\{|[A-Za-z]:\\", text) or "\0" in text:
        return  # an asset, an address, or a path from the root
    lowered = (key or "").replace("_", "").lower()
    if lowered in ("condafile", "condadependenciesfile"):
        yield "conda", text
    elif lowered in ("path", "localpath") and parents and parents[-1] == "build" or lowered == "build":
        yield "context", text
    elif lowered in ("code", "codepath", "sourcedirectory") or lowered == "localpath":
        yield "folder", text
    elif lowered == "path":
        yield "folder", text
    elif lowered == "component" or (lowered in ("environment", "model", "file", "trial") and value.startswith("file:")):
        yield "component", text
    elif lowered == "environment" and text.endswith((".yml", ".yaml", ".json")):
        yield "definition", text


# ------------------------------------------------------------------------------------------------------------ kinds


def read(name, data):
    """The object of a file and what is wrong with it, one of them None. JSON is read strictly as Python reads it, a
    runconfig as ruamel.yaml reads it, as its client does (in YAML 1.2 `no` and `off` are texts), other YAML as PyYAML."""
    try:
        text = data.decode("utf-8")
        if name.endswith(".json"):
            return json.loads(text), None
        if name.endswith(".runconfig"):
            return ruamel.yaml.YAML(typ="safe", pure=True).load(text.removeprefix("\ufeff")), None
        return yaml.safe_load(text), None
    except (ValueError, yaml.YAMLError, ruamel.yaml.error.YAMLError, RecursionError) as refusal:
        return None, f"{type(refusal).__name__}: {refusal}"


def lowered(mapping):
    return {str(key).lower() for key in mapping}


def is_environment(value):
    """Whether a map is an inline environment of a v2 entity."""
    return isinstance(value, dict) and bool(lowered(value) & {"image", "build", "conda_file", "docker"})


def inline_environments(value, depth=0):
    if depth > 40:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if str(key).lower() == "environment" and is_environment(item):
                yield item
            yield from inline_environments(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from inline_environments(item, depth + 1)


def kind_of(name, document):
    """What a document is, or None where it is no definition."""
    if not isinstance(document, dict):
        return None
    keys = lowered(document)
    if name.endswith(".json"):
        shaped = [key for key in V1_SECTIONS if isinstance(document.get(key), dict)]
        named = posixpath.basename(name) == "azureml_environment.json"
        return "v1-json" if "$schema" not in document and (len(shaped) >= 2 or (named and shaped)) else None
    environment = next((item for key, item in document.items() if str(key).lower() == "environment"), None)
    schema = str(document.get("$schema", "")).lower()
    if isinstance(environment, dict) and not schema and (
            name.endswith(".runconfig") or lowered(environment) & {"spark", "python", "databricks"}):
        return "runconfig" if name.endswith(".runconfig") or keys & RUN_KEYS else None
    if re.search(r"/environment\.schema\.json", schema):
        return "v2-environment"
    if not schema and "name" in keys and keys & {"image", "build"} and not keys & {
            "dependencies", "command", "jobs", "trial", "task", "services", "environment", "spec", "code_configuration"}:
        return "v2-environment"
    if not any(True for _ in inline_environments(document)):
        return None
    for text, kind in (("component.schema", "v2-component"), ("job.schema", "v2-job"),
                       ("onlinedeployment.schema", "v2-online-deployment"),
                       ("batchdeployment.schema", "v2-batch-deployment")):
        if text in schema:
            return kind
    if schema:
        return None
    if "endpoint_name" in keys:
        return "v2-batch-deployment" if keys & {"mini_batch_size", "max_concurrency_per_instance"} else "v2-online-deployment"
    if "jobs" in keys or "trial" in keys or keys & {"compute", "experiment_name"}:
        return "v2-job"
    return "v2-component" if {"command", "name"} <= keys else "v2-job" if "command" in keys else None


# ---------------------------------------------------------------------------------------------------------- collecting


def manifest_of(folder):
    """Where the files of the corpus come from: name in the corpus to (repository and commit, path there), and
    repository and commit to path to name. Empty where no manifest is near."""
    for root in (folder, *folder.parents):
        if (root / "MANIFEST.tsv").is_file():
            origins, repositories = {}, {}
            with open(root / "MANIFEST.tsv", encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                    name = row["file"].replace(f"/{row['split']}/", "/", 1)
                    if row["repo"] and row["path"]:
                        source = (row["repo"], row["commit"])
                        origins[name] = (source, row["path"])
                        repositories.setdefault(source, {}).setdefault(row["path"], root / name)
            return root, origins, repositories
    return folder, {}, {}


def collect(folder):
    """Every definition of a folder, each repository's file once."""
    folder = folder.resolve()
    root, origins, repositories = manifest_of(folder)
    seen, found = set(), []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".json", ".yml", ".yaml", ".runconfig") or not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        label = path.relative_to(root).as_posix()
        source, place = origins.get(label, (None, path.relative_to(folder).as_posix()))
        if (source or label, place, data) in seen:
            continue
        seen.add((source or label, place, data))
        document, _ = read(path.name, data)
        kind = kind_of(place, document) or kind_of(label, document)
        if kind:
            siblings = repositories.get(source) or neighbours(folder)
            found.append(place_of(label, kind, data, place, siblings))
    return found


def neighbours(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def place_of(label, kind, data, place, siblings):
    """The definition under the name that its client wants, deep enough for `../`."""
    folder, name = posixpath.split(place)
    if kind == "v1-json":
        name = "azureml_environment.json"
    elif kind == "runconfig" and not name.endswith(".runconfig"):
        name += ".runconfig"
    siblings = {posixpath.join(DEPTH, path): it for path, it in siblings.items()}
    return Definition(label, kind, data, posixpath.normpath(posixpath.join(DEPTH, folder, name)), siblings)
