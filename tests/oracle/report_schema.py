#!/usr/bin/env python3
"""Checks real JSON reports of envfix against the schema that is documented.

    report_schema.py ENVFIX SCHEMA PATH...

Runs `envfix --dry-run --format json` over the paths, over something that is not there and over standard input, and
validates each report. Every key of a report must stand in the schema, so that nothing undocumented is printed. Needs
PyPI `jsonschema`. The exit code is 1 when a report does not fit.
"""

import json
import pathlib
import subprocess
import sys

import jsonschema


def closed(schema):
    """The schema with objects that take no keys beside the documented ones."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        schema = [closed(value) for value in schema]
    return schema


def main():
    if len(sys.argv) < 4:
        print(__doc__)
        return 2
    program, schema_file, *paths = sys.argv[1:]
    program = str(pathlib.Path(program).resolve())
    schema = json.loads(pathlib.Path(schema_file).read_text(encoding="utf-8"))
    validator_class = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    validator_class.check_schema(schema)
    validator = validator_class(closed(schema))
    failed = 0
    for what, arguments, stdin in (
        ("the paths", ["--", *paths], b""),
        ("the paths, --unsafe", ["--unsafe", "--", *paths], b""),
        ("the paths, --faults", ["--faults", "--", *paths], b""),
        ("a missing file", ["nowhere/Dockerfile"], b""),
        ("standard input", ["-"], b"FROM python:3.10\n# envfix: skip=distutils\nRUN pip install -U pip\n"),
    ):
        done = subprocess.run([program, "--dry-run", "--format", "json", *arguments], input=stdin, capture_output=True)
        try:
            report = json.loads(done.stdout)
        except ValueError as error:
            print(f"{what}: no JSON ({error}): {done.stderr.decode('utf-8', 'replace')[:500]}")
            failed += 1
            continue
        errors = list(validator.iter_errors(report))
        counts = ", ".join(f"{len(value)} {key}" for key, value in report.items() if isinstance(value, list))
        print(f"{what}: {len(errors)} errors in a report with {counts}")
        for error in errors[:5]:
            print(f"    {error.json_path}: {error.message[:300]}")
        failed += bool(errors)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
