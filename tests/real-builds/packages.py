"""Packages made on the spot, so that no case depends on what an index holds on the day: wheels and a conda channel.

A package is a line: `NAME VERSION`, or `NAME VERSION: REQUIREMENT, REQUIREMENT`.
"""

import base64
import bz2
import hashlib
import io
import json
import re
import sys
import tarfile
import zipfile

from builders import run

# What the interpreter and the pip of the channel do: hand over to the image's own.
CONDA_PROGRAMS = {"python": ("bin/python", '#!/bin/sh\nexec /usr/bin/python3 "$@"\n'),
                  "pip": ("bin/pip", '#!/usr/bin/python3\nimport runpy\n\nrunpy.run_module("pip", run_name="__main__")\n')}


def parse(line):
    head, _, requirements = line.partition(":")
    name, version = head.split()
    return name, version, [text.strip() for text in requirements.split(",") if text.strip()]


def wheel(line, folder):
    """A wheel with one module, which says its version. A version that no standard knows goes into the metadata as it is."""
    name, version, requirements = parse(line)
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {text}\n" for text in requirements)
    files = {f"{module}.py": f'version = "{version}"\n', f"{info}/METADATA": metadata,
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: envfix\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def simple(lines, folder):
    """A PEP 503 index of wheels."""
    for line in lines:
        wheel(line, folder / "simple" / re.sub(r"[-_.]+", "-", parse(line)[0]).lower())


def pips(versions, folder):
    """pip itself in these versions, fetched by the host's pip from where it gets its packages."""
    for version in versions:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        run(*command, "--ignore-requires-python", "--dest", folder / "simple" / "pip", f"pip=={version}")


def channel(lines, folder):
    """A conda channel for linux-64."""
    index = {"info": {"subdir": "linux-64"}, "packages": {}}
    here = folder / "linux-64"
    here.mkdir(parents=True)
    for line in lines:
        name, version, requirements = parse(line)
        path, text = CONDA_PROGRAMS.get(name, (f"share/{name}/version", f"{version}\n"))
        entry = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": requirements,
                 "subdir": "linux-64", "arch": "x86_64", "platform": "linux"}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:bz2") as archive:
            for member, content in [(path, text), ("info/index.json", json.dumps(entry)), ("info/files", f"{path}\n")]:
                about = tarfile.TarInfo(member)
                about.size, about.mode = len(content.encode()), 0o755
                archive.addfile(about, io.BytesIO(content.encode()))
        data = packed.getvalue()
        (here / f"{name}-{version}-0.tar.bz2").write_bytes(data)
        index["packages"][f"{name}-{version}-0.tar.bz2"] = entry | {"md5": hashlib.md5(data).hexdigest(), "size": len(data)}
    (folder / "noarch").mkdir()
    for part, content in [("linux-64", index), ("noarch", {"info": {"subdir": "noarch"}, "packages": {}})]:
        (folder / part / "repodata.json").write_text(json.dumps(content), encoding="utf-8")
        (folder / part / "repodata.json.bz2").write_bytes(bz2.compress(json.dumps(content).encode()))
