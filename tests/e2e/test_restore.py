# SPDX-License-Identifier: GPL-3.0-or-later
"""restore: after a reboot, and after somebody removed pins."""
import os
import re
import shutil
import subprocess
import uuid

import pytest

from conftest import BPFMAN
from helpers import (HEAD, TRIVIAL, TWO, assert_failed, assert_said, bpftool, listed, map_values,
                     only, pin_stranger, run_program, wait_for)
from test_states import sql, states

pytestmark = pytest.mark.usefixtures("need_bpf")

BOOT_ID = "/proc/sys/kernel/random/boot_id"


@pytest.fixture
def reboot(env):
    """reboot(): every pin goes with its kernel object, bpffs is a new one, and so is the boot.

    The mounts are in the mount namespace of this pytest process.
    """
    mounts = []

    def mount(*argv):
        subprocess.run(["mount", *map(str, argv)], check=True)
        mounts.append(argv[-1])

    def again():
        links = [row["kernel_id"] for row in listed(env, "links") if row["kernel_id"]]
        for kernel_id in links:  # what the kernel lets go of a little later
            subprocess.run(["bpftool", "link", "detach", "id", str(kernel_id)],
                           capture_output=True)
        for entry in env.pins.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.suffix != ".debug":  # the kernel's own
                entry.unlink()
        mount("-t", "bpf", "-o", "mode=0755", "bpffs", env.pins)
        boot = env.file(f"boot{len(mounts)}", str(uuid.uuid4()) + "\n")
        mount("--bind", boot, BOOT_ID)
    yield again
    for where in reversed(mounts):
        subprocess.run(["umount", "-l", where], check=True)


def restored(env, *words, status=0):
    result = env.run("-j", "restore", *words)
    assert result.status == status, repr(result)
    return {row["name"]: row for row in result.json()["restored"]}


def notes(row):
    return [f"{note['kind']} {note['name']}: {note['message']}" for note in row["notes"]]


def interface(netns, *words):
    subprocess.run(["ip", "-n", netns.name, "link", *words], check=True, capture_output=True)


def identical(env, *tables):
    """Rows but for what the kernel gives anew at each load."""
    anew = {"kernel_id", "dev", "ino", "load_time", "boot_id", "root_dev", "run_id", "btf_id",
            "target"}
    return {table: [{k: v for k, v in row.items() if k not in anew} for row in env.rows(table)]
            for table in tables}


TABLES = ("objects", "programs", "maps", "links", "program_maps", "labels", "things",
          "directories", "files")


def test_all_of_it_comes_back_after_a_reboot(env, example, netns, reboot):
    env.ok("-c", f"load '{example('xdp_pass')}' --pin-path {env.pins}/made/seen --label a=b; "
           f"load '{example('by_name')}'; load '{example('multi')}'; "
           f"load '{example('xdp_pass')}' --name second --reuse-map counters=counters; "
           f"attach multi_ingress veth0 --ingress --netns {netns.name}; "
           f"attach multi_egress veth0 --egress --netns {netns.name}; "
           f"attach multi/multi_xdp veth0 --netns {netns.name} --mode generic")
    before, rows = identical(env, *TABLES), listed(env)
    reboot()
    assert set(states(env).values()) == {("lost", "reboot")}
    with_maps = restored(env)
    assert {name: (row["outcome"], row["programs"], row["maps"], row["links"])
            for name, row in with_maps.items()} == {
        "xdp_pass": ("restored", 1, 1, 0), "by_name": ("restored", 1, 1, 0),
        "multi": ("restored", 3, 5, 3), "second": ("restored", 1, 0, 0)}
    assert notes(with_maps["xdp_pass"]) == [
        "map counters: its contents are gone: it begins anew"]
    assert notes(with_maps["second"]) == []
    assert identical(env, *TABLES) == before
    assert {state for state, _ in states(env).values()} == {"loaded", "attached"}
    assert [row["id"] for row in listed(env)] == [row["id"] for row in rows]
    assert (env.pins / "made/seen").samefile(env.root / "1/p2_xdp_pass")
    # Both objects have one map, as before.
    used = {row["object"]: row["maps"] for row in listed(env) if row["name"] == "xdp_pass"}
    assert used["xdp_pass"] == used["second"]
    netns.ping(3)
    traffic = bpftool("map", "dump", "pinned", only(
        [row for row in listed(env, "maps") if row["name"] == "traffic"])["pinned_path"])
    assert any(value["value"]["packets"] for entry in traffic
               for value in entry["formatted"]["values"]), traffic
    assert restored(env) == {}
    env.ok("unload", "--all")
    assert listed(env) == [] and not (env.pins / "made").exists()


