#!/usr/bin/env python3
"""Runs the fuzz targets, each for its share of the time, and says what came of it.

    fuzz/run.py --seconds 240 --jobs 2          every target; exit code 1 when one of them found something
    fuzz/run.py --seconds 600 fix_example       one target
    fuzz/run.py --seconds 240 --runs 3000       no more than so many executions of each, from one seed: the same every time

What a target has grown stays in WORK/TARGET/found, what broke it in WORK/TARGET/crashes, with the command that shows it again.
Targets have to be built before (`cargo fuzz build`, see README.md) and seeds made (`seed.py`).
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
DICTIONARIES = {
    'fix_conda': 'yaml', 'fix_definition': 'yaml', 'fix_dockerfile': 'dockerfile', 'fix_log': 'log', 'fix_script': 'python',
    'read_conda': 'yaml', 'read_definition': 'yaml', 'read_dockerfile': 'dockerfile', 'read_log': 'log', 'read_patch': 'patch',
    'read_script': 'python', 'read_settings': 'toml', 'read_shell': 'shell',
}


def targets():
    return sorted(path.stem for path in (HERE / 'fuzz_targets').glob('*.rs'))


def once(target, seconds, options):
    """Lets libFuzzer run until the time is over or something breaks; gives its exit code, what it said, and
    the seconds that it had a processor: at the lowest priority a busy machine gives it few."""
    work = options.work / target
    command = ['nice', '-n', '19', options.binaries / target, work / 'found', work / 'seeds', f'-max_total_time={max(1, int(seconds))}',
               '-timeout=60', '-rss_limit_mb=3000', '-max_len=8192', '-print_final_stats=1',
               f'-artifact_prefix={work / "crashes"}/']
    if options.runs:
        command += [f'-runs={options.runs}', '-seed=1']
    if target in DICTIONARIES:
        command.append(f'-dict={HERE / "dict" / DICTIONARIES[target]}.dict')
    with open(work / 'log', 'w+b') as log:
        child = subprocess.Popen([str(part) for part in command], stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        return child.returncode, log.read().decode(errors='replace'), usage.ru_utime + usage.ru_stime


def fuzz(target, seconds, options):
    """Fuzzes one target and gives its row: executions, coverage, new inputs, what broke."""
    work = options.work / target
    for folder in ('found', 'crashes', 'seeds'):
        (work / folder).mkdir(parents=True, exist_ok=True)
    before, inputs = set((work / 'crashes').iterdir()), len(list((work / 'found').iterdir()))
    begun, busy, runs, coverage, failure = time.monotonic(), 0.0, 0, 0, None
    while True:
        left = seconds - (time.monotonic() - begun)
        code, said, used = once(target, left, options)
        busy += used
        runs += int((re.findall(r'(?m)^stat::number_of_executed_units: *(\d+)', said) or ['0'])[-1])
        coverage = max([coverage] + [int(found) for found in re.findall(r'cov: (\d+)', said)])
        failure = failure or (said if code != 0 else None)
        left = seconds - (time.monotonic() - begun)
        if code == 0 or not options.go_on or left < 5:
            break
    spent = time.monotonic() - begun
    # What only took long on a busy machine is no fault; what hangs is a `timeout-`.
    new = set((work / 'crashes').iterdir()) - before
    broken = sorted(path for path in new if not path.name.startswith('slow-unit-'))
    row = {'target': target, 'seconds': spent, 'busy': busy, 'runs': runs, 'coverage': coverage, 'failure': failure, 'broken': broken,
           'new': len(list((work / 'found').iterdir())) - inputs}
    with open(options.work / 'record.tsv', 'a', encoding='utf-8') as record:
        record.write(f'{target}\t{spent:.0f}\t{busy:.0f}\t{runs}\t{coverage}\t{row["new"]}\t{len(broken)}\n')
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('targets', nargs='*', metavar='TARGET', help='all of them where none is named')
    parser.add_argument('--seconds', type=float, default=240, help='of fuzzing in all, shared by the targets and the jobs')
    parser.add_argument('--jobs', type=int, default=1, help='how many targets run at once')
    parser.add_argument('--work', type=pathlib.Path, default=HERE / 'work')
    parser.add_argument('--binaries', type=pathlib.Path, default=HERE / 'target/x86_64-unknown-linux-gnu/release')
    parser.add_argument('--runs', type=int, help='of each target at most, its choices from one seed')
    parser.add_argument('--go-on', action='store_true', help='a target goes on after what it found, to the end of its time')
    options = parser.parse_args()
    chosen = options.targets or targets()
    for target in chosen:
        if target not in targets() or not (options.binaries / target).is_file():
            print(f'{target}: not built, or no target; there are {", ".join(targets())}', file=sys.stderr)
            return 2
    share = options.seconds * options.jobs / len(chosen)
    print(f'{"target":<18}{"seconds":>8}{"busy":>8}{"executions":>12}{"coverage":>10}{"new":>7}{"broken":>8}', flush=True)
    failed = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for row in pool.map(lambda target: fuzz(target, share, options), chosen):
            print(f'{row["target"]:<18}{row["seconds"]:>8.0f}{row["busy"]:>8.0f}{row["runs"]:>12}{row["coverage"]:>10}{row["new"]:>7}'
                  f'{len(row["broken"]):>8}', flush=True)
            if row['broken'] or row['failure'] or row['runs'] == 0:
                failed.append(row)
    for row in failed:
        print(f'\n==> {row["target"]}')
        print('\n'.join((row['failure'] or 'nothing was executed').splitlines()[-60:]))
        for path in row['broken']:
            print(f'again: {options.binaries / row["target"]} {path}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
