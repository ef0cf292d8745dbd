# SPDX-License-Identifier: GPL-3.0-or-later
"""list --all: what others loaded is shown with its holders, and left alone."""
import contextlib
import os
import pathlib
import subprocess
import sys

import pytest

from conftest import missing
from helpers import (ARRAY_OF_ONE, LINK_KEYS, MAP_KEYS, PROGRAM_KEYS, assert_failed, assert_said, kernel_program,
                     listed, only, pin_stranger, text)

pytestmark = pytest.mark.usefixtures("need_bpf")

LONG = "with_a_name_that_the_kernel_cuts"
THEIRS = ARRAY_OF_ONE.replace("PROGRAM", LONG)
BESIDE = {"managed", "holders"}

# Holds what is pinned at argv[1], or, with argv[2], a link of it to that control group alone.
HOLDER = f"""
import ctypes, os, struct, sys
sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
import census
comm = ctypes.create_string_buffer(b"hold\\x1b[31mer")
ctypes.CDLL(None).prctl(15, comm, 0, 0, 0)
name = ctypes.create_string_buffer(sys.argv[1].encode())
fd = census.bpf(census.OBJ_GET, bytearray(struct.pack("=QII", ctypes.addressof(name), 0, 0)))
if len(sys.argv) > 2:
    target = os.open(sys.argv[2], os.O_RDONLY)
    attributes = bytearray(struct.pack("=IIII", fd, target, 1, 0).ljust(128, b"\\0"))
    link = census.bpf(28, attributes)
    os.close(fd)
print("ready", flush=True)
sys.stdin.read()
"""
COMM = "hold\x1b[31mer"
SHOWN_COMM = r"hold\\x1b\[31mer"


