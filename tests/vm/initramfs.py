# SPDX-License-Identifier: GPL-3.0-or-later
"""The initramfs: this system's own tools and Python, the programs as built, and the tests."""
import os
import pathlib
import re
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
HOME = "bpfman"  # where the tree is, inside
TOOLS = """bash busybox python3 ip tc ping nsenter unshare setpriv capsh mount umount taskset flock
    stty tty env true false cat cp mv rm ls ln mkdir sleep timeout kill id uname dd sort head seq tr
    touch chmod chown readlink readelf strings stat script setsid bpftool strace tput""".split()
# Of Python's library what no test imports, and of the packages what pytest itself needs.
LEFT_OUT = ("test", "idlelib", "lib2to3", "ensurepip", "tkinter", "__pycache__", "turtledemo",
            "pydoc_data", "distutils")
PACKAGES = ("_pytest", "pytest", "pluggy", "iniconfig", "packaging", "attr", "attrs", "pexpect",
            "ptyprocess", "pyte", "wcwidth", "more_itertools")


class Root:
    """A directory that becomes the initramfs."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.directory / "usr" / name).mkdir(parents=True)
            (self.directory / name).symlink_to(f"usr/{name}")
        for name in ("dev", "proc", "sys", "run", "tmp", "etc", "root", "var"):
            (self.directory / name).mkdir()

    def inside(self, path):
        return self.directory / str(path).lstrip("/")

    def file(self, path, data, mode=0o644):
        target = self.inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        target.chmod(mode)

    def copy(self, source, path=None):
        """A file, and all files that a symbolic link to it goes through."""
        source = pathlib.Path(source)
        target = self.inside(path or source)
        if target.exists() or target.is_symlink():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink() and not path:
            target.symlink_to(os.readlink(source))
            self.copy(source.parent / os.readlink(source))
        else:
            shutil.copy2(source, target)

    def tree(self, source, path=None, left_out=LEFT_OUT):
        shutil.copytree(source, self.inside(path or source), symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns(*left_out))

    def libraries(self, *programs):
        """What the dynamic linker would load for them."""
        said = subprocess.run(["ldd", *programs], capture_output=True, text=True,
                              check=False).stdout
        for path in sorted(set(re.findall(r"(?:=> )?(/\S+) \(0x", said))):
            self.copy(path)


def _python(root):
    library = subprocess.run(["/usr/bin/python3", "-c", "import os; print(os.__file__)"],
                             capture_output=True, text=True, check=True).stdout
    library = pathlib.Path(library).parent
    root.tree(library, left_out=(*LEFT_OUT, "config-*"))
    root.libraries(*library.glob("lib-dynload/*.so"))
    for name in PACKAGES:
        path = pathlib.Path("/usr/lib/python3/dist-packages", name)
        if path.is_dir():
            root.tree(path)
    for path in pathlib.Path("/usr/lib/python3/dist-packages").glob("*.py"):
        root.copy(path)


def _tools(root):
    # The system's own, whatever stands first in PATH.
    found = [path for name in TOOLS if (path := shutil.which(name, path="/usr/bin:/usr/sbin"))]
    for path in found:
        root.copy(os.path.realpath(path), path)
    root.libraries(*found)
    for path in pathlib.Path("/lib").glob("*-linux-gnu/libgcc_s.so.1"):  # for threads that end
        root.copy(path)
    for path in pathlib.Path("/usr/lib/locale").glob("C.*"):
        root.tree(path)
    for entry in ("x/xterm-256color", "l/linux", "d/dumb"):
        for top in ("/lib/terminfo", "/usr/share/terminfo"):
            if os.path.exists(f"{top}/{entry}"):
                root.copy(f"{top}/{entry}")
    applets = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    for name in applets.stdout.split():
        for place in ("bin", "sbin"):
            if root.inside(f"/usr/{place}/{name}").exists():
                break
        else:
            root.inside(f"/usr/bin/{name}").symlink_to("busybox")


def build(directory, build_directory, objects):
    """Fills directory with all but kernel modules and the choice of tests."""
    root = Root(directory)
    _tools(root)
    _python(root)
    programs = [build_directory / name for name in ("bpfman", "bpfman-kernel")]
    for path in programs:
        root.copy(path, f"/{HOME}/build/{path.name}")
    root.libraries(*programs)
    root.tree(build_directory / "examples", f"/{HOME}/build/examples")
    root.tree(TOP / "tests/e2e", f"/{HOME}/tests/e2e")
    root.tree(TOP / "tests/vm", f"/{HOME}/tests/vm")
    root.tree(TOP / "examples", f"/{HOME}/examples")
    if os.path.isdir(objects):
        root.tree(objects, f"/{HOME}/objects")
    root.copy(TOP / "tests/vm/init", "/init")
    root.file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"
                             "nobody:x:65534:65534:nobody:/:/bin/false\n")
    root.file("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
    root.file("/etc/hosts", "127.0.0.1 localhost\n")
    subprocess.run(["ldconfig", "-r", directory], check=True, capture_output=True)
    return root


def pack(directory, archive):
    """An uncompressed archive: unpacking is most of the boot where there is no KVM."""
    names = subprocess.run(["find", ".", "-print0"], cwd=directory, check=True,
                           capture_output=True).stdout
    with open(archive, "wb") as out:
        subprocess.run(["cpio", "--null", "-o", "-H", "newc", "--quiet", "-R", "0:0"],
                       cwd=directory, input=names, stdout=out, check=True)


def pack_kernel(directory, archive, kernel, variables):
    """What differs from one boot to the next: the modules, in loading order, and what to run."""
    place = pathlib.Path(directory)
    (place / "modules").mkdir(parents=True)
    modules = kernel.modules()
    for name, data in modules.items():
        (place / "modules" / f"{name}.ko").write_bytes(data)
    (place / "modules.list").write_text("".join(f"{name}\n" for name in modules),
                                        encoding="ascii")
    (place / "variables").write_text(variables, encoding="utf-8")
    pack(place, archive)
