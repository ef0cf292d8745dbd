# SPDX-License-Identifier: GPL-3.0-or-later
"""doctor: each rule is broken for real, seen, mended by the command it names, and seen mended."""
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess

import pytest
from conftest import BPFMAN, TOP, wait_until
from helpers import (HEAD, TRIVIAL, assert_failed, assert_said, bpftool, listed, only, pin_stranger,
                     slow_source, text, verifying, wait_for, wait_until_freed)

pytestmark = pytest.mark.usefixtures("need_bpf")

OTHER_BOOT = "01234567-89ab-cdef-0123-456789abcdef"
KEYS = {"rule", "kind", "id", "name", "path", "message", "mends", "fixable", "fixed"}


def sql(env, *statements):
    """Changes the database behind bpfman's back."""
    with contextlib.closing(sqlite3.connect(env.db)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        for statement in statements:
            db.execute(statement)
        db.commit()


def findings(env, /, *options, status=1, **more):
    """What doctor finds; its exit status says whether anything is left."""
    result = env.run("-j", "doctor", *options, **more)
    assert result.status == status, repr(result)
    document = result.json()
    assert set(document) == {"findings", "changed"}
    for row in document["findings"]:
        assert set(row) == KEYS and row["message"], row
    return document["findings"]


def brief(rows):
    return [(row["rule"], row["kind"], row["id"], row["name"], row["path"]) for row in rows]


def mend(env, row):
    env.run("-c", row["mends"])


def assert_clean(env):
    assert findings(env, status=0) == []
    assert_said(env.ok("doctor").out, "kernel, bpffs and database agree")


@pytest.fixture
def loaded(env, example):
    """xdp_pass, with a pin path: the row of its program, its own pin as "pin"."""
    env.ok("load", example("xdp_pass"), "--pin-path", env.pins / "made/seen")
    assert_clean(env)
    return env.ok("-j", "show", "xdp_pass").json()["program"]


@pytest.fixture
def attached(env, netns, example):
    """A link of xdp_pass: its row."""
    env.ok("load", example("xdp_pass"))
    row = env.ok("-j", "attach", "xdp_pass", "veth0", "--netns", netns.name).json()["link"]
    assert_clean(env)
    return row


def test_nothing_was_ever_done(env, unchanged):
    with unchanged(env):
        assert_clean(env)
        assert findings(env, "--fix", status=0) == []
    assert not env.db.exists() and not env.root.exists()


def test_what_goes_wrong_is_a_table_and_a_status(env, loaded):
    os.unlink(loaded["pin"])
    result = env.run("doctor")
    assert result.status == 1
    assert_said(text(result, "out"), "RULE +KIND +ID", "pin_missing +program +2 +xdp_pass", "unload 1")


# ---- rows and their pins ----


def test_gone(env, loaded):
    os.unlink(loaded["pin"])
    os.unlink(env.pins / "made/seen")
    wait_until_freed("prog", loaded["kernel_id"])
    row = only(findings(env))
    assert brief([row]) == [("gone", "program", 2, "xdp_pass", loaded["pin"])]
    assert not row["fixable"] and row["mends"] == "restore 1"
    assert brief(findings(env, "--fix")) == brief([row]), "what the user loaded is not forgotten"
    mend(env, row)
    assert_clean(env)


def test_pin_missing(env, loaded):
    os.unlink(loaded["pin"])
    row = only(findings(env))
    assert row["rule"] == "pin_missing" and f"k:{loaded['kernel_id']} lives on" in row["message"]
    mend(env, row)
    assert_clean(env)


def test_a_map_is_gone(env, loaded):
    row = only(listed(env, "maps"))
    os.unlink(row["pinned_path"])
    found = only(findings(env))
    assert brief([found]) == [("pin_missing", "map", row["id"], "counters", row["pinned_path"])]
    mend(env, found)
    assert_clean(env)


def test_a_link_is_gone(env, attached):
    os.unlink(attached["pinned_path"])
    wait_for(lambda: bpftool("link", "show", "id", attached["kernel_id"]) is None, "the link's end")
    row = only(findings(env))
    assert brief([row])[0][:3] == ("gone", "link", attached["id"])
    assert row["mends"] == "restore 1"
    mend(env, row)
    assert_clean(env)
    assert only(listed(env, "links"))["state"] == "attached"


def test_pin_foreign(env, loaded, build_bpf):
    os.unlink(loaded["pin"])
    stranger = pin_stranger(loaded["pin"], build_bpf(TRIVIAL, "other"))
    row = only(findings(env))
    assert row["rule"] == "pin_foreign" and f'program k:{stranger} "pass"' in row["message"]
    assert findings(env, "--fix")[0]["fixed"] is False
    mend(env, row)
    # It is left in place, and nobody but the user can say that it may go.
    row = findings(env)[0]
    assert brief([row]) == [("orphan_pin", None, None, None, loaded["pin"])]
    assert not row["fixable"] and row["mends"] == f"doctor --fix {loaded['pin']}"
    assert not findings(env, "--fix")[0]["fixed"]
    assert bpftool("prog", "show", "pinned", loaded["pin"])["id"] == stranger
    mend(env, row)
    assert not os.path.exists(loaded["pin"])
    findings(env, "--fix", status=0)
    assert_clean(env)


def test_pin_identity(env, loaded):
    os.unlink(loaded["pin"])
    assert bpftool("prog", "pin", "id", loaded["kernel_id"], loaded["pin"]) is not None
    rows = findings(env)
    assert [row["rule"] for row in rows] == ["pin_identity"]
    mend(env, rows[0])
    # The name that --pin-path gave it is of the pin that was.
    row = only(findings(env))
    assert row["rule"] == "second_name" and row["mends"] is None
    os.unlink(env.pins / "made/seen")
    assert findings(env, "--fix", status=0)[0]["fixed"]
    assert_clean(env)
    assert only(listed(env))["state"] == "loaded"
    env.ok("unload", "--all")
    assert_clean(env)


@pytest.mark.parametrize("kind", ["maps", "links"])
def test_pin_identity_of_others(env, attached, kind):
    row = only(listed(env, kind))
    os.link(row["pinned_path"], env.pins / "aside")
    os.unlink(row["pinned_path"])
    assert bpftool(kind[:-1], "pin", "id", row["kernel_id"], row["pinned_path"]) is not None
    os.unlink(env.pins / "aside")
    found = only(findings(env))
    assert brief([found]) == [("pin_identity", kind[:-1], row["id"], row.get("name", "xdp_pass"),
                               row["pinned_path"])]
    mend(env, found)
    assert_clean(env)
    assert only(listed(env, kind))["kernel_id"] == row["kernel_id"]


def test_second_name(env, loaded):
    shutil.rmtree(env.pins / "made")
    row = only(findings(env))
    assert brief([row]) == [("second_name", "program", 2, "xdp_pass", str(env.pins / "made/seen"))]
    mend(env, row)
    assert_clean(env)
    assert os.stat(env.pins / "made/seen").st_ino == os.stat(loaded["pin"]).st_ino
    env.ok("unload", "xdp_pass")
    assert not (env.pins / "made").exists()
    assert_clean(env)


def test_stale_boot(env, loaded):
    shutil.rmtree(env.root / "1")
    shutil.rmtree(env.pins / "made")
    sql(env, f"UPDATE objects SET boot_id = '{OTHER_BOOT}'", f"UPDATE maps SET boot_id = '{OTHER_BOOT}'")
    rows = findings(env)
    assert brief(rows)[0] == ("stale_boot", "object", 1, "xdp_pass", None)
    assert not rows[0]["fixable"]
    mend(env, rows[0])
    assert_clean(env)


def test_another_bpffs(env, loaded):
    inside = ["unshare", "-m", "sh", "-c", f"mount -t bpf bpf {env.pins} && exec \"$@\"", "sh"]
    row = only(findings(env, prefix=inside))
    assert brief([row])[0][:3] == ("another_bpffs", "object", 1) and row["mends"] is None
    assert_said(row["message"], "another bpffs is mounted at the pin root")
    inside[4] = f"mount -t tmpfs none {env.pins} && exec \"$@\""
    assert_said(only(findings(env, prefix=inside))["message"], "no bpffs is mounted")
    assert_clean(env)


# ---- links ----


def test_target_gone(env, netns, attached):
    netns.run("ip", "link", "del", "veth0")
    row = only(findings(env))
    assert brief([row])[0][:3] == ("target_gone", "link", attached["id"])
    assert_said(row["message"], "the interface that it was attached to is gone")
    mend(env, row)
    assert_clean(env)


def test_detached_by_somebody_else(env, attached):
    assert only(listed(env, "links"))["state"] == "attached"
    assert bpftool("link", "detach", "id", attached["kernel_id"]) is not None
    row = only(findings(env))
    assert brief([row])[0][:3] == ("detached", "link", attached["id"])
    assert_said(row["message"], f"attach {attached['program_id']} veth0")
    mend(env, row)
    assert_clean(env)
    env.ok("-c", re.search("then (attach .*)", row["message"])[1])
    assert_clean(env)


def test_redirected(env, attached, build_bpf):
    path = env.pins / "stranger"
    stranger = pin_stranger(path, build_bpf(TRIVIAL, "other"))
    code = """
import ctypes, os, struct, sys
def bpf(command, *fields):
    attr = ctypes.create_string_buffer(struct.pack("@" + fields[0], *fields[1:]), 128)
    got = ctypes.CDLL(None, use_errno=True).syscall(%d, command, attr, 128)
    assert got >= 0, os.strerror(ctypes.get_errno())
    return got
def get(path):
    name = ctypes.create_string_buffer(path.encode())
    return bpf(7, "Q", ctypes.addressof(name))
bpf(29, "II", get(sys.argv[1]), get(sys.argv[2]))
""" % {"x86_64": 321, "aarch64": 280}[os.uname().machine]
    subprocess.run(["python3", "-c", code, attached["pinned_path"], path], check=True)
    row = only(findings(env))
    assert brief([row])[0][:3] == ("redirected", "link", attached["id"])
    assert f"k:{stranger}" in row["message"]
    mend(env, row)
    os.unlink(path)
    assert_clean(env)


# ---- changes that did not come to their end ----


def test_unsettled(env, build_bpf, tmp_path):
    path = build_bpf(slow_source(20), "slow")
    process = subprocess.Popen([BPFMAN, "load", path], env=env.variables(), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    worker = wait_for(lambda: verifying(process.pid), "the verifier works")
    for pid in (process.pid, worker):
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not env.processes())
    row = only(findings(env))
    assert brief([row])[0][:4] == ("unsettled", "object", 1, "slow") and row["fixable"]
    assert not findings(env, "-n", "--fix")[0]["fixed"]
    assert findings(env, "--fix", status=0)[0]["fixed"]
    assert env.rows("events")[-1]["action"] in ("recover", "doctor")
    assert_clean(env)


def test_a_change_under_way_is_waited_for(env, build_bpf):
    path = build_bpf(slow_source(3), "slow")
    with subprocess.Popen([BPFMAN, "load", path], env=env.variables(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        wait_for(lambda: verifying(process.pid), "the verifier works")
        assert findings(env, status=0) == []
        assert process.wait() == 0, "it was waited for"
    with open(f"{env.db}.lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert_failed(env.run("--lock-timeout", "0", "doctor"), 1, "another session has been")


def test_a_trial_is_over(env, netns, attached):
    sql(env, "UPDATE links SET expires_at = 1")
    row = only(findings(env))
    assert brief([row])[0][:3] == ("unsettled", "link", attached["id"])
    assert_said(row["message"], "its trial is over")
    mend(env, row)
    assert_clean(env)
    assert listed(env, "links") == []


# ---- the database ----


def test_stored_bytes(env, loaded, example):
    sql(env, "UPDATE files SET bytes = zeroblob(size)")
    row = only(findings(env))
    assert brief([row])[0][:4] == ("bytes", "object", 1, "xdp_pass") and row["fixable"]
    mend(env, row)
    assert_clean(env)
    assert env.rows("files")[0]["bytes"] is not None


def test_stored_bytes_whose_file_is_gone_too(env, build_bpf):
    copy = shutil.copy(build_bpf(TRIVIAL, "other"), env.dir / "copy.bpf.o")
    env.ok("load", copy)
    os.unlink(copy)
    sql(env, "UPDATE files SET bytes = x'00'")
    row = only(findings(env))
    assert not row["fixable"] and row["mends"] == "unload 1"
    mend(env, row)
    assert_clean(env)


def test_a_damaged_database_is_not_touched(env, loaded):
    sql(env, "PRAGMA writable_schema = 1", "UPDATE sqlite_schema SET sql = replace(sql, '(name)', "
        "'(type)') WHERE name = 'programs_name'", "PRAGMA writable_schema = 0",
        "UPDATE links SET expires_at = 1")
    sql(env, "PRAGMA wal_checkpoint(TRUNCATE)")
    before = env.db.read_bytes()
    (env.root / "5").mkdir()
    rows = findings(env, "--fix")
    assert {row["rule"] for row in rows} == {"integrity", "orphan_directory"}
    assert not any(row["fixed"] for row in rows)
    assert env.db.read_bytes() == before


def test_directories(env, loaded):
    sql(env, f"INSERT INTO directories VALUES ('{env.pins}/nowhere'), ('{env.pins}/unused')")
    (env.pins / "unused").mkdir()
    rows = findings(env)
    assert {row["rule"] for row in rows} == {"directory"} and len(rows) == 2
    mend(env, rows[0])
    assert_clean(env)
    assert not (env.pins / "unused").exists() and (env.pins / "made/seen").exists()


# ---- below the root ----


def test_orphans_that_are_certainly_ours(env, loaded):
    keep = {name: env.root / "1" / name for name in os.listdir(env.root / "1")}
    sql(env, "DELETE FROM things")
    rows = findings(env)
    assert {row["rule"] for row in rows} == {"orphan_pin", "orphan_directory", "directory"}
    assert all(row["fixable"] for row in rows), rows
    planned = findings(env, "-n", "--fix")
    assert planned == rows and all(map(os.path.exists, keep.values()))
    assert all(row["fixed"] for row in findings(env, "--fix", status=0))
    assert not (env.root / "1").exists()
    assert_clean(env)


def test_an_orphaned_link_is_detached(env, netns, attached):
    sql(env, "DELETE FROM things WHERE kind = 'link'")
    row = only(findings(env))
    assert row["rule"] == "orphan_pin" and row["fixable"]
    assert_said(row["message"], 'link k:.* of program k:.* "xdp_pass"')
    mend(env, row)
    assert_clean(env)
    assert "xdp" not in netns.run("ip", "link", "show", "veth0", text=True).stdout


def test_a_second_name_of_a_link_goes_without_detaching_it(env, netns, attached):
    os.link(attached["pinned_path"], env.root / "1/copy")
    row = only(findings(env))
    assert brief([row])[0][:3] == ("orphan_pin", "link", attached["id"]) and row["fixable"]
    mend(env, row)
    assert_clean(env)
    assert "prog/xdp" in netns.run("ip", "link", "show", "veth0", text=True).stdout


def test_orphans_of_ids_that_this_database_never_gave(env, loaded, build_bpf):
    """Those of a later state of the database, say, of which this is an older copy."""
    (env.root / "77").mkdir()
    pin_stranger(env.root / "77/p78_pass", build_bpf(TRIVIAL, "other"))
    row = only(findings(env))
    assert (row["rule"], row["fixable"]) == ("orphan_pin", False)
    assert not findings(env, "--fix")[0]["fixed"] and (env.root / "77/p78_pass").exists()
    mend(env, row)
    row = only(findings(env))
    assert brief([row]) == [("orphan_directory", None, None, None, str(env.root / "77"))]
    mend(env, row)
    assert_clean(env)


def test_fix_only_what_is_named(env, loaded):
    (env.root / "5").mkdir()
    (env.root / "6").mkdir()
    assert_failed(env.run("doctor", "--fix", env.root / "7"), 1, "finds nothing wrong at .*/7")
    assert_failed(env.run("doctor", env.root / "5"), 2, "paths are for --fix")
    assert only(findings(env, "--fix", env.root / "5", status=0))["fixed"]
    assert only(findings(env))["path"] == str(env.root / "6")
    findings(env, "--fix", status=0)
    assert_clean(env)


def test_take_root(env, loaded, build_bpf, unchanged):
    new = {"BPFMAN_DB": str(env.dir / "new/bpfman.db")}
    [row] = findings(env, env=new)
    assert row["rule"] == "owner" and row["mends"] == "doctor --take-root"
    assert_failed(env.run("load", build_bpf(TRIVIAL, "other"), env=new), 3, "doctor --take-root")
    assert_failed(env.run("doctor", "--fix", "--take-root", env=new), 2, "to see what it holds")
    shown = findings(env, "-n", "--take-root", env=new)
    assert {row["rule"] for row in shown} == {"owner", "taken"} and len(shown) == 3
    rows = findings(env, "--take-root", env=new)
    assert {row["rule"] for row in rows} == {"taken"} and len(rows) == 2
    assert {os.path.basename(row["path"]) for row in rows} == {"p2_xdp_pass", "m3_counters"}
    assert bpftool("prog", "show", "pinned", env.pins / "made/seen")["id"] == loaded["kernel_id"]
    # The other one is locked out, and ids of the new one meet nothing.
    assert_failed(env.run("unload", "--all"), 3, "belongs to another database")
    env.ok("load", build_bpf(TRIVIAL, "other"), env=new)
    assert len(findings(env, "--fix", env=new)) == 2, "not before each is named"
    program = next(row for row in rows if row["path"].endswith("p2_xdp_pass"))
    assert program["mends"] == f"adopt {program['path']}"
    env.ok("-c", program["mends"], env=new)
    assert not os.path.exists(program["path"])
    # Its map came with it, so the pin that the other one had is one too many.
    again = findings(env, env=new)
    assert [(row["rule"], row["fixable"]) for row in again if row["kind"]] == [("taken", True)]
    findings(env, "--fix", status=0, env=new)
    assert findings(env, status=0, env=new) == []
    assert [name for name in os.listdir(env.root) if name.startswith("taken")] == []
    assert {row["name"]: row["kernel_id"] for row in
            env.ok("-j", "list", env=new).json()["programs"]}["xdp_pass"] == loaded["kernel_id"]
    env.ok("unload", "--all", env=new)
    os.unlink(env.pins / "made/seen")
    os.rmdir(env.pins / "made")


def test_taken_pins_are_removed_one_by_one(env, loaded):
    new = {"BPFMAN_DB": str(env.dir / "new/bpfman.db")}
    for row in findings(env, "--take-root", env=new):
        findings(env, "--fix", row["path"], env=new, status=0)
    findings(env, "--fix", status=0, env=new)
    assert findings(env, status=0, env=new) == [] and not (env.root / "1").exists()
    os.unlink(env.pins / "made/seen")
    os.rmdir(env.pins / "made")
    wait_until_freed("prog", loaded["kernel_id"])


# ---- what cannot be seen, and who else is here ----


def test_what_may_not_be_seen_is_said(env, attached):
    """Without the privilege to walk the kernel nothing is guessed."""
    rows = findings(env, prefix=["setpriv", "--bounding-set", "-sys_admin,-bpf,-perfmon",
                                 "--inh-caps", "-sys_admin,-bpf,-perfmon", "--"])
    assert [row["rule"] for row in rows] == ["unreachable", "incomplete"], rows
    assert_said(rows[0]["message"], "no permission to look into its network namespace")
    assert_said(rows[1]["message"], "CAP_SYS_ADMIN|not permitted|Operation not permitted")
    os.unlink(attached["pinned_path"])
    rows = findings(env, prefix=["setpriv", "--bounding-set", "-sys_admin,-bpf,-perfmon",
                                 "--inh-caps", "-sys_admin,-bpf,-perfmon", "--"])
    assert [row["rule"] for row in rows] == ["pin_missing", "incomplete"]
    assert_said(rows[0]["message"], "whether .* lives on cannot be told")


def test_no_worker(env, loaded):
    rows = findings(env, env={"BPFMAN_WORKER": "/nonexistent/worker"})
    assert [row["rule"] for row in rows] == ["incomplete"]
    assert_said(rows[0]["message"], "/nonexistent/worker")


def test_another_bpfman(env, loaded):
    inside = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /run && mkdir /run/bpfman && "
              "exec \"$@\"", "sh"]
    row = only(findings(env, prefix=inside))
    assert brief([row]) == [("other_bpfman", None, None, None, "/run/bpfman")]
    assert row["mends"] is None and "list --all" in row["message"]
    assert_clean(env)


def test_doctor_changes_nothing_unasked(env, loaded, unchanged):
    (env.root / "5").mkdir()
    os.unlink(env.pins / "made/seen")
    with unchanged(env, ignore=()):
        assert len(findings(env)) == 2
        assert len(findings(env, "-n", "--fix")) == 2
    assert_failed(env.run("doctor", "--fixx"), 2, "did you mean.*--fix")
    assert json.loads(env.run("-j", "doctor").raw_out)["changed"] is False


def test_rules(env):
    """Each is in the documentation, and in a test here."""
    rules = env.ok("-j", "doctor", "--rules").json()["rules"]
    doc = (TOP / "doc/doctor.md").read_text(encoding="utf-8")
    tests = open(__file__, encoding="utf-8").read()
    for row in rules:
        assert f"| `{row['rule']}` | {row['meaning']} |" in doc, row
        assert f'"{row["rule"]}"' in tests, row
    assert len(rules) == doc.count("\n| `")


def test_complete(env, loaded):
    offered = env.ok("complete", f"doctor --fix {env.root}/").out
    assert_said(offered, re.escape(f"{env.root}/1/"))
