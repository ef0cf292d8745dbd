# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of things: lost, unknown, pending; and what unload and other commands then do."""
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess

import pytest

from conftest import BPFMAN
from helpers import (TRIVIAL, assert_failed, assert_said, bpftool, listed, only, pin_stranger,
                     slow_source, text, verifying, wait_for, wait_until_freed)

pytestmark = pytest.mark.usefixtures("need_bpf")

OTHER_BOOT = "01234567-89ab-cdef-0123-456789abcdef"


def sql(env, *statements):
    """Changes the database behind bpfman's back."""
    with contextlib.closing(sqlite3.connect(env.db)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def states(env, kind="programs", **options):
    rows = env.ok("-j", "list", kind, **options).json()[kind]
    return {row["name"]: (row["state"], row["lost_reason"]) for row in rows}


@pytest.fixture
def loaded(env, example):
    """xdp_pass, loaded with a pin path: the row of its program, with its own pin as "pin"."""
    env.ok("load", example("xdp_pass"), "--pin-path", env.pins / "made/seen")
    return env.ok("-j", "show", "xdp_pass").json()["program"]


# ---- lost ----


def test_unpinned(env, loaded):
    os.unlink(loaded["pin"])
    assert states(env) == {"xdp_pass": ("lost", "unpinned")} == states(env, "objects")
    assert states(env, "maps") == {"counters": ("loaded", None)}
    assert only(listed(env))["kernel_id"] is None, "an id proves nothing"
    assert listed(env, "programs", "--state", "loaded") == []
    assert len(listed(env, "programs", "--state", "lost")) == 1
    assert "unpinned" in env.ok("list").out and "unpinned" in env.ok("show", "xdp_pass").out
    env.ok("unload", "xdp_pass")
    assert listed(env) == [] and not (env.pins / "made").exists()
    wait_until_freed("prog", loaded["kernel_id"])


def test_the_second_name_alone_is_gone(env, loaded):
    os.unlink(env.pins / "made/seen")
    assert states(env) == {"xdp_pass": ("loaded", None)}
    assert env.ok("-j", "unload", "xdp_pass").json()["kept"] == []
    assert not (env.pins / "made").exists() and not (env.root / "1").exists()


@pytest.mark.parametrize("what", ["1", "."])
def test_directories_that_somebody_removed(env, example, loaded, what):
    shutil.rmtree(env.root / what)
    assert states(env) == {"xdp_pass": ("lost", "unpinned")}
    assert states(env, "maps") == {"counters": ("lost", "unpinned")}
    env.ok("load", example("tc_count"))
    assert states(env)["tc_count"] == ("loaded", None)
    env.ok("unload", "--all")
    assert listed(env) == [] and not (env.pins / "made").exists()


def test_replaced(env, example, loaded, build_bpf):
    os.unlink(loaded["pin"])
    stranger = pin_stranger(loaded["pin"], build_bpf(TRIVIAL, "other"))
    assert states(env) == {"xdp_pass": ("lost", "replaced")}
    assert only(listed(env))["kernel_id"] is None
    answer = env.ok("-j", "unload", "xdp_pass").json()
    assert only(answer["kept"])["path"] == loaded["pin"]
    assert listed(env) == [] and not (env.pins / "made").exists()
    assert bpftool("prog", "show", "pinned", loaded["pin"])["id"] == stranger


def test_the_second_name_alone_is_replaced(env, loaded, build_bpf):
    os.unlink(env.pins / "made/seen")
    stranger = pin_stranger(env.pins / "made/seen", build_bpf(TRIVIAL, "other"))
    assert states(env) == {"xdp_pass": ("loaded", None)}
    out = env.ok("unload", "xdp_pass").out
    assert_said(out, f"left {env.pins}/made/seen in place: ")
    assert bpftool("prog", "show", "pinned", env.pins / "made/seen")["id"] == stranger
    assert listed(env) == [] and not (env.root / "1").exists()


def test_a_map_is_replaced(env, loaded):
    row = only(listed(env, "maps"))
    os.unlink(row["pinned_path"])
    assert bpftool("map", "create", row["pinned_path"], "type", "array", "key", 4, "value", 8,
                   "entries", 4, "name", "theirs") is not None
    assert states(env, "maps") == {"counters": ("lost", "replaced")}
    assert only(env.ok("-j", "unload", "--all").json()["kept"])["path"] == row["pinned_path"]
    assert bpftool("map", "show", "pinned", row["pinned_path"])["name"] == "theirs"


def test_after_a_reboot_kernel_facts_are_void(env, example, loaded):
    env.ok("load", example("by_name"))
    sql(env, f"UPDATE objects SET boot_id = '{OTHER_BOOT}'",
        f"UPDATE maps SET boot_id = '{OTHER_BOOT}'")
    assert set(states(env).values()) == set(states(env, "maps").values()) == \
        set(states(env, "objects").values()) == {("lost", "reboot")}
    assert [row["kernel_id"] for row in listed(env)] == [None, None]
    assert_failed(env.run("show", f"k:{loaded['kernel_id']}"), 1, "is not bpfman's")
    before = [loaded["pin"], str(env.pins / "made/seen"), str(env.root / "by_name/blocklist")]
    answer = env.ok("-j", "unload", "xdp_pass", "by_name").json()
    assert [row["name"] for row in answer["unloaded"]] == ["xdp_pass", "by_name"]
    assert all(map(os.path.exists, before)), "these are not what was recorded before the boot"
    assert [listed(env, kind) for kind in ("programs", "maps", "objects")] == [[], [], []]


def test_a_name_that_a_lost_object_holds(env, example, loaded):
    sql(env, f"UPDATE objects SET boot_id = '{OTHER_BOOT}'")
    for words in ([], ["--ensure"]):
        assert_failed(env.run("load", example("xdp_pass"), *words), 1, "taken by object 1",
                      "unload")
    env.ok("load", example("xdp_pass"), "--name", "again")
    assert states(env, "objects") == {"xdp_pass": ("lost", "reboot"), "again": ("loaded", None)}
    assert_failed(env.run("show", "two/xdp_pass"), 1)


# ---- unknown ----


def inside(env, script):
    """A prefix that runs a command in a mount namespace of its own, after a shell script."""
    return ["unshare", "-m", "bash", "-ec", script + '\nexec "$@"', "bash"]


@pytest.mark.parametrize("script, reason", [
    ("umount -l '{0}'", "no bpffs is mounted at the pin root"),
    ("mount -t bpf bpf '{0}'", "another bpffs is mounted at the pin root"),
    ("mount -t tmpfs tmpfs '{0}'", "no bpffs is mounted at the pin root"),
])
def test_pins_out_of_reach_are_unknown_not_lost(env, example, loaded, script, reason, unchanged):
    prefix = inside(env, script.format(env.pins.parent))
    with unchanged(env):
        for kind in ("programs", "maps", "objects"):
            assert set(states(env, kind, prefix=prefix).values()) == {("unknown", reason)}
        assert reason in env.ok("show", "xdp_pass", prefix=prefix).out
        result = env.run("unload", "xdp_pass", prefix=prefix)
        assert result.status in (1, 3), repr(result)
        assert_said(text(result), "bpffs")
    assert states(env) == {"xdp_pass": ("loaded", None)}
    env.ok("unload", "xdp_pass")


def test_each_bpffs_has_its_own_things(env, example, loaded):
    script = f"mount -t bpf bpf '{env.pins.parent}'"
    out = env.ok("-j", "-c", f"load '{example('tc_count')}'; list", prefix=inside(env, script))
    rows = {row["name"]: row["state"] for row in out.documents()[1]["programs"]}
    assert rows == {"xdp_pass": "unknown", "tc_count": "loaded"}
    assert states(env) == {"xdp_pass": ("loaded", None),
                           "tc_count": ("unknown", "another bpffs is mounted at the pin root")}
    env.ok("unload", "xdp_pass")


# ---- pending ----


@pytest.fixture
def verifies(env, build_bpf):
    """A bpfman that loads what takes seconds to verify: (its process, its worker's pid)."""
    slow = build_bpf(slow_source(8), "slow")
    process = subprocess.Popen([BPFMAN, "load", slow], env=env.variables(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process, wait_for(lambda: verifying(process.pid), "the worker verifies")
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_a_load_under_way_is_pending(env, verifies):
    process, _ = verifies
    assert states(env, "objects") == {"slow": ("pending", None)} and listed(env) == []
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert states(env, "objects") == {"slow": ("loaded", None)}
    assert len(listed(env)) == 8


def test_killed_front_end_its_worker_finishes(env, example, verifies):
    process, worker = verifies
    process.kill()
    process.wait(20)
    assert states(env, "objects") == {"slow": ("pending", None)}
    assert os.path.exists(f"/proc/{worker}"), "it holds the lock until it is done"
    env.ok("load", example("xdp_pass"), "--lock-timeout", "60", timeout=90)
    assert worker not in env.processes()
    assert states(env, "objects") == {"xdp_pass": ("loaded", None)}
    env.ok("unload", "--all")
    assert [name for name in os.listdir(env.root) if name[0] in "s0123456789"] == []


def test_killed_with_its_worker(env, example, verifies):
    process, worker = verifies
    os.kill(worker, signal.SIGSTOP)
    process.kill()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not env.processes(), "both are gone")
    env.ok("load", example("xdp_pass"))
    assert states(env, "objects") == {"xdp_pass": ("loaded", None)}
    assert [name for name in os.listdir(env.root) if name[0] in "s0123456789"] == ["2"]


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM),
                                            (signal.SIGHUP, -signal.SIGHUP)])
