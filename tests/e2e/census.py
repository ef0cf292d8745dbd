# SPDX-License-Identifier: GPL-3.0-or-later
"""What BPF the kernel holds, and who holds it: asked by bpf(2) itself, not through what is tested.

Several tests run at once, and others may use BPF on the same machine. So what appeared during a
test is counted against it only when nobody else holds it: no other process by a descriptor, no other
bpffs by a pin, and no link or program of theirs in turn. (A program that others attach by netlink and
pin nowhere would be counted.)
"""
import ctypes
import os
import platform
import stat
import struct

_NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351, "ppc64le": 361}
_BPF = _NUMBERS.get(platform.machine())
_libc = ctypes.CDLL(None, use_errno=True)

MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, PROG_LOAD, OBJ_GET = 0, 1, 2, 5, 7
# kind: (command for the next id, command for a descriptor)
KINDS = {"prog": (11, 13), "map": (12, 14), "link": (31, 30)}
INFO_BY_FD = 15


def bpf(command, attributes):
    """Calls bpf(2); returns its result or raises OSError. attributes is a bytearray, written to."""
    if _BPF is None:
        raise OSError(38, "number of bpf(2) unknown on " + platform.machine())
    memory = (ctypes.c_char * len(attributes)).from_buffer(attributes)
    result = _libc.syscall(ctypes.c_long(_BPF), ctypes.c_long(command), memory,
                           ctypes.c_long(len(attributes)))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def refusal():
    """Why BPF cannot be used here; None where a map can be made and a program loaded."""
    insns = struct.pack("=" + "BBhi" * 2, 0xB7, 0, 0, 0, 0x95, 0, 0, 0)  # r0 = 0; exit
    code, license_text = ctypes.create_string_buffer(insns), ctypes.create_string_buffer(b"GPL")
    for what, command, attributes in (
            ("create a map", MAP_CREATE, struct.pack("=IIII", 2, 4, 4, 1)),
            ("load a program", PROG_LOAD,
             struct.pack("=IIQQ", 1, 2, ctypes.addressof(code), ctypes.addressof(license_text)))):
        try:
            os.close(bpf(command, bytearray(attributes.ljust(128, b"\0"))))
        except OSError as error:
            return f"the kernel refused to {what}: {error.strerror}"
    return None


def ids():
    """All ids of the kernel, as a set of (kind, id)."""
    found = set()
    for kind, (next_id, _) in KINDS.items():
        last = 0
        while True:
            attributes = bytearray(struct.pack("=III", last, 0, 0))
            try:
                bpf(next_id, attributes)
            except OSError:
                break
            last = struct.unpack_from("=I", attributes, 4)[0]
            found.add((kind, last))
    return found


def _identify(pid, fd):
    """(kind, id) of a process's descriptor, or None."""
    try:
        with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as lines:
            facts = dict(line.split(":", 1) for line in lines if ":" in line)
    except OSError:
        return None
    for key, kind in (("link_id", "link"), ("map_id", "map"), ("prog_id", "prog")):
        if key in facts:
            return kind, int(facts[key])
    return None


def pinned(path):
    """(kind, id) of what is pinned at path; None when it is no pin or is gone."""
    name = ctypes.create_string_buffer(os.fsencode(path))
    try:
        fd = bpf(OBJ_GET, bytearray(struct.pack("=QII", ctypes.addressof(name), 0, 0)))
    except OSError:
        return None
    try:
        return _identify("self", fd)
    finally:
        os.close(fd)


def counted(path, key=0):
    """The number, of eight bytes, under a key in the map pinned at path."""
    name, value = ctypes.create_string_buffer(os.fsencode(path)), ctypes.c_uint64()
    fd = bpf(OBJ_GET, bytearray(struct.pack("=QII", ctypes.addressof(name), 0, 0)))
    try:
        number = ctypes.c_uint32(key)
        bpf(MAP_LOOKUP, bytearray(struct.pack("=IIQQQ", fd, 0, ctypes.addressof(number),
                                              ctypes.addressof(value), 0)))
    finally:
        os.close(fd)
    return value.value


