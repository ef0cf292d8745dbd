# SPDX-License-Identifier: GPL-3.0-or-later
"""bpfman-kernel puts one program in another's place: keep_maps, carry, retarget, move_link, exchange."""
import os

import pytest

from asking import ask, good
from helpers import HEAD, TRIVIAL, bpftool, map_values, only

pytestmark = pytest.mark.usefixtures("need_bpf")

COUNT = HEAD + """
ARRAY(counters, ENTRIES);
SEC("xdp") int count(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &zero);

	if (value)
		__sync_fetch_and_add(value, STEP);
	return 2;
}
"""


def refused(env, **request):
    """The error of a request that must fail and leaves nothing."""
    answer = ask(env, **request)
    assert not answer["ok"] and answer["error"]["left_behind"] is False, answer
    return answer["error"]


@pytest.fixture
def build(build_bpf):
    return lambda step, entries=4: build_bpf(COUNT, "count",
                                             [f"-DSTEP={step}", f"-DENTRIES={entries}"])


def load(env, file, directory, **more):
    """Loads it into a directory of pins: program 2, map 3."""
    env.root.mkdir(exist_ok=True)
    return good(env, op="load", path=file, staging=str(env.root / "staging"),
                final=str(env.root / directory), next_id=2, **more)


def second(env, build, **more):
    """The next build, beside the first one, with its map."""
    return load(env, build(1000), "next", keep_maps={"counters": f"{env.root}/now/m3_counters"},
                **more)


def inode(path):
    status = os.stat(path)
    return status.st_dev, status.st_ino


def test_a_map_is_kept_under_its_name(env, build, unchanged):
    first = only(load(env, build(1), "now")["maps"])
    with unchanged(env):
        row = only(second(env, build)["maps"])
        assert row["kernel_id"] == first["kernel_id"]
        assert row["id"] is None and row["created"] is False
        assert row["pinned_path"] == f"{env.root}/next/m3_counters"
        assert inode(row["pinned_path"]) == inode(first["pinned_path"]) == (
            int(row["pin_dev"]), int(row["pin_ino"]))
        good(env, op="unpin", dirs=[f"{env.root}/next"])
    good(env, op="unpin", dirs=[f"{env.root}/now"])


def test_a_map_that_differs_is_refused(env, build, unchanged):
    load(env, build(1), "now")
    with unchanged(env):
        error = refused(env, op="load", path=build(2, entries=9), staging=f"{env.root}/staging",
                        final=f"{env.root}/next", next_id=2,
                        keep_maps={"counters": f"{env.root}/now/m3_counters"})
        assert error["reason"] == "map_mismatch" and "counters" in error["message"]
        assert any("max_entries: 9" in line and "4" in line for line in error["details"])
        error = refused(env, op="load", path=build(2), staging=f"{env.root}/staging",
                        final=f"{env.root}/next", next_id=2,
                        keep_maps={"counters": f"{env.root}/now/p2_count"})
        assert "is not a map" in error["message"]
        error = refused(env, op="load", path=build(2), staging=f"{env.root}/staging",
                        final=f"{env.root}/next", next_id=2, carry=[f"{env.root}/now/none"])
        assert "does not exist" in error["message"]


def test_ids_of_pins(env, build):
    result = load(env, build(1), "now", program_ids={"count": "70"}, map_ids={"counters": "80"})
    assert only(result["programs"])["id"] == 70 and only(result["maps"])["id"] == 80
    assert sorted(os.listdir(env.root / "now")) == ["m80_counters", "p70_count"]
    error = refused(env, op="load", path=build(1), staging=f"{env.root}/staging",
                    final=f"{env.root}/next", next_id=2, program_ids={"count": "x"})
    assert "not a number" in error["message"]


@pytest.fixture
def linked(env, build, netns):
    """Two builds, the first one attached; its link is carried."""
    load(env, build(1), "now")
    link = good(env, op="attach", program_pin=f"{env.root}/now/p2_count", target=netns.interface,
                options={"netns": netns.name}, staging=f"{env.root}/s9",
                final=f"{env.root}/now/l9_count")
    second(env, build, carry=[link["pinned_path"]])
    return link


def retarget(env, to, other, **more):
    return good(env, op="retarget", dir=f"{env.root}/{to}", other=f"{env.root}/{other}",
                links={"l9_count": "p2_count"}, **more)


