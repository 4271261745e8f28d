"""The two builders: Debian's buildah, and Debian's docker with the BuildKit in it.

Both keep everything in the work folder: images, layers, sockets. Debian's docker is unpacked there and not installed, so that
it meets no other docker of the machine.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

# What apt-get fetches for the second builder, and where in it the programs lie.
DOCKER_PACKAGES = ["docker.io", "containerd", "runc"]
DOCKER_PROGRAMS = ["usr/sbin", "usr/bin"]


class Failed(Exception):
    """A check did not hold, or a tool is not to be had. The text is for the person who reads the last lines."""


def check(holds, text):
    if not holds:
        raise Failed(text)


def run(*command, code=0, **options):
    """Runs a tool to its end. `code=None` takes any exit code."""
    options = {"capture_output": True, "encoding": "utf-8", "errors": "replace"} | options
    done = subprocess.run([str(word) for word in command], **options)
    if code is not None and done.returncode != code:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Failed(f"`{' '.join(map(str, command))}` ended with {done.returncode}:\n{said}")
    return done


def need_programs():
    """Installs what is missing of buildah and mmdebstrap, and says so."""
    missing = [name for name in ["buildah", "mmdebstrap"] if not shutil.which(name)]
    check(os.geteuid() == 0, "images are built as root here (chroot, mounts): run it as root, or in a container that is one")
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    by_hand = f"install {' and '.join(missing)} by hand (on Debian: {' '.join(command)})"
    check(shutil.which("apt-get"), f"there is no apt-get here: {by_hand}")
    print(f"installing {', '.join(missing)} with apt-get", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run("apt-get", "update", env=quiet)
        run(*command, env=quiet)
    except Failed as error:
        raise Failed(f"{error}\n{by_hand}") from None


def build_log(command, log, limit, **options):
    """Runs a build and writes what it prints into a log, as `2>&1 | tee` does. A build that takes longer than the limit is
    ended, as the time limit of a CI job ends it, and has no exit code."""
    with open(log, "wb") as file:
        child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=file,
                                 stderr=subprocess.STDOUT, start_new_session=True, **options)
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            # SIGTERM first: the builder unmounts what it has mounted.
            for number in [signal.SIGTERM, signal.SIGKILL]:
                try:
                    os.killpg(child.pid, number)
                    child.wait(20)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    pass
            child.wait()
            return None


class Buildah:
    name = "buildah"

    def __init__(self, work):
        self.store = work / "buildah"
        self.command = self.with_driver()
        self.version = run("buildah", "--version").stdout.split()[2]
        # Files of the host that a RUN sees: pip's configuration.
        self.mounts = []

    def with_driver(self):
        """overlay, or vfs where the work folder's file system carries no overlay."""
        for driver in ["overlay", "vfs"]:
            command = ["buildah", "--root", self.store / driver, "--runroot", self.store / "run", "--storage-driver", driver]
            if run(*command, "images", code=None).returncode == 0:
                return command
        raise Failed(f"buildah can store images in {self.store} neither with overlay nor with vfs")

    def build(self, folder, tag, log, limit=900, mounts=(), file="Dockerfile"):
        # A case's own configuration takes the place of the host's.
        seen = {inside: outside for outside, inside in [*self.mounts, *mounts]}
        volumes = [word for inside, outside in seen.items() for word in ("--volume", f"{outside}:{inside}:ro")]
        command = [*self.command, "build", "--isolation", "chroot", "--network", "host", "--layers", "--pull-never"]
        return build_log([*command, *volumes, "--file", folder / file, "--tag", tag, folder], log, limit)

    def run_in(self, tag, text):
        """Runs a shell text in a container of the image, as its user and with its variables."""
        container = run(*self.command, "from", "--pull-never", tag).stdout.strip()
        try:
            return run(*self.command, "run", "--isolation", "chroot", container, "--", "sh", "-c", text, code=None)
        finally:
            run(*self.command, "rm", container)

    def has(self, tag):
        return run(*self.command, "images", "--quiet", tag, code=None).returncode == 0

    def tag(self, image, *names):
        run(*self.command, "tag", image, *names)

    def save(self, image, name, path):
        """The image as an archive that `docker load` reads under this name."""
        path.unlink(missing_ok=True)
        run(*self.command, "push", image, f"docker-archive:{path}:{name}")

    def clean(self):
        """Removes the images of cases, and every layer that no base needs."""
        names = run(*self.command, "images", "--format", "{{.Name}}:{{.Tag}}").stdout.split()
        cases = [name for name in names if name.startswith("localhost/case-")]
        if cases:
            run(*self.command, "rmi", "--force", *cases)
        run(*self.command, "rmi", "--prune", "--force", code=None)

    def close(self):
        """Removes what was made, and takes down the mounts that buildah leaves behind."""
        self.clean()
        for mount in mounts_below(self.store):
            run("umount", "--lazy", mount, code=None)


