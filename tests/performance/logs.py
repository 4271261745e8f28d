"""A long log, and the expressions that envfix looks for in one, as other programs read them."""

import pathlib
import re

import yaml


def write(path, folder, megabytes):
    """Writes the log of one build in BuildKit's plain form, some megabytes of what real builds printed in one step, and
    gives its size. The step fails for a reason that stands in its last lines."""
    texts = [file.read_bytes() for file in sorted(pathlib.Path(folder).glob("*.log"))]
    lines = [line for text in texts for line in text.splitlines() if b"\x1b" not in line and not line.startswith((b"Step ", b"#"))]
    size, most, number = 0, megabytes * 1_000_000, 0
    with open(path, "wb") as out:
        size += out.write(b"#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#5 [2/2] RUN pip install -r requirements.txt\n")
        while size < most:
            block = b"".join(b"#5 %.1f %s\n" % (number * 0.1 + at / 1000, line) for at, line in enumerate(lines))
            size += out.write(block)
            number += len(lines)
        size += out.write(b"#5 9.1 ERROR: No matching distribution found for no-such-package\n"
                          b'#5 ERROR: process "/bin/sh -c pip install -r requirements.txt" did not complete successfully: exit code: 1\n')
    return size


def patterns(folder):
    """The expressions of all symptoms, from the patch files."""
    found = []
    for file in sorted(pathlib.Path(folder).glob("*.yaml")):
        patch = yaml.safe_load(file.read_text(encoding="utf-8"))
        found += [symptom["line"] for symptom in patch.get("symptoms") or []]
    if len(found) < 50:
        raise SystemExit(f"only {len(found)} expressions in {folder}")
    return found


def for_ripgrep(pattern):
    """The same expression over bytes, as envfix reads it: older ripgreps have another writing of named groups, and without
    Unicode a character is written as its bytes."""
    pattern = re.sub(r"\(\?P?<\w+>", "(", pattern)
    pattern = re.sub(r"\\x\{([0-9A-Fa-f]+)\}", lambda found: chr(int(found[1], 16)), pattern)
    return "".join(c if c.isascii() else "".join(f"\\x{byte:02x}" for byte in c.encode()) for c in pattern)


def for_grep(pattern):
    """The same for `grep -E`: no named groups, no groups that do not count, no lazy repetitions, other classes."""
    pattern = re.sub(r"\(\?P?<\w+>|\(\?:", "(", pattern)
    pattern = re.sub(r"\(\?i\)|\(\?-?[a-z]+\)", "", pattern)
    pattern = re.sub(r"\(\?[a-z-]+:", "(", pattern)
    pattern = re.sub(r"([*+?}])\?", r"\1", pattern)
    return pattern.replace(r"\d", "[0-9]")
