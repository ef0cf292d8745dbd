# SPDX-License-Identifier: GPL-3.0-or-later
"""upgrade where not all is as bpfman left it: targets gone, pins of strangers, links in other hands."""
import os
import pathlib
import subprocess

import pytest
from helpers import (HEAD, assert_failed, assert_said, bpftool, listed, map_values, only,
                     pin_stranger, run_program, wait_for)

pytestmark = pytest.mark.usefixtures("need_bpf")

SOURCE = HEAD + """
#ifndef STEP
#define STEP 1
#endif
#ifndef SECTION
#define SECTION "xdp"
#endif
ARRAY(counters, 4);
static __always_inline int add(int verdict)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &zero);

	if (value)
		__sync_fetch_and_add(value, STEP);
	return verdict;
}
SEC(SECTION) int packets(void *ctx) { return add(2); }
SEC("raw_tp/sched_switch") int switches(void *ctx) { return add(0); }
SEC("uprobe") int calls(void *ctx) { return add(0); }
"""


@pytest.fixture
def build(build_bpf):
    """build(2): an object called astray that counts in steps of two."""
    return lambda step=1, *flags: build_bpf(SOURCE, "astray", [f"-DSTEP={step}", *flags])


def link_of(env, program):
    return only([row for row in listed(env, "links") if row["program"] == program])


def upgrade(env, path, *options):
    return env.ok("-j", "upgrade", "astray", path, *options).json()


def kept(answer):
    return [(row["path"], row["why"]) for row in answer["kept"]]


def test_what_load_attached_by_its_sections_moves(env, build):
    env.ok("load", build(), "--program", "switches", "--attach")
    before = link_of(env, "switches")
    assert upgrade(env, build(2))["changed"] is True
    assert link_of(env, "switches") == {**before, "kernel_id": link_of(env, "switches")["kernel_id"]}
    env.ok("upgrade", "astray", "--back")


@pytest.mark.parametrize("how", ["interface", "detached"])
def test_a_link_whose_target_is_gone_stays_through_any_number_of_upgrades(env, netns, build, how):
    env.ok("load", build())
    link = env.ok("-j", "attach", "packets", "veth0", "--netns", netns.name).json()["link"]
    if how == "interface":
        netns.run("ip", "link", "del", "veth0")
    else:
        assert bpftool("link", "detach", "id", link["kernel_id"]) is not None
    for step in (2, 3, 4):
        assert kept(upgrade(env, build(step))) == [(link["pinned_path"], "its target is gone")]
    assert link_of(env, "packets")["kernel_id"] in (link["kernel_id"], None)
    env.ok("detach", str(link["id"]))
    assert kept(upgrade(env, build(5))) == []


def test_a_probe_of_a_process_that_ended_hinders_nothing(env, build):
    env.ok("load", build())
    with subprocess.Popen(["sleep", "600"]) as process:
        link = env.ok("-j", "attach", "calls", "libc:getpgid", "--pid", str(process.pid)).json()
        process.kill()
    path = link["link"]["pinned_path"]
    for step in (2, 3):
        assert kept(upgrade(env, build(step))) == [(path, "its target is gone")]
        row = link_of(env, "calls")
        assert (row["state"], row["lost_reason"]) == ("target_gone", "process")
        assert os.path.exists(path)
    env.ok("detach", "calls")


def test_an_old_link_in_other_hands_is_told(env, build):
    env.ok("load", build())
    link = env.ok("-j", "attach", "switches").json()["link"]
    held = env.pins / "held"
    assert bpftool("link", "pin", "id", link["kernel_id"], held) is not None
    [(path, why)] = kept(upgrade(env, build(2)))
    assert path.endswith("/" + os.path.basename(link["pinned_path"])) and "attached still" in why
    assert bpftool("link", "show", "id", link["kernel_id"])
    held.unlink()
    assert kept(upgrade(env, build(3))) == []


@pytest.mark.parametrize("name", ["stranger", "lstranger", "the link's"])
def test_pins_of_strangers_are_not_removed(env, netns, build, example, unchanged, name):
    env.ok("load", build())
    link = env.ok("-j", "attach", "packets", "veth0", "--netns", netns.name).json()["link"]
    pin = pathlib.Path(link["pinned_path"])
    if name == "the link's":
        pin.unlink()
    else:
        pin = pin.parent / name
    stranger = pin_stranger(pin, example("xdp_pass"))
    with unchanged(env):
        assert_failed(env.run("upgrade", "astray", build(2)), 1, str(pin), "not what bpfman pinned",
                      "move or remove it")
    assert bpftool("prog", "show", "pinned", pin)["id"] == stranger
    pin.unlink()
    assert upgrade(env, build(2))["changed"] is True


def test_a_map_that_is_lost_keeps_nothing(env, build, unchanged):
    env.ok("load", build())
    pin = pathlib.Path(only(listed(env, "maps"))["pinned_path"])
    pin.unlink()
    with unchanged(env):
        assert_failed(env.run("upgrade", "astray", build(2)), 1, "counters", "lost", "unpinned",
                      "--reset-map counters")
    # Nor is a stranger's map of the same shape taken for it.
    assert bpftool("map", "create", pin, "type", "array", "key", 4, "value", 8, "entries", 4,
                   "name", "counters") is not None
    assert_failed(env.run("upgrade", "astray", build(2)), 1, str(pin), "not what bpfman pinned")
    pin.unlink()
    upgrade(env, build(2), "--reset-map", "counters")
    row = only(listed(env, "maps"))
    assert row["state"] == "loaded"
    program = only([p for p in listed(env) if p["name"] == "packets"])
    run_program(program["pinned_path"], b"\0" * 64, 1, env.dir)
    assert int(map_values(row["pinned_path"])[0]) == 2


def test_a_program_for_another_attachment(env, netns, build, unchanged):
    env.ok("load", build())
    env.ok("attach", "packets", "veth0", "--netns", netns.name)
    with unchanged(env):
        assert_failed(env.run("upgrade", "astray", build(2, '-DSECTION="tc"')), 1,
                      "cannot be moved", "another type of attachment: detach")


def test_a_map_by_name_goes_with_its_last_user(env, example, build_bpf):
    env.ok("load", example("by_name"))
    env.ok("load", example("by_name"), "--name", "other")
    without = build_bpf(HEAD + 'SEC("xdp") int by_name(void *ctx) { return 2; }\n', "by_name")
    row = only(listed(env, "maps"))
    env.ok("upgrade", "object:by_name", without)
    assert only(listed(env, "maps"))["programs"] == \
        [p["id"] for p in listed(env) if p["object"] == "other"]
    env.ok("upgrade", "object:other", without)
    assert listed(env, "maps") == [] and not os.path.exists(row["pinned_path"])
    wait_for(lambda: bpftool("map", "show", "id", row["kernel_id"]) is None, "the map is freed")
    env.ok("upgrade", "object:other", "--back")
    assert only(listed(env, "maps"))["state"] == "loaded"
    assert_said(env.ok("unload", "--all").out, "by_name")
    assert listed(env, "maps") == []