def put(path, key, value):
    """Puts a number of four bytes, a descriptor perhaps, under a key into the map pinned at path."""
    name, number = ctypes.create_string_buffer(os.fsencode(path)), ctypes.c_uint32(key)
    held = ctypes.c_uint32(value)
    fd = bpf(OBJ_GET, bytearray(struct.pack("=QII", ctypes.addressof(name), 0, 0)))
    try:
        bpf(MAP_UPDATE, bytearray(struct.pack("=IIQQQ", fd, 0, ctypes.addressof(number),
                                              ctypes.addressof(held), 0)))
    finally:
        os.close(fd)


def exists(kind, number):
    """Whether the kernel has a "prog", "map" or "link" of that id."""
    try:
        os.close(bpf(KINDS[kind][1], bytearray(struct.pack("=III", number, 0, 0))))
    except OSError:
        return False
    return True


def _info(kind, number, size):
    """The kernel's info about an id, as a bytearray; None when it is gone."""
    try:
        fd = bpf(KINDS[kind][1], bytearray(struct.pack("=III", number, 0, 0)))
    except OSError:
        return None
    info = bytearray(size)
    if kind == "prog":
        room = (ctypes.c_uint32 * 256)()
        struct.pack_into("=IQ", info, 52, 256, ctypes.addressof(room))  # nr_map_ids, map_ids
    memory = (ctypes.c_char * size).from_buffer(info)
    try:
        bpf(INFO_BY_FD, bytearray(struct.pack("=IIQ", fd, size, ctypes.addressof(memory))))
    except OSError:
        return None
    finally:
        os.close(fd)
    if kind == "prog":
        count = min(struct.unpack_from("=I", info, 52)[0], 256)
        return {("map", room[i]) for i in range(count)}
    return {("prog", struct.unpack_from("=I", info, 8)[0])}


def closure(roots):
    """roots, and the programs of its links, and the maps of its programs."""
    found = set(roots)
    for kind, size in (("link", 16), ("prog", 80)):
        for number in [number for k, number in found if k == kind]:
            found |= _info(kind, number, size) or set()
    return found


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def marked(mark):
    """Live processes whose environment has the variable setting mark (bytes, NAME=VALUE)."""
    found = []
    for pid in processes():
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                if mark in environ.read().split(b"\0"):
                    found.append(pid)
        except OSError:
            continue
    return found


def _held_by_descriptor(except_pids):
    found = set()
    for pid in processes():
        if pid in except_pids:
            continue
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if "bpf" in os.readlink(f"/proc/{pid}/fd/{fd}"):
                    found.add(_identify(pid, fd))
        except OSError:
            continue
    return found - {None}


def _mounts(except_device):
    """A descriptor of each bpffs mounted in any mount namespace, once per device.

    By descriptor, because the process whose view it was taken from may end at any time.
    """
    namespaces, devices = set(), {}
    for pid in processes():
        try:
            namespace = os.readlink(f"/proc/{pid}/ns/mnt")
            if namespace in namespaces:
                continue
            with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="replace") as lines:
                points = [line.split()[4].encode().decode("unicode_escape") for line in lines
                          if " - bpf " in line]
            for point in points:
                try:
                    fd = os.open(f"/proc/{pid}/root{point}", os.O_PATH | os.O_DIRECTORY)
                except OSError:
                    continue  # hidden below another mount
                device = os.fstat(fd).st_dev
                if device == except_device or device in devices:
                    os.close(fd)
                else:
                    devices[device] = fd
            if os.readlink(f"/proc/{pid}/ns/mnt") == namespace:
                namespaces.add(namespace)
        except OSError:
            continue  # it ended: another process of the namespace will do
    return devices.values()


def _held_by_pin(except_device):
    found = set()
    for fd in _mounts(except_device):
        for directory, _, names in os.walk(f"/proc/self/fd/{fd}"):
            found |= {pinned(os.path.join(directory, name)) for name in names}
        os.close(fd)
    return found - {None}


def held_by_others(our_pids, our_device):
    return closure(_held_by_descriptor(set(our_pids) | {os.getpid()}) | _held_by_pin(our_device))


def pins(top):
    """All that is below a directory of bpffs: path -> ("dir",) or (inode, kind, id)."""
    found = {}
    for directory, directories, names in os.walk(top):
        for name in directories:
            found[os.path.relpath(os.path.join(directory, name), top)] = ("dir",)
        for name in names:
            path = os.path.join(directory, name)
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            what = ("symlink", os.readlink(path)) if stat.S_ISLNK(status.st_mode) else pinned(path)
            found[os.path.relpath(path, top)] = (status.st_ino, what)
    return found