def test_what_it_says(env, example, reboot):
    env.ok("load", example("xdp_pass"))
    assert "nothing is lost" in env.ok("restore").out
    reboot()
    out = env.ok("restore").out
    assert_said(out, r"1 +xdp_pass +restored +1 +1 +0",
                'map 3 "counters": its contents are gone')
    assert only(env.ok("-j", "restore", "xdp_pass").json()["restored"])["outcome"] == "intact"
    event = env.ok("-j", "events").json()["events"][-1]
    assert (event["action"], event["kind"], event["target_id"]) == ("restore", "object", 1)


def test_dry_run(env, example, reboot, unchanged):
    env.ok("load", example("multi"))
    reboot()
    with unchanged(env):
        out = env.ok("-n", "restore").out
    assert_said(out, r"1 +multi +restored +3 +5 +0", "dry run: nothing was restored")


def test_globals_options_and_builds(env, build_bpf, reboot):
    source = HEAD + """
volatile const int limit = 1;
int seen = 2;
SEC("xdp") int one(void *ctx) { return limit + seen; }
SEC("xdp") int two(void *ctx) { return VALUE; }
"""
    first = build_bpf(source, "build", ["-DVALUE=3"])
    second = build_bpf(source.replace("limit + seen", "limit + seen + 10"), "build", ["-DVALUE=3"])
    env.ok("load", first, "--program", "one", "--global", "limit=40", "--label", "k=v")
    env.ok("upgrade", "build", second)
    reboot()
    assert restored(env)["build"]["outcome"] == "restored"
    row = only(listed(env))
    assert (row["name"], row["labels"]) == ("one", {"k": "v"})

    def runs():
        return run_program(only(listed(env))["pinned_path"], b"\0" * 64, 1, env.dir)
    assert runs() == 52
    env.ok("upgrade", "build", "--back")
    assert runs() == 42


def test_a_program_that_was_unloaded_stays_away(env, build_bpf, reboot):
    env.ok("-c", f"load '{build_bpf(TWO, 'two')}'; unload first")
    reboot()
    restored(env)
    assert [row["name"] for row in listed(env)] == ["second"]
    assert {row["name"] for row in listed(env, "maps")} == {"own_second", "both"}


# ---- links ----


def test_an_interface_that_is_not_there(env, example, netns, reboot):
    env.ok("-c", f"load '{example('tc_count')}'; load '{example('xdp_pass')}'; "
           f"attach tc_count veth0 --ingress --netns {netns.name}; "
           f"attach xdp_pass veth0 --netns {netns.name} --mode generic")
    tc = next(row for row in listed(env, "links") if row["object"] == "tc_count")
    reboot()
    interface(netns, "set", "veth0", "down")
    interface(netns, "set", "veth0", "name", "away")
    rows = restored(env, status=1)
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "tc_count": "partly", "xdp_pass": "partly"}
    assert any("veth0" in note and "not attached again" in note
               for note in notes(rows["tc_count"])), rows
    assert {state for state, _ in states(env).values()} == {"loaded"}
    assert {row["state"] for row in listed(env, "links")} == {"lost"}
    # Later, by itself: programs and maps stay what they are.
    kernel_ids = [row["kernel_id"] for row in listed(env) + listed(env, "maps")]
    interface(netns, "set", "away", "name", "veth0")
    interface(netns, "set", "veth0", "up")
    rows = restored(env)
    assert (rows["tc_count"]["programs"], rows["tc_count"]["links"]) == (0, 1)
    assert [row["kernel_id"] for row in listed(env) + listed(env, "maps")] == kernel_ids
    row = only([row for row in listed(env, "links") if row["id"] == tc["id"]])
    assert row["state"] == "attached" and row["pinned_path"] == tc["pinned_path"]
    assert row["target_text"] == tc["target_text"]
    env.ok("detach", str(tc["id"]))


