#!/usr/bin/env python3
"""Loads definitions with an Azure ML client, for azure_clients.py: one process, many files.

    azure_worker.py v1|v2

Runs under the Python of a venv that has `azureml-core` (v1) or `azure-ai-ml` (v2). Each line of standard input is a
JSON object with `kind` and `path`; each line of standard output answers one: `loads`, and then `value` (the loaded
object as plain data), `precache` (`environment.spark.precache_packages`, for v1) and `validates` (null, or what
`validate` says against it, for v2 environments); or else `error`. The first line says the client's version.
"""

import contextlib
import json
import logging
import os
import pathlib
import re
import sys
import warnings

# The name that the client gives an environment that has none: the hash of its content, or a random one.
ANONYMOUS = r"CliV2AnonymousEnvironment.*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def plain(value):
    """A loaded object as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, str)):
        # The YAML reader of v1 gives its own kinds of numbers and strings.
        return next(kind(value) for kind in (int, float, str) if isinstance(value, kind))
    return repr(value)


# ------------------------------------------------------------------------------------------------------------ SDK v1


def v1_client():
    import azureml.core
    from azureml.core import Environment
    from azureml.core._serialization_utils import _serialize_to_dict
    from azureml.core.environment import EnvironmentReference
    from azureml.core.runconfig import RunConfiguration

    def serialized(environment):
        value = _serialize_to_dict(environment)
        conda = getattr(getattr(environment, "python", None), "conda_dependencies", None)
        if isinstance(value, dict) and isinstance(value.get("python"), dict):
            value["python"]["condaDependencies"] = getattr(conda, "_conda_dependencies", None)
        return value

    def precache(environment):
        if isinstance(environment, EnvironmentReference):
            return "a reference"
        spark = getattr(environment, "spark", None)
        return "no spark" if spark is None else plain(spark.precache_packages)

    def load(kind, path):
        if kind == "v1-json":
            environment = Environment.load_from_directory(str(path.parent))
            return {"value": plain(serialized(environment)), "precache": precache(environment)}
        config = RunConfiguration.load(str(path))
        value = _serialize_to_dict(config)
        value["environment"] = serialized(config.environment)
        return {"value": plain(value), "precache": precache(config.environment)}

    return f"azureml-core {azureml.core.VERSION}", load


# ------------------------------------------------------------------------------------------------------------ SDK v2


def v2_client():
    import azure.ai.ml
    from azure.ai.ml import (load_batch_deployment, load_component, load_environment, load_job,
                             load_online_deployment)
    from azure.ai.ml.entities import Environment

    loaders = {
        "v2-environment": load_environment,
        "v2-job": load_job,
        "v2-component": load_component,
        "v2-online-deployment": load_online_deployment,
        "v2-batch-deployment": load_batch_deployment,
    }

    def environment(value):
        """An environment without the name and version that the client makes from its content."""
        fields = ("name", "version", "description", "tags", "properties", "image", "conda_file", "os_type")
        result = {field: plain(getattr(value, field, None)) for field in fields}
        if getattr(value, "_is_anonymous", False):
            result["name"] = result["version"] = None
        build = value.build
        result["build"] = build and {"path": str(build.path), "dockerfile_path": build.dockerfile_path}
        routes = value.inference_config
        result["inference_config"] = routes and plain(routes.as_dict() if hasattr(routes, "as_dict") else repr(routes))
        return result

    def verdict(value):
        try:
            value.validate()
        except Exception as refusal:  # whatever a client raises is its answer
            return f"{type(refusal).__name__}: {refusal}".strip()
        return None

    def environments(entity):
        """The inline environments of an entity, by where they stand."""
        found, seen, waiting = {}, set(), [("", entity)]
        while waiting:
            path, value = waiting.pop()
            if isinstance(value, Environment):
                found[path] = value
            if value is None or isinstance(value, (Environment, str, int, float, list, tuple)) or id(value) in seen:
                continue
            seen.add(id(value))
            inner = dict(value) if type(value) is dict else {}
            for name in ("environment", "jobs", "component", "task", "trial"):
                # Asked for what it lacks, a job makes an empty map.
                if hasattr(type(value), name) or name in getattr(value, "__dict__", {}):
                    inner[name] = getattr(value, name)
            waiting += [(f"{path}.{name}" if path else str(name), item) for name, item in inner.items()]
        return found

    def load(kind, path):
        entity = loaders[kind](source=str(path))
        found = environments(entity)
        verdicts = {where: verdict(item) for where, item in sorted(found.items())}
        wrong = [f"{where}: {said}" if where else said for where, said in verdicts.items() if said]
        value = {"environments": {where: environment(item) for where, item in found.items()}}
        if kind != "v2-environment":
            value["entity"] = without_hashes(plain(entity._to_dict()))
        return {"value": value, "validates": "; ".join(wrong) or None}

    return f"azure-ai-ml {azure.ai.ml.__version__}", load


def without_hashes(value, key=None):
    """What the client derives from the content of an anonymous environment is none of the definition's keys."""
    if isinstance(value, dict):
        if re.fullmatch(ANONYMOUS, str(value.get("name", ""))):
            value = {name: item for name, item in value.items() if name not in ("name", "version", "id")}
        return {name: without_hashes(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [without_hashes(item) for item in value]
    if key == "environment" and isinstance(value, str) and "CliV2AnonymousEnvironment" in value:
        return "an anonymous environment"
    return value


def main():
    # Whatever a client prints is none of the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    version, load = {"v1": v1_client, "v2": v2_client}[sys.argv[1]]()
    print(json.dumps({"client": version}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                answer = {"loads": True, **load(request["kind"], pathlib.Path(request["path"]))}
        except Exception as refusal:  # whatever a client raises is its answer
            answer = {"loads": False, "error": f"{type(refusal).__name__}: {refusal}".strip()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
