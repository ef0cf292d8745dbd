# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels to boot: Debian's packages, downloaded by apt's own sources and unpacked, never installed."""
import lzma
import pathlib
import re
import subprocess

META = "linux-image-cloud-amd64"
SERIES = ("6.1", "6.12")
# What tests use and Debian builds as modules; those that a kernel has built in are not found.
MODULES = ("veth", "dummy", "cls_bpf", "act_bpf", "sch_ingress", "netkit", "nf_defrag_ipv4",
           "nf_defrag_ipv6", "tcp_dctcp")


class Unavailable(Exception):
    """Why there is no such kernel here."""


def apt(*argv, **options):
    try:
        return subprocess.run([*argv], check=True, capture_output=True, text=True, timeout=300,
                              **options).stdout
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise Unavailable(f"{' '.join(argv[:2])}: {said.strip().splitlines()[-1]}") from None


def packages():
    """The newest package of each series that the configured sources offer: series -> (name, version)."""
    found = {}
    for stanza in apt("apt-cache", "show", META).split("\n\n"):
        version = re.search("^Version: (.*)$", stanza, re.M)
        depends = re.search(r"^Depends: (linux-image-[0-9]\S*)", stanza, re.M)
        if not version or not depends:
            continue
        series = ".".join(version[1].split(".")[:2])
        newer = ["dpkg", "--compare-versions", version[1], "gt", found.get(series, ("", "0"))[1]]
        if subprocess.run(newer, check=False).returncode == 0:
            found[series] = (depends[1], version[1])
    return found


class Kernel:
    """An unpacked package: .series, .release, .image, and its modules."""

    def __init__(self, series, top):
        self.series, self.top = series, top
        images = sorted(top.glob("boot/vmlinuz-*"))
        if not images:
            raise Unavailable(f"no kernel in the package unpacked at {top}")
        self.image = images[0]
        self.release = self.image.name.removeprefix("vmlinuz-")

    def _module(self, name):
        for path in self.top.glob(f"lib/modules/{self.release}/kernel/**/{name}.ko*"):
            data = path.read_bytes()
            return lzma.decompress(data) if path.suffix == ".xz" else data
        return None

    def modules(self):
        """name -> bytes of what MODULES need, each behind what it depends on."""
        found = {}

        def take(name):
            data = None if name in found else self._module(name)
            if data is None:
                return
            depends = re.search(rb"\0depends=([^\0]*)\0", data)
            for other in filter(None, depends[1].decode().split(",") if depends else ()):
                take(other)
            found[name] = data
        for name in MODULES:
            take(name)
        return found


def get(series, cache):
    """The kernel of a series, from the cache directory or downloaded to it."""
    name, version = packages().get(series, (None, None))
    if not name:
        raise Unavailable(f"the configured sources offer no {META} of Linux {series}")
    top = pathlib.Path(cache, f"{name}_{version.replace(':', '_')}")
    if not top.is_dir():
        part = top.with_suffix(".part")
        subprocess.run(["rm", "-rf", part], check=True)
        part.mkdir(parents=True)
        apt("apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3",
            "download", f"{name}={version}", cwd=part)
        [package] = part.glob("*.deb")
        apt("dpkg-deb", "-x", str(package), str(part))
        package.unlink()
        part.rename(top)
    return Kernel(series, top)