def test_it_waits_for_an_interface(env, example, netns, reboot):
    env.ok("-c", f"load '{example('tc_count')}'; "
           f"attach tc_count veth0 --ingress --netns {netns.name}")
    reboot()
    interface(netns, "set", "veth0", "down")
    interface(netns, "set", "veth0", "name", "away")
    process = subprocess.Popen(
        [BPFMAN, "-j", "restore", "--wait", "30"], env=env.variables(), stdout=subprocess.PIPE)
    try:
        # Its programs are there at once; another session may work meanwhile.
        wait_for(lambda: states(env)["tc_count"][0] == "loaded", "the program is loaded")
        env.ok("load", example("xdp_pass"))
        interface(netns, "set", "away", "name", "veth0")
        out, _ = process.communicate(timeout=40)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, out
    assert states(env)["tc_count"] == ("attached", None)


def test_what_is_not_attached_again(env, example, netns, reboot):
    process = subprocess.Popen(["sleep", "100"])
    try:
        env.ok("-c", f"load '{example('uprobe_malloc')}'; load '{example('xdp_pass')}'; "
               f"attach uprobe_malloc/{program_of(env, example, 'uprobe_malloc')} libc:malloc "
               f"--pid {process.pid}; attach xdp_pass veth0 --netns {netns.name} --mode generic "
               "--try 3600")
        reboot()
        rows = restored(env, status=1)
        assert_said("\n".join(notes(rows["uprobe_malloc"])), "for a process")
        assert_said("\n".join(notes(rows["xdp_pass"])), "on trial")
        assert {row["state"] for row in listed(env, "links")} == {"lost"}
    finally:
        process.kill()
        process.wait()


def program_of(env, example, name):
    return env.ok("-j", "verify", example(name)).json()["verdicts"][0]["program"]


def test_another_build_of_a_library(env, example, reboot):
    env.ok("-c", f"load '{example('uprobe_malloc')}' --attach")
    row = only(env.rows("links"))
    assert '"build_id":"' in row["target"], "this libc has no build id"
    reboot()
    changed = re.sub('"build_id":"[0-9a-f]+"', '"build_id":"00ff"', row["target"])
    sql(env, f"UPDATE links SET target = '{changed}'")
    assert_said("\n".join(notes(restored(env, status=1)["uprobe_malloc"])), "another build")
    sql(env, f"UPDATE links SET target = '{row['target']}'")
    assert restored(env)["uprobe_malloc"]["links"] == 1
    assert only(listed(env, "links"))["state"] == "attached"


def test_links_have_their_order_again(env, build_bpf, netns, reboot):
    source = HEAD + "".join(f'SEC("tc") int t{i}(void *ctx) {{ return -1; }}\n' for i in range(4))
    where = f"veth0 --ingress --netns {netns.name}"
    env.ok("-c", f"load '{build_bpf(source, 'three')}'; attach t0 {where}; attach t1 {where}; "
           f"attach t2 {where} --before t1")

    def order():
        """As the last of a program that is attached beside them, and detached again, tells."""
        row = env.ok("-j", "attach", "t3", *where.split(), "--last").json()
        env.ok("detach", row["link"]["id"])
        return [at["name"] for at in row["order"]][:-1]
    before = order()
    assert before == ["t0", "t2", "t1"]
    reboot()
    restored(env)
    assert order() == before


