"""The images that the Dockerfiles start from. No registry is asked: Debian's are made by mmdebstrap from Debian's packages, and
the others are built on them (bases/NAME/Dockerfile) to stand in for the images whose names they get.
"""

import concurrent.futures
import hashlib
import pathlib
import shutil

from builders import check, run

HERE = pathlib.Path(__file__).resolve().parent / "bases"
SUITES = {"bullseye": 11, "bookworm": 12, "trixie": 13}
# What Debian's own images have; and they have no package lists.
INCLUDED = ["ca-certificates"]
# Stand-ins: the folder in bases/, what it starts from, and the name it answers to.
STAND_INS = {
    "python-3.9": ("python", "bullseye", "docker.io/library/python:3.9-slim"),
    "python-3.11": ("python", "bookworm", "docker.io/library/python:3.11-slim"),
    "python-3.13": ("python", "trixie", "docker.io/library/python:3.13-slim"),
    "conda": ("conda", "bullseye", "docker.io/continuumio/miniconda3:4.3.14"),
}
# What the second builder gets, too.
FOR_DOCKER = ["bookworm", "python-3.11"]


def debian_names(suite):
    return [f"docker.io/library/debian:{tag}" for version in [suite, SUITES[suite]] for tag in [version, f"{version}-slim"]]


def bootstrap(suite, work):
    """The root file system of a release, as a folder to build from. Made once."""
    folder = work / "bases" / suite
    archive = folder / "root.tar"
    if not archive.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run("mmdebstrap", "--variant=apt", f"--include={','.join(INCLUDED)}", suite, folder / "new.tar")
        (folder / "Dockerfile").write_text("FROM scratch\nADD root.tar /\nRUN rm -rf /var/lib/apt/lists/*\nCMD [\"bash\"]\n",
                                           encoding="utf-8")
        (folder / "new.tar").rename(archive)
    return folder


def key_of(folder):
    """What an image of a folder depends on: a base is made again when this changes."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
        if path.suffix != ".tar":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def make_image(builder, folder, name, parent, work):
    """Builds an image that the store does not have yet, or has of another folder."""
    keys = work / "bases" / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    key = f"{parent} {key_of(folder)}"
    known = keys / name
    image = f"localhost/base-{name}"
    if not (builder.has(image) and known.exists() and known.read_text(encoding="utf-8") == key):
        log = work / "bases" / f"{name}.log"
        code = builder.build(folder, image, log, limit=900)
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        check(code == 0, f"the base {name} does not build:\n" + "\n".join(last))
        known.write_text(key, encoding="utf-8")
    return key


def make(builder, work, only=None):
    """All bases, or those asked for and what they start from, in buildah's store, under the names that Dockerfiles use."""
    stand_ins = {name: it for name, it in STAND_INS.items() if only is None or name in only}
    suites = [suite for suite in SUITES if only is None or suite in only or any(it[1] == suite for it in stand_ins.values())]
    with concurrent.futures.ThreadPoolExecutor(len(SUITES)) as pool:
        folders = dict(zip(suites, pool.map(lambda suite: bootstrap(suite, work), suites)))
    keys = {}
    for suite, folder in folders.items():
        keys[suite] = make_image(builder, folder, suite, "", work)
        builder.tag(f"localhost/base-{suite}", *debian_names(suite))

    def stand_in(entry):
        name, (template, suite, called) = entry
        folder = work / "bases" / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HERE / template, folder)
        text = (folder / "Dockerfile").read_text(encoding="utf-8").replace("SUITE", f"localhost/base-{suite}")
        (folder / "Dockerfile").write_text(text, encoding="utf-8")
        make_image(builder, folder, name, hashlib.sha256(keys[suite].encode()).hexdigest(), work)
        builder.tag(f"localhost/base-{name}", called)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(stand_in, stand_ins.items()))


def give_to(docker, builder, work):
    """The bases that cases of the second builder start from."""
    for name in FOR_DOCKER:
        archive = work / "bases" / f"{name}-docker.tar"
        names = debian_names(name) if name in SUITES else [STAND_INS[name][2]]
        builder.save(f"localhost/base-{name}", names[0].removeprefix("docker.io/library/"), archive)
        docker.load(archive, names)
        archive.unlink()