class Docker:
    name = "docker"

    def __init__(self, work):
        self.work = work / "docker"
        self.server = None
        folder = self.unpack()
        self.environment = {"PATH": os.pathsep.join([*(str(folder / part) for part in DOCKER_PROGRAMS), os.environ["PATH"]]),
                            "HOME": str(self.work), "DOCKER_BUILDKIT": "1"}
        self.command = [folder / "usr/bin/docker", "--host", f"unix://{self.socket()}"]
        self.start(folder)
        self.version = run(*self.command, "version", "--format", "{{.Server.Version}}", env=self.environment).stdout.strip()

    def socket(self):
        """A socket's path may have 107 bytes at most."""
        path = self.work / "docker.sock"
        check(len(os.fsencode(path)) < 108, f"{path} is too long for a socket: give a shorter --work")
        return path

    def unpack(self):
        folder = self.work / "programs"
        if (folder / "complete").exists():
            return folder
        shutil.rmtree(self.work, ignore_errors=True)
        packages = self.work / "packages"
        packages.mkdir(parents=True)
        print(f"fetching {', '.join(DOCKER_PACKAGES)} with apt-get download; they are unpacked, not installed", flush=True)
        fetch = ["apt-get", "download", *DOCKER_PACKAGES]
        if run(*fetch, cwd=packages, code=None).returncode != 0:
            run("apt-get", "update")
            run(*fetch, cwd=packages)
        for package in packages.glob("*.deb"):
            run("dpkg-deb", "--extract", package, folder)
        (folder / "complete").touch()
        shutil.rmtree(packages)
        return folder

    def start(self, folder):
        for name in ["data", "run"]:
            shutil.rmtree(self.work / name, ignore_errors=True)
        self.socket().unlink(missing_ok=True)
        options = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--data-root", self.work / "data",
                   "--exec-root", self.work / "run", "--pidfile", self.work / "pid", "--host", f"unix://{self.socket()}"]
        (self.work / "pid").unlink(missing_ok=True)
        with open(self.work / "dockerd.log", "wb") as log:
            self.server = subprocess.Popen([str(word) for word in [folder / "usr/sbin/dockerd", *options]],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                           env=os.environ | self.environment, start_new_session=True)
        deadline = time.monotonic() + 60
        while run(*self.command, "version", code=None, env=self.environment).returncode != 0:
            if self.server.poll() is not None or time.monotonic() > deadline:
                self.close()
                last = (self.work / "dockerd.log").read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
                raise Failed("dockerd does not come up (--builders buildah does without it):\n" + "\n".join(last))
            time.sleep(0.3)

    def build(self, folder, tag, log, limit=900, mounts=(), file="Dockerfile"):
        check(not mounts, "docker build mounts nothing: a case with an index of its own needs buildah")
        command = [*self.command, "build", "--network", "host", "--progress", "plain", "--file", folder / file]
        return build_log([*command, "--tag", tag, folder], log, limit, env=os.environ | self.environment)

    def run_in(self, tag, text):
        command = [*self.command, "run", "--rm", "--network", "host", "--entrypoint", "sh", tag, "-c", text]
        return run(*command, code=None, env=self.environment)

    def load(self, path, names):
        run(*self.command, "load", "--quiet", "--input", path, env=self.environment)
        for name in names[1:]:
            run(*self.command, "tag", names[0], name, env=self.environment)

    def close(self):
        """Ends dockerd (and with it its containerd) and removes what it stored."""
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.server.pid, signal.SIGKILL)
                self.server.wait()
        for mount in mounts_below(self.work):
            run("umount", "--lazy", mount, code=None)
        for name in ["data", "run"]:
            shutil.rmtree(self.work / name, ignore_errors=True)


def mounts_below(folder):
    """What is mounted below a folder, the innermost first."""
    lines = pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    paths = [re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line.split()[1]) for line in lines]
    return sorted((path for path in paths if path.startswith(f"{folder}/")), key=len, reverse=True)