# ---- without a reboot ----


def fill(env, value):
    env.ok("map", "set", "counters", "1", str(value))


def contents(env):
    return map_values(only([row for row in listed(env, "maps")
                            if row["name"] == "counters"])["pinned_path"])


def test_a_program_pin_is_gone_and_maps_keep_their_contents(env, example):
    env.ok("load", example("xdp_pass"), "--pin-path", env.pins / "made/seen")
    fill(env, 77)
    old = only(listed(env))
    os.unlink(env.root / f"1/p{old['id']}_xdp_pass")
    os.unlink(env.pins / "made/seen")
    assert states(env) == {"xdp_pass": ("lost", "unpinned")}
    row = restored(env)["xdp_pass"]
    assert (row["programs"], row["maps"], row["notes"]) == (1, 0, [])
    assert states(env) == {"xdp_pass": ("loaded", None)} and contents(env)[1] == 77
    assert os.stat(env.pins / "made/seen").st_ino == os.stat(
        env.root / f"1/p{old['id']}_xdp_pass").st_ino
    assert sorted(os.listdir(env.root / "1")) == ["m3_counters", "p2_xdp_pass"]
    assert [name for name in os.listdir(env.root) if name[0] in "su"] == []


def test_links_that_live_move_to_what_is_loaded_again(env, build_bpf, netns):
    env.ok("-c", f"load '{build_bpf(TWO, 'two')}'; attach first veth0 --netns {netns.name} "
           "--mode generic")
    link = only(listed(env, "links"))
    program = next(row for row in listed(env) if row["name"] == "second")
    os.unlink(program["pinned_path"])
    row = restored(env)["two"]
    assert (row["outcome"], row["programs"], row["links"]) == ("restored", 1, 0)
    now = only(listed(env, "links"))
    assert (now["state"], now["kernel_id"]) == ("attached", link["kernel_id"])
    first = next(row for row in listed(env) if row["name"] == "first")
    assert bpftool("link", "show", "id", now["kernel_id"])["prog_id"] == first["kernel_id"]
    before = map_values(env.root / "1" / next(
        n for n in os.listdir(env.root / "1") if n.endswith("_own_first")))[0]
    netns.ping(3)
    after = map_values(env.root / "1" / next(
        n for n in os.listdir(env.root / "1") if n.endswith("_own_first")))[0]
    assert after > before


def test_a_link_pin_alone_is_gone(env, example, netns):
    env.ok("-c", f"load '{example('tc_count')}'; "
           f"attach tc_count veth0 --ingress --netns {netns.name}")
    link, program = only(listed(env, "links")), only(listed(env))
    os.unlink(link["pinned_path"])
    assert only(listed(env, "links"))["lost_reason"] == "unpinned"
    row = restored(env)["tc_count"]
    assert (row["programs"], row["maps"], row["links"]) == (0, 0, 1)
    assert only(listed(env, "links"))["state"] == "attached"
    assert only(listed(env))["kernel_id"] == program["kernel_id"]


def test_a_map_pin_is_gone(env, example):
    env.ok("load", example("xdp_pass"))
    fill(env, 5)
    os.unlink(env.root / "1/m3_counters")
    row = restored(env)["xdp_pass"]
    assert_said("\n".join(notes(row)), "counters: its contents are gone")
    assert states(env, "maps") == {"counters": ("loaded", None)} and contents(env)[1] == 0
    assert env.ok("-j", "show", "xdp_pass").json()["program"]["state"] == "loaded"


def test_what_runs_on_without_its_pin_is_left_alone(env, example, netns, unchanged):
    env.ok("-c", f"load '{example('tc_count')}'; "
           f"attach tc_count veth0 --ingress --netns {netns.name}")
    link = only(listed(env, "links"))
    os.unlink(only(listed(env))["pinned_path"])
    with unchanged(env):
        rows = restored(env, status=1)
    assert rows["tc_count"]["outcome"] == "failed"
    assert_said(rows["tc_count"]["failure"], f"link {link['id']} runs it")
    assert_said(rows["tc_count"]["hint"], f"detach {link['id']}")
    env.ok("-c", f"detach {link['id']}; restore")
    assert states(env)["tc_count"] == ("loaded", None)


