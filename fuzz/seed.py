#!/usr/bin/env python3
"""Fills a folder with the first inputs of every fuzz target: published files of the shared corpus, the files of testdata/, and
the examples of the patches. Nothing of it is kept in the repository.

    fuzz/seed.py WORK [--corpus FOLDER] [--most N]

makes WORK/TARGET/seeds. Without a corpus the project's own files are all.
"""

import argparse
import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LARGEST = 8192


def examples():
    """The block texts of the patches' examples, as (key, text), each example in one list."""
    for path in sorted((ROOT / 'patches').glob('*.yaml')):
        _, _, text = path.read_text(encoding='utf-8').partition('\nexamples:\n')
        for example in re.split(r'(?m)^  - ', text)[1:]:
            found = {}
            for match in re.finditer(r'(?m)^( *)?([a-z-]+): \|[-+]?\n((?:(?: {6,}.*)?\n)*)', example):
                lines = match[3].splitlines()
                indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
                found[match[2]] = '\n'.join(line[indent:] for line in lines) + '\n'
            file = re.search(r'(?m)^ *file: (\S+)', example)
            yield (file[1] if file else 'Dockerfile'), found


def files(folder, pattern='**/*'):
    if not folder.is_dir():
        return
    for path in sorted(folder.glob(pattern)):
        if path.is_file() and path.stat().st_size <= LARGEST:
            yield path.read_bytes()


def shell_of(dockerfile):
    """The texts of the RUNs."""
    for match in re.finditer(rb'(?mi)^RUN[ \t]+((?:.*\\\r?\n)*.*)', dockerfile):
        yield match[1]


def inputs(corpus):
    """Every input, as (target, bytes)."""
    dockerfiles, condas, definitions, programs, logs, patches = [], [], [], [], [], []
    pairs = []
    for name, example in examples():
        for key in ('before', 'after', 'unchanged'):
            text = example.get(key, '').encode()
            if not text:
                continue
            if name.endswith('.json'):
                definitions.append((1, text))
            elif name.endswith(('.py', '.ipynb')):
                programs.append((int(name.endswith('.ipynb')), text))
            elif name.endswith(('.yml', '.yaml', '.runconfig')):
                (condas if text.find(b'dependencies') >= 0 else definitions).append(
                    text if text.find(b'dependencies') >= 0 else (2 * name.endswith('.runconfig'), text))
            else:
                dockerfiles.append(text)
                if 'log' in example:
                    pairs.append(text + b'\0' + example['log'].encode())
        if 'log' in example:
            logs.append(example['log'].encode())
    data = ROOT / 'testdata'
    dockerfiles += files(data, '**/*ockerfile*')
    condas += files(data, '**/conda*.yml')
    definitions += [(1, text) for text in files(data, '**/*.json')] + [(2, text) for text in files(data, '**/*.runconfig')]
    programs += [(0, text) for text in files(data, '**/*.py')] + [(1, text) for text in files(data, '**/*.ipynb')]
    logs += files(data / 'logs')
    patches += files(ROOT / 'patches')
    dockerfiles += files(corpus / 'dockerfiles')
    dockerfiles += files(corpus / 'parser_fixtures')
    condas += files(corpus / 'conda')
    definitions += [(0, text) for text in files(corpus / 'azureml', '**/*.y*ml')]
    definitions += [(1, text) for text in files(corpus / 'azureml', '**/*.json')]
    definitions += [(2, text) for text in files(corpus / 'azureml', '**/*.runconfig')]
    programs += [(0, text) for text in files(corpus / 'python', '**/*.py')]
    programs += [(1, text) for text in files(corpus / 'python', '**/*.ipynb')]
    logs += files(corpus / 'logs')

    for text in dockerfiles:
        yield 'read_dockerfile', text
        yield 'fix_dockerfile', bytes([0]) + text
        for script in shell_of(text):
            yield 'read_shell', script
    for text in condas:
        yield 'read_conda', text
        yield 'fix_conda', bytes([0]) + text
    for kind, text in definitions:
        yield 'read_definition', bytes([kind % 2]) + text
        yield 'fix_definition', bytes([0, kind]) + text
    for kind, text in programs:
        yield 'read_script', bytes([kind]) + text
        yield 'fix_script', bytes([0, kind]) + text
    for text in logs:
        yield 'read_log', bytes([2, 7, 100]) + text
        yield 'fix_log', bytes([0]) + b'FROM python:3.10\nRUN pip install flask\n\0' + text
    for text in pairs:
        yield 'fix_log', bytes([0]) + text
    for text in patches:
        yield 'read_patch', text
    yield 'read_settings', b'faults = true\nunsafe = false\nonly = ["pip-pin"]\nskip = ["timeouts"]\n[values]\npip = "24.0"\npip-timeout = 300\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--corpus', type=pathlib.Path, default=ROOT / 'target/ci/corpus/corpus')
    parser.add_argument('--most', type=int, default=1000, help='inputs of a target; of more, every nth is taken')
    options = parser.parse_args()
    by_target = {}
    for target, text in inputs(options.corpus):
        by_target.setdefault(target, dict())[text] = None
    for target, texts in sorted(by_target.items()):
        folder = options.work / target / 'seeds'
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        texts = list(texts)
        step = max(1, -(-len(texts) // options.most))
        for number, text in enumerate(texts[::step]):
            (folder / f'{number:05}').write_bytes(text)
        print(f'{target}: {len(texts[::step])} of {len(texts)} inputs')
    return 0


if __name__ == '__main__':
    sys.exit(main())