def test_signals_cancel_a_load(env, verifies, number, status):
    process, worker = verifies
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == status and out == b"" and b"interrupted" in err, (out, err)
    wait_for(lambda: worker not in env.processes(), "the worker ends")
    assert [listed(env, kind) for kind in ("programs", "objects")] == [[], []]
    assert env.rows("objects") == [] and env.rows("files") == []
    assert [name for name in os.listdir(env.root) if name[0] in "s0123456789"] == []


def test_an_unload_that_was_interrupted_goes_on(env, example, build_bpf, loaded):
    env.ok("load", example("multi"))
    sql(env, "UPDATE objects SET state = 'unloading' WHERE id = 1",
        "UPDATE programs SET state = 'unloading' WHERE object_id = 1",
        "UPDATE maps SET state = 'unloading' WHERE object_id = 1")
    assert states(env, "objects") == {"xdp_pass": ("pending", None), "multi": ("loaded", None)}
    assert states(env)["xdp_pass"] == ("pending", None)
    env.ok("load", build_bpf(TRIVIAL, "next"))
    assert set(states(env, "objects")) == {"multi", "next"}
    assert not (env.pins / "made").exists() and not (env.root / "1").exists()
    wait_until_freed("prog", loaded["kernel_id"])


def test_a_pending_load_of_an_earlier_boot_is_forgotten(env, example, loaded, build_bpf):
    sql(env, f"UPDATE objects SET state = 'pending', boot_id = '{OTHER_BOOT}'")
    assert states(env, "objects") == {"xdp_pass": ("pending", None)}
    env.ok("load", build_bpf(TRIVIAL, "next"))
    assert set(states(env, "objects")) == {"next"}
    assert os.path.exists(loaded["pin"]), "after a reboot that would be somebody else's"


def test_a_pending_load_takes_its_pins_back_but_no_others(env, loaded, build_bpf):
    """As if killed between publishing and recording; its second name is another's by now."""
    os.unlink(env.pins / "made/seen")
    stranger = pin_stranger(env.pins / "made/seen", build_bpf(TRIVIAL, "other"))
    sql(env, "DELETE FROM maps", "DELETE FROM programs", "UPDATE objects SET state = 'pending', "
        f"outside_path = '{env.pins}/made/seen'")
    env.ok("load", build_bpf(TRIVIAL, "next"))
    assert set(states(env, "objects")) == {"next"} and not (env.root / "1").exists()
    assert bpftool("prog", "show", "pinned", env.pins / "made/seen")["id"] == stranger
    wait_until_freed("prog", loaded["kernel_id"])