@contextlib.contextmanager
def holder(*argv):
    with subprocess.Popen([sys.executable, "-c", HOLDER, *map(str, argv)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.stdin.close()


@pytest.fixture
def theirs(env, build_bpf):
    """Somebody else's program, held by a process alone: (kernel id, the process's id)."""
    pin = env.pins / "theirs"
    kernel_id = pin_stranger(pin, build_bpf(THEIRS, "theirs"))
    with holder(pin) as pid:
        os.unlink(pin)
        yield kernel_id, pid


def find(rows, kernel_id):
    return only([row for row in rows if row["kernel_id"] == kernel_id])


def test_both_are_listed(env, example, theirs):
    kernel_id, pid = theirs
    env.ok("load", example("xdp_pass"))
    document = env.ok("-j", "list", "--all").json()
    assert set(document) == {"programs", "incomplete"} and document["incomplete"] is None
    rows = document["programs"]
    assert all(set(row) == PROGRAM_KEYS | BESIDE for row in rows)
    row = find(rows, kernel_id)
    kernel = kernel_program(kernel_id)
    assert (row["id"], row["managed"], row["name"], row["type"]) == (None, False, LONG, "xdp")
    assert row["tag"] == kernel["tag"] and {"pid": pid, "comm": COMM} in row["holders"]
    assert (row["state"], row["maps"], row["labels"]) == (None, [], {})
    ours = only([row for row in rows if row["managed"]])
    assert ours == rows[0] == {**only(listed(env)), "managed": True, "holders": ours["holders"]}
    out = text(env.ok("list", "--all"), "out")
    assert_said(out, r"(?m)^ *2 +xdp_pass +xdp +loaded ",
                rf"(?m)^ *k:{kernel_id} +{LONG} +xdp +\S.* +- +- +{kernel_id} +-$", SHOWN_COMM)


def test_maps_too(env, example, theirs):
    kernel_id, pid = theirs
    env.ok("load", example("xdp_pass"))
    map_id = only(kernel_program(kernel_id)["map_ids"])
    rows = env.ok("-j", "list", "maps", "--all").json()["maps"]
    assert all(set(row) == MAP_KEYS | BESIDE for row in rows)
    row = find(rows, map_id)
    assert (row["id"], row["managed"], row["name"], row["type"]) == (None, False, "numbers", "array")
    assert (row["key_size"], row["value_size"], row["max_entries"]) == (4, 8, 1)
    assert rows[0] == {**only(listed(env, "maps")), "managed": True,
                       "holders": rows[0]["holders"]}
    assert_said(env.ok("list", "maps", "--all").out, rf"(?m)^ *k:{map_id} +numbers +array ")


def test_who_holds_the_link_holds_the_program(env, build_bpf, example, cgroup):
    pin = env.pins / "theirs"
    kernel_id = pin_stranger(pin, example("cgroup_skb"))
    with holder(pin, cgroup.path) as pid:
        os.unlink(pin)
        row = find(env.ok("-j", "list", "--all").json()["programs"], kernel_id)
        assert {"pid": pid, "comm": COMM} in row["holders"]


def test_links_too(env, example, cgroup):
    pin = env.pins / "theirs"
    pin_stranger(pin, example("cgroup_skb"))
    env.ok("load", example("cgroup_skb"), "--program", "cgroup_sent")
    env.ok("attach", "cgroup_sent", cgroup.path)
    with holder(pin, cgroup.path) as pid:
        os.unlink(pin)
        rows = env.ok("-j", "list", "links", "--all").json()["links"]
        assert all(set(row) == LINK_KEYS | BESIDE for row in rows)
        assert rows[0] == {**only(listed(env, "links")), "managed": True,
                           "holders": rows[0]["holders"]}
        row = only([row for row in rows if {"pid": pid, "comm": COMM} in row["holders"]])
        assert (row["id"], row["managed"], row["type"]) == (None, False, "cgroup")
        assert row["attach_type"] == rows[0]["attach_type"]
        assert_said(env.ok("list", "links", "--all").out, rf"(?m)^ *k:{row['kernel_id']} ")
        assert_failed(env.run("detach", f"k:{row['kernel_id']}"), 1, "is not bpfman's",
                      SHOWN_COMM)
    assert only(listed(env, "links"))["state"] == "attached"


def test_pinned_by_others_and_held_by_nobody(env, build_bpf):
    kernel_id = pin_stranger(env.pins / "theirs", build_bpf(THEIRS, "theirs"))
    row = find(env.ok("-j", "list", "--all").json()["programs"], kernel_id)
    assert "bpfman" not in "".join(holder["comm"] for holder in row["holders"])
    if not row["holders"]:  # other tests look at it now and then, with a descriptor
        assert_said(env.ok("list", "--all").out, rf"(?m)^ *k:{kernel_id} +{LONG} +xdp ")
    assert_failed(env.run("unload", f"k:{kernel_id}"), 1, "not bpfman's: ", "hold|pinned")


def test_filters_and_order(env, example, theirs):
    kernel_id, _ = theirs

    def ids(*options):
        return [row["kernel_id"] for row in listed(env, "programs", "--all", *options)]
    env.ok("load", example("xdp_pass"), "--label", "a=b")
    ours = only(listed(env))["kernel_id"]
    assert kernel_id in ids() and kernel_id in ids("--type", "xdp")
    assert kernel_id not in ids("--type", "kprobe")
    assert ids("--label", "a=b") == ids("--state", "loaded") == [ours]
    assert (seen := ids("--sort", "kernel_id")) == sorted(seen) and ours in seen
    for options in ([], ["--sort", "id"], ["--sort", "created_at"]):
        first, *others = ids(*options)
        assert first == ours and others == sorted(others) and kernel_id in others
    names = [row["name"] or "" for row in listed(env, "programs", "--all", "--sort", "name")]
    assert names == sorted(names, key=str.encode)


@pytest.mark.parametrize("words", [["unload"], ["unload", "--if-exists"], ["show"], ["stats"],
                                   ["-n", "unload"]])
def test_what_is_theirs_is_refused_naming_the_holder(env, example, theirs, unchanged, words):
    kernel_id, pid = theirs
    env.ok("load", example("xdp_pass"))
    with unchanged(env):
        for name in (f"k:{kernel_id}", f"kernel:{kernel_id}"):
            assert_failed(env.run(*words, name), 1,
                          rf'program k:{kernel_id} "{LONG}" is not bpfman\'s: .*'
                          rf"{SHOWN_COMM} \(pid {pid}\).* holds? it", "left alone")
        result = env.run("-j", *words, f"k:{kernel_id}")
        assert result.json()["error"]["code"] == "EPERM"
    assert kernel_program(kernel_id)["id"] == kernel_id


def test_an_id_that_nobody_has(env, unchanged):
    with unchanged(env):
        assert_failed(env.run("unload", "k:4294967295"), 1, "does not manage kernel id")
        assert_failed(env.run("unload", "k:99999999999"), 1, "is no kernel id")
        env.ok("unload", "k:4294967295", "--if-exists")


def test_without_privilege_it_says_what_is_missing(env, example):
    if subprocess.run(["setpriv", "--version"], capture_output=True).returncode:
        missing("no setpriv")
    env.ok("load", example("xdp_pass"))
    less = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
    document = env.ok("-j", "list", "--all", prefix=less).json()
    assert document["incomplete"] == "the kernel lists its programs only with CAP_SYS_ADMIN"
    assert only(document["programs"])["managed"] is True
    out = env.ok("list", "--all", prefix=less).out
    assert_said(out, "xdp_pass", r"(?m)^not all is shown: .*CAP_SYS_ADMIN$")
    less = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"]
    env.ok("-j", "list", "--all", prefix=less)


def test_only_all_asks_a_worker(env, example):
    env.ok("load", example("xdp_pass"))
    nowhere = {"BPFMAN_WORKER": "/nowhere"}
    assert len(env.ok("list", env=nowhere).out.splitlines()) == 2
    assert_failed(env.run("list", "--all", env=nowhere), 3, "cannot start the worker /nowhere")


def test_objects_are_only_ours(env, unchanged):
    with unchanged(env):
        assert_failed(env.run("list", "objects", "--all"), 2, "the kernel has no objects")


def test_it_needs_no_database(env, theirs):
    kernel_id, _ = theirs
    assert find(listed(env, "programs", "--all"), kernel_id)["managed"] is False
    assert not env.db.exists()


# ---- the worker's side ----


def test_kernel_list_is_what_info_tells(env, example):
    env.ok("load", example("multi"))
    names = {"programs": "program", "maps": "map"}
    for kind, word in names.items():
        for row in listed(env, kind):
            answers = env.worker([{"op": "info", "pin_path": row["pinned_path"]},
                                  {"op": "kernel_list", "kinds": [word], "kernel_id": row["kernel_id"]}])
            info, told = answers[0]["result"], answers[1]["result"]
            told_row = only(told[kind])
            assert told_row.pop("holders") == []
            assert told["incomplete"] is None
            shared = set(told_row) & set(info) - {"name"}
            assert {key: told_row[key] for key in shared} == {key: info[key] for key in shared}
            assert len(shared) > 5
            others = {"programs", "maps", "links"} - {kind}
            assert all(told[other] == [] for other in others)
    everything = env.worker([{"op": "kernel_list"}])[0]["result"]
    for kind in names:
        ids = [row["kernel_id"] for row in everything[kind]]
        assert ids == sorted(ids) and {row["kernel_id"] for row in listed(env, kind)} <= set(ids)


# Ends at once, again and again, holding what is pinned at argv[1].
BRIEF = HOLDER.replace("sys.stdin.read()", """
import select
while not select.select([sys.stdin], [], [], 0)[0]:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
""")


def test_processes_that_end_meanwhile(env, build_bpf):
    pin = env.pins / "theirs"
    kernel_id = pin_stranger(pin, build_bpf(THEIRS, "theirs"))
    with subprocess.Popen([sys.executable, "-c", BRIEF, str(pin)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        for _ in range(15):
            document = env.ok("-j", "list", "--all").json()
            row = find(document["programs"], kernel_id)
            assert {"pid": process.pid, "comm": COMM} in row["holders"]
            assert document["incomplete"] is None
            for row in document["programs"]:
                assert all(holder["comm"] for holder in row["holders"]), row
        process.stdin.close()