def test_links_go_and_come_back(env, linked, netns, unchanged):
    def value():
        return int(map_values(env.root / "now/m3_counters")[0])

    def runs():
        return bpftool("link", "show", "id", linked["kernel_id"])["prog_id"]
    ids = {name: bpftool("prog", "show", "pinned", env.root / name / "p2_count")["id"]
           for name in ("now", "next")}
    assert good(env, op="info", pin_path=linked["pinned_path"])["update"] == "replace"
    for to, other in (("next", "now"), ("now", "next")):
        assert retarget(env, to, other)["moved"] == [f"{env.root}/{to}/l9_count"]
        assert runs() == ids[to]
        with unchanged(env):
            assert retarget(env, to, other) == {"moved": [], "kept": []}
    retarget(env, "next", "now")
    before = value()
    netns.ping(3)
    assert value() - before >= 3000
    # The link has another pin: what goes with the old directory does not detach it.
    good(env, op="exchange", a=f"{env.root}/now", b=f"{env.root}/next")
    good(env, op="unpin", copies=[f"{env.root}/next"])
    assert not (env.root / "next").exists()
    before = value()
    netns.ping(3)
    assert value() - before >= 3000 and runs() == ids["next"]


def test_a_link_of_somebody_elses_is_left_alone(env, linked, build_bpf):
    stranger = env.root / "stranger"
    assert bpftool("prog", "load", build_bpf(TRIVIAL, "stranger"), stranger) is not None
    good(env, op="load", path=build_bpf(TRIVIAL, "third"), staging=f"{env.root}/staging",
         final=f"{env.root}/third", next_id=2, carry=[linked["pinned_path"]],
         program_ids={"pass": "2"})
    # third/p2_pass is neither now's nor next's.
    os.rename(env.root / "third/p2_pass", env.root / "third/p2_count")
    retarget(env, "third", "now")
    kept = only(retarget(env, "next", "now")["kept"])
    assert kept["foreign"] is True and kept["path"] == f"{env.root}/next/l9_count"


def test_one_link_that_cannot_move_moves_none(env, linked, unchanged):
    with unchanged(env):
        error = refused(env, op="retarget", dir=f"{env.root}/next", other=f"{env.root}/now",
                        links={"l9_count": "p2_count", "l10_none": "p2_count"})
        assert "l10_none" in error["message"]
    assert bpftool("link", "show", "id", linked["kernel_id"])["prog_id"] == \
        bpftool("prog", "show", "pinned", env.root / "now/p2_count")["id"]


def test_a_dead_target_is_told(env, linked, netns):
    netns.run("ip", "link", "del", netns.interface)
    result = retarget(env, "next", "now")
    assert result["moved"] == []
    assert [(k["path"], k["foreign"]) for k in result["kept"]] == \
        [(f"{env.root}/next/l9_count", False)]


@pytest.fixture
def moving(env, build, build_bpf, netns):
    """Another program beside the one that is attached: the request that moves the link to it."""
    load(env, build(1), "now")
    load(env, build_bpf(TRIVIAL, "other"), "next")
    link = good(env, op="attach", program_pin=f"{env.root}/now/p2_count", target=netns.interface,
                options={"netns": netns.name}, staging=f"{env.root}/s9",
                final=f"{env.root}/now/l9_count")
    return link, dict(op="move_link", link=link["pinned_path"],
                      program=f"{env.root}/next/p2_pass", **{"from": f"{env.root}/now/p2_count"})


def test_a_link_moves_and_comes_back(env, moving, unchanged):
    link, request = moving
    second_name = env.root / "next/l9_pass"

    def runs():
        return bpftool("link", "show", "id", link["kernel_id"])["prog_id"]
    assert good(env, **request, second=second_name) == {"moved": True, "why": None}
    assert runs() == bpftool("prog", "show", "pinned", env.root / "next/p2_pass")["id"]
    assert inode(second_name) == inode(link["pinned_path"])
    with unchanged(env):
        assert good(env, **request)["moved"], "it has moved already"
        error = refused(env, **request, second=second_name)
        assert error["reason"] == "pin_taken"
    back = {**request, "program": request["from"], "from": request["program"]}
    assert good(env, **back)["moved"]
    assert runs() == link["program_id"]
    # Only the name goes, not the link.
    good(env, op="unpin", pins=[{"path": str(second_name), "pin_dev": "", "pin_ino": ""}])
    assert not second_name.exists() and runs() == link["program_id"]


