# SPDX-License-Identifier: GPL-3.0-or-later
"""What bpfman-kernel must refuse: the message says why, and nothing is left behind."""
import errno
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

from asking import (HEAD, LICENSE, MAP, ask, bad, good, program, root, source, staged, use, xdp)
from conftest import missing, need_user_namespaces

pytestmark = pytest.mark.usefixtures("need_bpf")


# ---- what must be refused ----


def test_object_files_that_are_none(env, xdp, build_bpf, unchanged):
    content = pathlib.Path(xdp).read_bytes()
    other_machine = content[:18] + struct.pack("=H", 183) + content[20:]
    no_programs = build_bpf(HEAD + "int data = 1;\n" + LICENSE)
    os.mkfifo(env.dir / "fifo")
    cases = [
        (env.dir / "absent.o", "no_such_file", "absent.o: No such file"),
        (xdp + "/x", "no_such_file", "Not a directory"),
        (env.dir, "not_elf", "is a directory"),
        (env.dir / "fifo", "not_elf", "not a file"),
        ("/dev/zero", "not_elf", "not a file"),
        (env.file("empty.o"), "not_elf", "is empty"),
        (env.file("text.o", "SELECT 1;\n"), "not_elf", "is not an ELF"),
        ("/bin/true", "bad_elf", "not for BPF"),
        (env.file("arm.o", other_machine), "bad_elf", "ELF file for arm64"),
        (env.file("elf32.o", content[:4] + b"\1" + content[5:]), "bad_elf", "64-bit"),
        (env.file("big.o", content[:5] + b"\2" + content[6:]), "bad_elf", "byte order"),
        (env.file("header.o", content[:40]), "bad_elf", "cut off"),
        (env.file("cut.o", content[:len(content) // 2]), "bad_elf", "cut off"),
        (no_programs, "no_programs", "has no programs"),
    ]
    with unchanged(env):
        for path, reason, words in cases:
            error = bad(env, "open", reason, op="load", path=path, pin_path=env.pins / "x")
            assert words in error["message"], error
            assert error["environment"] is False
            if reason != "no_programs":
                assert bad(env, "open", reason, op="open", path=path) == error


def test_unknown_program_and_section(env, example, build_bpf, unchanged):
    path = build_bpf(source(program("xpd")))
    with unchanged(env):
        error = bad(env, "open", "no_such_program", op="load", path=example("multi"),
                    program="multi_xpd", pin_path=env.pins / "x")
        assert error["details"] == ["multi_xdp (xdp)", "multi_ingress (tc)", "multi_egress (tc)"]
        assert "multi_xdp" in error["hint"]
        error = bad(env, "open", "unknown_section", op="load", path=path, pin_path=env.pins / "x")
        assert "'xpd'" in error["message"] and "'xdp'" in error["hint"]


@pytest.mark.parametrize("section, nearest", [
    ("tracepoit/a/b", "'tracepoint'"), ("cgroup/bindd4", "'cgroup/bind4'"), ("zzz", "xdp")])
def test_nearest_section(env, build_bpf, section, nearest):
    path = build_bpf(source(program(section)))
    error = bad(env, "open", "unknown_section", op="load", path=path, pin_path=env.pins / "x")
    assert nearest in error["hint"]


def test_paths_that_cannot_be_pins(env, root, xdp, unchanged):
    pins = env.pins
    (pins / "dir").mkdir()
    (pins / "link").symlink_to(pins / "dir")
    (pins / "dangling").symlink_to(pins / "nothing")
    good(env, op="load", path=xdp, pin_path=pins / "taken")
    cases = [
        (pins / "taken", "pin_taken", "exists already"),
        (pins / "dir", "pin_taken", "exists already"),
        (pins / "taken/below", "bad_path", "not a directory"),
        (pins / "a.b", "bad_name", "dot"),
        (pins / "a.b/c", "bad_name", "dot"),
        (pins / ("n" * 256), "bad_name", "255 bytes"),
        (pins / "n" / ("n" * 300) / "x", "bad_name", "255 bytes"),
        (pins / "link/prog", "bad_name", "symbolic link"),
        (pins / "dangling", "bad_name", "symbolic link"),
        (pins / "link", "bad_name", "symbolic link"),
        ("relative/prog", "bad_name", "absolute"),
        (f"{pins}/../x", "bad_name", "'..'"),
        (f"{pins}/./x", "bad_name", "'.'"),
        ("/", "bad_name", "no name"),
        (env.dir / "prog", "not_bpffs", "not in a BPF file system"),
        (env.dir / "a.b/c", "not_bpffs", "not in a BPF file system"),
        (root / "inside", "bad_path", "inside the pin root"),
        (root / "3/p4_xdp_pass", "bad_path", "inside the pin root"),
    ]
    with unchanged(env):
        for path, reason, words in cases:
            error = bad(env, "pin", reason, **staged(env), path=xdp, pin_path=path)
            assert words in error["message"], error
            assert error["environment"] is False
    # At the limits it works.
    good(env, op="load", path=xdp, pin_path=pins / ("n" * 255))
    good(env, op="load", path=xdp, pin_path=f"{pins}//doubled//slash")


def test_another_mount(env, root, xdp, unchanged):
    other = env.dir / "other"
    other.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", other], check=True)
    try:
        with unchanged(env):
            error = bad(env, "pin", "bad_path", **staged(env), path=xdp, pin_path=other / "x")
        assert "another bpffs mount" in error["message"]
        # The same instance, mounted twice: link() says no.
        subprocess.run(["mount", "--bind", env.pins, other], check=True)
        try:
            with unchanged(env):
                error = bad(env, "pin", "bad_path", **staged(env), path=xdp, pin_path=other / "x")
                assert error["code"] == "EXDEV"
        finally:
            subprocess.run(["umount", other], check=True)
    finally:
        subprocess.run(["umount", other], check=True)


def test_the_root_must_be_there_on_bpffs_and_free(env, xdp, unchanged):
    with unchanged(env):
        error = bad(env, "pin", "bad_path", **staged(env), path=xdp)
        assert "does not exist" in error["message"]
    off = dict(op="load", path=xdp, staging=env.dir / "s3", final=env.dir / "3", next_id=4)
    with unchanged(env):
        error = bad(env, "pin", "not_bpffs", **off)
        assert error["environment"] is True and "mount -t bpf" in error["hint"]
    env.root.mkdir()
    for name in ("s3", "3"):
        (env.root / name).mkdir()
        with unchanged(env):
            bad(env, "pin", "pin_taken", **staged(env), path=xdp)
        (env.root / name).rmdir()


@pytest.mark.parametrize("change, words", [
    ({"staging": None, "final": None}, "nothing would stay"),
    ({"final": None}, "needs 'final'"), ({"staging": None}, "needs 'staging'"),
    ({"next_id": None}, "needs 'next_id'"), ({"final": "/elsewhere/3"}, "same directory"),
    ({"program": "multi_xdp", "programs": []}, "exclude"),
    ({"pin_path": "PINS/x"}, "3 are to be loaded"), ({"path": None}, "'path' and 'object'"),
    ({"object": "QUJD"}, "object_name"), ({"object": "QUJD", "path": None}, "object_name"),
    ({"object": "QUJ", "object_name": "x", "path": None}, "base64"),
    ({"path": "a\\qb"}, "backslash"), ({"path": "a\\x00b"}, "NUL"),
])
def test_requests_that_contradict_themselves(env, root, example, unchanged, change, words):
    request = {**staged(env), "path": example("multi"), **change}
    request = {k: v.replace("PINS", str(env.pins)) if isinstance(v, str) else v
               for k, v in request.items()}
    with unchanged(env):
        error = bad(env, "request", "request", **request)
    assert words in error["message"]


# ---- the environment's fault ----


def without(*capabilities, uid=0):
    """Runs without some capabilities."""
    drop = ",".join(f"-{c}" for c in capabilities)
    return ["setpriv", f"--reuid={uid}", "--inh-caps=" + drop, "--bounding-set=" + drop]


@pytest.mark.parametrize("name, drop, missing_one", [
    ("xdp_pass", ["bpf"], "CAP_BPF"), ("xdp_pass", ["net_admin"], "CAP_NET_ADMIN"),
    ("sched_switch", ["perfmon"], "CAP_PERFMON"), ("tc_count", ["net_admin"], "CAP_NET_ADMIN")])
def test_a_missing_capability_is_named(env, example, unchanged, name, drop, missing_one):
    first = good(env, op="open", path=example(name))["programs"][0]["name"]
    with unchanged(env):
        answer = ask(env, op="load", path=example(name), program=first,
                     pin_path=env.pins / "x", prefix=without(*drop, "sys_admin"))
    error = answer["error"]
    assert (error["stage"], error["reason"]) == ("verify", "capability"), error
    assert error["environment"] is True and missing_one in error["message"]
    named = set(re.findall(r"CAP_\w+", error["message"]))
    assert named == {missing_one}, "others are not missing"
    assert missing_one in error["hint"] and "ulimit" not in json.dumps(answer)


def test_a_map_may_need_a_capability_too(env, build_bpf, unchanged):
    path = build_bpf(source("""struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 1);
	__type(key, __u32); __type(value, __u32); } ports SEC(".maps");\n""",
                            program("socket", body=use("ports"))))
    with unchanged(env):
        answer = ask(env, op="load", path=path, pin_path=env.pins / "x",
                     prefix=without("net_admin", "sys_admin"))
    error = answer["error"]
    assert (error["stage"], error["reason"]) == ("create-map", "capability"), error
    assert "ports" in error["message"] and "CAP_NET_ADMIN" in error["message"]


def test_unprivileged_bpf_disabled(env, build_bpf, unchanged):
    if good(env, op="hello")["unprivileged_bpf_disabled"] in (0, None):
        missing("kernel.unprivileged_bpf_disabled is 0 here")
    path = build_bpf(source(program("socket")))
    with unchanged(env):
        answer = ask(env, op="load", path=path, pin_path=env.pins / "x",
                     prefix=without("bpf", "sys_admin"))
    error = answer["error"]
    assert error["reason"] == "unprivileged_bpf_disabled" and error["environment"] is True
    assert re.search(r"unprivileged_bpf_disabled is [12]", error["message"])


def test_user_namespace(env, xdp, unchanged):
    need_user_namespaces()
    env.pins.chmod(0o777)
    with unchanged(env):
        answer = ask(env, op="load", path=xdp, pin_path=env.pins / "x", prefix=["unshare", "-Ur"])
    error = answer["error"]
    assert error["reason"] == "user_namespace" and error["environment"] is True, error


SECCOMP = """
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | atoi(argv[1])),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &p))
		return 111;
	execv(argv[2], argv + 2);
	return 112;
}
"""


@pytest.mark.parametrize("code", ["EPERM", "ENOSYS"])
def test_bpf_denied_by_a_filter(env, xdp, unchanged, code):
    compiler = shutil.which("cc")
    if not compiler:
        missing("no C compiler")
    text = env.file("deny.c", SECCOMP)
    subprocess.run([compiler, text, "-o", env.dir / "deny"], check=True)
    with unchanged(env):
        answer = ask(env, op="load", path=xdp, pin_path=env.pins / "x",
                     prefix=[env.dir / "deny", getattr(errno, code)])
    error = answer["error"]
    assert error["reason"] == "bpf_denied" and error["code"] == code, error
    assert error["environment"] is True and "seccomp" in error["message"] + error["hint"]


def test_no_btf_in_the_kernel(env, example, unchanged):
    hide = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /sys/kernel/btf; exec \"$@\"", "sh"]
    if any(pathlib.Path("/boot").glob("vmlinux*")):
        missing("libbpf would find BTF in /boot")
    with unchanged(env):
        answer = ask(env, op="load", path=example("sched_switch"), pin_path=env.pins / "x",
                     prefix=hide)
    error = answer["error"]
    assert (error["stage"], error["reason"]) == ("relocate", "no_btf"), error
    assert "/sys/kernel/btf/vmlinux" in error["message"]


def test_no_btf_in_the_object(env, example, unchanged):
    if not shutil.which("llvm-objcopy"):
        missing("no llvm-objcopy")
    stripped = env.dir / "stripped.o"
    subprocess.run(["llvm-objcopy", "--remove-section=.BTF", "--remove-section=.BTF.ext",
                    example("xdp_pass"), stripped], check=True)
    with unchanged(env):
        error = bad(env, "open", "no_btf", op="load", path=stripped, pin_path=env.pins / "x")
    assert "no BTF" in error["message"] and "-g" in error["hint"]


def test_no_such_attach_target(env, build_bpf, unchanged):
    path = build_bpf(source(program("tp_btf/no_such_tracepoint")))
    with unchanged(env):
        error = bad(env, "relocate", "no_target", op="load", path=path, pin_path=env.pins / "x")
    assert "no_such_tracepoint" in error["message"]


def test_lockdown_is_told_from_the_verdict(env, build_bpf, unchanged):
    """This kernel has no lockdown: its file is simulated, the refused helper is real."""
    path = build_bpf(source(program("xdp", body="""
	long x = 0; bpf_probe_read_kernel(&x, sizeof(x), (void *)0xffff888000000000); return x;""")))
    drop = without("perfmon", "sys_admin")
    fake = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /sys/kernel/security && "
            "echo 'none integrity [confidentiality]' > /sys/kernel/security/lockdown && "
            "exec \"$@\"", "sh"]
    if not os.path.isdir("/sys/kernel/security"):
        missing("no /sys/kernel/security to mount on")
    with unchanged(env):
        answer = ask(env, op="load", path=path, pin_path=env.pins / "x", prefix=fake + drop)
    assert answer["error"]["reason"] == "lockdown" and answer["error"]["environment"] is True
    assert "confidentiality" in answer["error"]["message"]
    with unchanged(env):
        answer = ask(env, op="load", path=path, pin_path=env.pins / "x", prefix=drop)
    assert answer["error"]["reason"] == "verifier"


def test_out_of_memory_for_a_map(env, build_bpf, unchanged):
    path = build_bpf(source("struct huge { char bytes[4096]; };\n",
                            MAP % ("ARRAY", 2**31 - 1, "struct huge", "huge"),
                            program("xdp", body=use("huge"))))
    with unchanged(env):
        answer = ask(env, op="load", path=path, pin_path=env.pins / "x")
    error = answer["error"]
    assert error["stage"] == "create-map" and error["reason"] in ("memory", "other"), error
    assert "huge" in error["message"]