# ---- in the way ----


def test_one_fails_and_the_others_come_back(env, example, reboot, build_bpf):
    env.ok("-c", f"load '{example('xdp_pass')}'; load '{example('tc_count')}'")
    reboot()
    stranger = env.root / "1"
    stranger.mkdir(parents=True)
    theirs = pin_stranger(stranger / "theirs", build_bpf(TRIVIAL, "other"))
    rows = restored(env, status=1)
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "xdp_pass": "failed", "tc_count": "restored"}
    assert_said(rows["xdp_pass"]["failure"], "root/1/theirs", "not what bpfman pinned there")
    assert bpftool("prog", "show", "pinned", stranger / "theirs")["id"] == theirs
    event = next(e for e in env.ok("-j", "events").json()["events"][::-1]
                 if e["name"] == "xdp_pass")
    assert (event["action"], event["ok"]) == ("restore", False)
    assert_said(env.run("restore").out, 'object 1 "xdp_pass" is not restored: ', "hint: ")
    shutil.rmtree(stranger)
    assert restored(env)["xdp_pass"]["outcome"] == "restored"


def test_a_pin_path_is_taken(env, example, reboot, build_bpf, unchanged):
    env.ok("load", example("xdp_pass"), "--pin-path", env.pins / "seen")
    reboot()
    pin_stranger(env.pins / "seen", build_bpf(TRIVIAL, "other"))
    env.root.mkdir()
    with unchanged(env):
        row = restored(env, status=1)["xdp_pass"]
    assert row["outcome"] == "failed"
    assert_said(row["failure"], "seen, where it was pinned too, is there already")
    os.unlink(env.pins / "seen")
    restored(env)
    assert (env.pins / "seen").exists()


def test_a_replaced_pin_is_not_touched(env, example, build_bpf, unchanged):
    env.ok("load", example("xdp_pass"))
    pin = only(listed(env))["pinned_path"]
    os.unlink(pin)
    pin_stranger(pin, build_bpf(TRIVIAL, "other"))
    with unchanged(env):
        row = restored(env, status=1)["xdp_pass"]
    assert_said(row["failure"], "not what bpfman pinned there")


def test_a_map_of_another_object_comes_first(env, example, reboot, unchanged):
    env.ok("-c", f"load '{example('xdp_pass')}'; "
           f"load '{example('xdp_pass')}' --name second --reuse-map counters=counters")
    reboot()
    env.root.mkdir()
    with unchanged(env):
        row = restored(env, "second", status=1)["second"]
    assert_said(row["failure"], 'map 3 "counters", which it uses, is lost')
    assert row["hint"] == "restore object:xdp_pass first"
    assert list(restored(env, "second", "xdp_pass")) == ["xdp_pass", "second"]


def test_bad_input(env, example, unchanged):
    env.ok("load", example("xdp_pass"))
    with unchanged(env):
        assert_failed(env.run("restore", "xdp_pas"), 1, "xdp_pas")
        assert_failed(env.run("restore", "--wait", "soon"), 2, "--wait")
        assert_failed(env.run("restore", "--wait"), 2, "--wait")


def test_on_another_bpffs_nothing_is_called_lost(env, example, unchanged):
    env.ok("load", example("xdp_pass"))
    with unchanged(env):
        result = env.run("-j", "restore", prefix=[
            "unshare", "-m", "bash", "-ec", f"mount -t bpf bpf '{env.pins.parent}'\nexec \"$@\"",
            "bash"])
        assert result.status == 1
        row = only(result.json()["restored"])
        assert row["outcome"] == "failed"
        assert_said(row["failure"], "another bpffs")