def test_a_link_that_does_not_move(env, moving, build_bpf, netns, unchanged):
    link, request = moving
    load(env, build_bpf(HEAD + 'SEC("tc") int shape(void *ctx) { return 0; }', "shape"), "tc")
    second_name = f"{env.root}/next/l9_pass"
    with unchanged(env):
        error = refused(env, **{**request, "program": f"{env.root}/tc/p2_shape"}, second=second_name)
        assert error["code"] == "EINVAL" and "another type" in error["hint"]
        told = good(env, **{**request, "from": f"{env.root}/tc/p2_shape"}, second=second_name)
        assert told == {"moved": False, "why": "it runs a program of somebody else's"}
        for field, path, said in (("link", "now/p2_count", "is no link"),
                                  ("program", "now/l9_count", "is no program"),
                                  ("from", "now/none", "none")):
            assert said in refused(env, **{**request, field: f"{env.root}/{path}"})["message"]
        assert "s" in refused(env, **request, second="/tmp/second")["message"]
    netns.run("ip", "link", "del", netns.interface)
    assert good(env, **request, second=second_name) == {"moved": False, "why": "its target is gone"}
    assert not os.path.exists(second_name)


def test_second_names(env, build, unchanged):
    load(env, build(1), "now", pin_path=f"{env.pins}/name")
    second(env, build)
    names = {f"{env.pins}/name": "p2_count"}
    for to, other in (("next", "now"), ("now", "next"), ("now", "next")):
        good(env, op="retarget", dir=f"{env.root}/{to}", other=f"{env.root}/{other}", names=names)
        assert inode(env.pins / "name") == inode(env.root / to / "p2_count")
        assert "name_bpfman" not in os.listdir(env.pins)
    # As a kill in between leaves it.
    os.link(env.root / "next/p2_count", env.pins / "name_bpfman")
    good(env, op="retarget", dir=f"{env.root}/next", other=f"{env.root}/now", names=names)
    assert "name_bpfman" not in os.listdir(env.pins)
    os.link(env.root / "next/p2_count", env.pins / "name_bpfman")
    good(env, op="retarget", dir=f"{env.root}/next", other=f"{env.root}/now", names=names)
    assert "name_bpfman" not in os.listdir(env.pins)
    os.unlink(env.pins / "name")
    assert only(good(env, op="retarget", dir=f"{env.root}/now", other=f"{env.root}/next",
                     names=names)["kept"])["why"] == "does not exist any more"
    os.link(env.root / "now/m3_counters", env.pins / "name")
    with unchanged(env):
        assert only(good(env, op="retarget", dir=f"{env.root}/now", other=f"{env.root}/next",
                         names=names)["kept"])["why"] == "is another object"


@pytest.mark.parametrize("request_, said", [
    ({"op": "exchange", "a": "{}/now", "b": "{}/none"}, "none does not exist"),
    ({"op": "exchange", "a": "{}/now", "b": "{}/now/p2_count"}, "is not a directory"),
    ({"op": "exchange", "a": "{}/now", "b": "/tmp"}, "not in a BPF file system"),
    ({"op": "exchange", "a": "{}/now", "b": "{}/deep/er"}, "same directory"),
    ({"op": "retarget", "dir": "{}/none", "other": "{}/now"}, "none"),
    ({"op": "retarget", "dir": "/tmp", "other": "{}/now"}, "not in a BPF file system"),
    ({"op": "retarget", "dir": "{}/now", "other": "{}/now", "links": {"../x": "p"}},
     "not the name of a pin"),
    ({"op": "retarget", "dir": "{}/now", "other": "{}/now", "names": {"x": "p2_count"}},
     "must be absolute"),
])
def test_bad_requests(env, build, unchanged, request_, said):
    load(env, build(1), "now")
    (env.root / "deep/er").mkdir(parents=True)

    def fill(value):
        if isinstance(value, dict):
            return {k: fill(v) for k, v in value.items()}
        return value.replace("{}", str(env.root))
    with unchanged(env):
        assert said in refused(env, **fill(request_))["message"]
