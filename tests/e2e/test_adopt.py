# SPDX-License-Identifier: GPL-3.0-or-later
"""adopt takes in what others pinned; release forgets and leaves it running."""
import contextlib
import os
import sqlite3
import subprocess

import pytest
from conftest import BOOKKEEPING
from helpers import (ARRAY_OF_ONE, TRIVIAL, TWO, assert_error_document, assert_failed, assert_said,
                     bpftool, listed, only, pin_stranger)

pytestmark = pytest.mark.usefixtures("need_bpf")


def clean(env):
    result = env.run("-j", "doctor")
    assert result.status == 0 and result.json()["findings"] == [], repr(result)


@pytest.fixture
def theirs(env, build_bpf):
    """Somebody else's program with a map: its path and kernel id."""
    path = env.pins / "theirs"
    path.mkdir()
    return path / "prog", pin_stranger(path / "prog", build_bpf(
        ARRAY_OF_ONE.replace("PROGRAM", "a_long_name_of_others"), "other"))


# ---- adopt ----


def test_adopt(env, theirs, example):
    path, kernel_id = theirs
    env.ok("load", example("tc_count"))
    answer = env.ok("-j", "adopt", path).json()
    assert answer["changed"] is True
    program, found = only(answer["programs"]), only(answer["maps"])
    assert (program["name"], program["kernel_id"]) == ("a_long_name_of_others", kernel_id)
    assert program["maps"] == [found["id"]] and found["name"] == "numbers"
    assert answer["object"]["path"] is None is answer["object"]["sha256"]
    assert os.stat(program["pinned_path"]).st_ino == os.stat(path).st_ino, "a second name"
    assert env.ok("-j", "map", "get", "numbers", "0").json()
    assert only([row for row in listed(env) if row["id"] == program["id"]])["state"] == "loaded"
    assert_said(env.ok("show", "object:a_long_name_of_others").out, f"Adopted from: +{path}\n")
    event = env.ok("-j", "events").json()["events"][-1]
    assert (event["action"], event["kind"], event["name"]) == ("adopt", "object",
                                                               "a_long_name_of_others")
    clean(env)
    # unload takes bpfman's pins only.
    env.ok("unload", "a_long_name_of_others")
    assert bpftool("prog", "show", "pinned", path)["id"] == kernel_id
    assert [row["name"] for row in listed(env, "objects")] == ["tc_count"]
    clean(env)
    env.ok("adopt", path, "--name", "again")
    assert "again" in [row["name"] for row in listed(env, "objects")]


def test_what_is_said(env, theirs):
    path, _ = theirs
    assert_said(env.ok("adopt", path).out, f"{path} adopted as object 1", "a_long_name_of_others")
    out = env.ok("unload", "--all").out
    assert_said(out, f"left {path} in place: its owner pinned it there")


def test_adopt_what_is_attached(env, netns, theirs, build_bpf):
    path, kernel_id = theirs
    netns.run("ip", "link", "set", "dev", "veth0", "xdp", "pinned", path)
    env.ok("adopt", path, "--name", "theirs")
    assert f"id {kernel_id}" in netns.run("ip", "link", "show", "veth0", text=True).stdout
    env.ok("unload", "theirs")
    assert f"id {kernel_id}" in netns.run("ip", "link", "show", "veth0", text=True).stdout


def test_attach_and_upgrade_what_was_adopted(env, netns, theirs, build_bpf):
    path, kernel_id = theirs
    env.ok("adopt", path, "--name", "theirs")
    link = env.ok("-j", "attach", "a_long_name_of_others", "veth0", "--netns",
                  netns.name).json()["link"]
    assert link["type"] == "xdp"
    netns.ping()
    new = build_bpf(ARRAY_OF_ONE.replace("PROGRAM", "a_long_name_of_others") +
                    "/* another build */\nint unused SEC(\".data.other\");", "new")
    answer = env.ok("-j", "upgrade", "object:theirs", new).json()
    assert answer["object"]["sha256"] and only(answer["programs"])["kernel_id"] != kernel_id
    assert bpftool("prog", "show", "pinned", path)["id"] == kernel_id
    assert_failed(env.run("upgrade", "object:theirs", "--back"), 1, "build before")
    netns.ping()
    clean(env)
    env.ok("unload", "--all")
    assert bpftool("prog", "show", "pinned", path)["id"] == kernel_id


def test_on_another_bpffs(env, build_bpf):
    inside = ["unshare", "-m", "sh", "-c",
              f"mount -t bpf bpf {env.dir} && bpftool prog load \"$0\" {env.dir}/prog && "
              f"\"$@\" && rm {env.dir}/prog", build_bpf(TRIVIAL, "other")]
    env.ok("adopt", env.dir / "prog", "--name", "far", prefix=inside)
    row = only(listed(env))
    assert row["state"] == "loaded" and bpftool("prog", "show", "id", row["kernel_id"])
    clean(env)


def test_maps_that_are_managed_already_are_the_same(env, build_bpf, example):
    env.ok("load", build_bpf(TWO, "two"))
    os.link(env.ok("-j", "show", "first").json()["program"]["pin"], env.pins / "first")
    maps = {row["name"]: row for row in listed(env, "maps")}
    env.ok("release", "first")
    answer = env.ok("-j", "adopt", env.pins / "first", "--name", "back").json()
    ids = {row["name"]: row["id"] for row in answer["maps"]}
    assert ids["both"] == maps["both"]["id"] and ids["own_first"] != maps["own_first"]["id"]
    users = {row["name"]: row["programs"] for row in listed(env, "maps")}
    assert len(users["both"]) == 2
    env.ok("unload", "object:two")
    env.ok("unload", "--all")


def test_after_a_reboot_it_is_lost(env, theirs):
    path, _ = theirs
    env.ok("adopt", path, "--name", "theirs")
    with contextlib.closing(sqlite3.connect(env.db)) as db:
        db.execute("UPDATE objects SET boot_id = 'x'")
        db.execute("UPDATE maps SET boot_id = 'x'")
        db.commit()
    subprocess.run(["rm", "-r", env.root / "1"], check=True)
    row = env.run("-j", "doctor").json()["findings"][0]
    assert (row["rule"], row["mends"]) == ("stale_boot", "unload 1")
    env.ok("-c", row["mends"])
    clean(env)


def test_a_dry_run_adopts_nothing(env, theirs, unchanged, example):
    path, _ = theirs
    env.ok("load", example("tc_count"))
    with unchanged(env):
        out = env.ok("-n", "adopt", path).out
        assert_said(out, "would adopt")


def test_what_cannot_be_adopted(env, theirs, netns, unchanged, example, build_bpf):
    path, _ = theirs
    env.ok("load", example("xdp_pass"))
    link = env.ok("-j", "attach", "xdp_pass", "veth0", "--netns", netns.name).json()["link"]
    managed = env.ok("-j", "show", "xdp_pass").json()["program"]["pin"]
    os.symlink(path, env.pins / "symlink")
    (env.dir / "file").write_text("x", encoding="ascii")
    with unchanged(env):
        for words, message in [
                ([managed], 'is program 2 "xdp_pass", which is managed already'),
                ([link["pinned_path"]], "is a link: programs are adopted"),
                ([only(listed(env, "maps"))["pinned_path"]], "is a map: programs are adopted"),
                ([env.pins / "nothing"], "nothing does not exist"),
                ([env.pins / "theirs"], "is a directory"),
                ([env.pins / "symlink"], "symbolic link"),
                ([env.dir / "file"], "not in a BPF file system"),
                ([path, "--name", "xdp_pass"], 'named "xdp_pass" is there already'),
                ([path, "--name", "12"], "all digits"),
                ([path, "--name", "a/b"], "has a / or a :")]:
            assert_error_document(env.run("-j", "adopt", *words), 1, message)
        assert_failed(env.run("adopt"), 2, "PIN")
        assert_error_document(env.run("-j", "--atomic", "adopt", path), 2, "atomic")


# ---- release ----


def pins_below(directory):
    return sorted(os.path.relpath(os.path.join(at, name), directory)
                  for at, _, names in os.walk(directory) for name in names)


def test_release(env, netns, example):
    env.ok("load", example("xdp_pass"), "--pin-path", env.pins / "deep/seen")
    env.ok("load", example("tc_count"))
    link = env.ok("-j", "attach", "xdp_pass", "veth0", "--netns", netns.name).json()["link"]
    before = env.ok("-j", "show", "xdp_pass").json()["program"]
    answer = env.ok("-j", "release", "object:xdp_pass").json()
    rows = {row["kind"]: row for row in answer["released"]}
    assert set(rows) == {"program", "map", "link"} and answer["kept"] == []
    home = env.root / "released/1_xdp_pass"
    for kind, row in rows.items():
        assert row["pinned_path"].startswith(f"{home}/") and os.path.exists(row["pinned_path"]), kind
    assert os.stat(rows["program"]["pinned_path"]).st_ino == os.stat(env.pins / "deep/seen").st_ino
    assert bpftool("prog", "show", "pinned", rows["program"]["pinned_path"])["id"] == \
        before["kernel_id"]
    assert bpftool("link", "show", "id", link["kernel_id"])
    netns.ping()
    assert [row["name"] for row in listed(env)] == ["tc_count"] and listed(env, "links") == []
    assert not (env.root / "1").exists()
    event = env.ok("-j", "events").json()["events"][-1]
    assert (event["action"], event["name"]) == ("release", "xdp_pass")
    clean(env)
    # And back, from where it was put: the pin moves, the link stays as it is.
    env.ok("adopt", rows["program"]["pinned_path"])
    assert not os.path.exists(rows["program"]["pinned_path"])
    assert bpftool("link", "show", "id", link["kernel_id"])
    clean(env)
    env.ok("unload", "--all")
    os.unlink(rows["link"]["pinned_path"])


def test_release_one_program_of_several(env, build_bpf):
    env.ok("load", build_bpf(TWO, "two"))
    answer = env.ok("-j", "release", "first", "--to", env.pins / "a/b").json()
    names = {(row["kind"], row["name"]) for row in answer["released"]}
    assert names == {("program", "first"), ("map", "own_first")}, "what is shared stays"
    assert pins_below(env.pins / "a") == ["b/m4_own_first", "b/p2_first"]
    assert {row["name"] for row in listed(env, "maps")} == {"own_second", "both"}
    clean(env)
    env.ok("release", "second", "--to", env.pins / "a/b")
    assert len(pins_below(env.pins / "a")) == 5 and listed(env, "objects") == []
    assert os.listdir(env.root / "by_name") if (env.root / "by_name").exists() else True
    clean(env)


def test_release_map_pinned_by_name(env, example):
    env.ok("load", example("by_name"))
    answer = env.ok("-j", "release", "object:by_name").json()
    shared = only([row for row in answer["released"] if row["name"] == "blocklist"])
    assert shared["pinned_path"].endswith("/blocklist") and os.path.exists(shared["pinned_path"])
    env.ok("load", example("by_name"))
    clean(env)


def test_where_it_cannot_go(env, example, unchanged):
    env.ok("load", example("xdp_pass"))
    (env.pins / "taken").mkdir()
    (env.pins / "taken/m3_counters").mkdir()
    with unchanged(env, ignore=(*BOOKKEEPING, "objects")):  # the run that tried is noted
        for to, message in [(env.root / "x", "is inside the pin root"),
                            (env.dir / "x", "not in a BPF file system"),
                            (env.pins / "a.b", "bpffs refuses names with a dot"),
                            (env.pins / "taken", "cannot move .*m3_counters.*File exists")]:
            assert_error_document(env.run("-j", "release", "xdp_pass", "--to", to), 1, message)
            row = only(env.rows("objects"))
            assert row["state"] == "loaded" and only(listed(env))["state"] == "loaded"
        clean(env)
        assert_failed(env.run("release", "nobody"), 1, 'named "nobody"')
        assert_failed(env.run("release"), 2, "PROGRAM|OBJECT")
        assert_said(env.ok("-n", "release", "xdp_pass").out, "nothing was released")


def test_what_is_lost_is_not_released(env, example, unchanged):
    env.ok("load", example("xdp_pass"))
    os.unlink(env.ok("-j", "show", "xdp_pass").json()["program"]["pin"])
    with unchanged(env):
        assert_failed(env.run("release", "xdp_pass"), 1, "is lost .unpinned.: there is nothing to",
                      "unload")


def test_an_unfinished_release_is_carried_on(env, netns, example):
    """As a kill leaves it: marked, and half of the pins moved."""
    env.ok("load", example("xdp_pass"))
    link = env.ok("-j", "attach", "xdp_pass", "veth0", "--netns", netns.name).json()["link"]
    home = env.pins / "home"
    with contextlib.closing(sqlite3.connect(env.db)) as db:
        for table in ("objects", "programs", "maps", "links"):
            db.execute(f"UPDATE {table} SET state = 'unloading'")
        db.execute(f"INSERT INTO releases SELECT id, '{home}' FROM things WHERE kind <> 'object'")
        db.commit()
    home.mkdir()
    os.rename(env.root / "1/p2_xdp_pass", home / "p2_xdp_pass")
    found = env.run("-j", "doctor").json()["findings"]
    assert [row["rule"] for row in found] == ["unsettled"]
    env.ok("load", example("tc_count"))
    assert len(pins_below(home)) == 3 and bpftool("link", "show", "id", link["kernel_id"])
    assert [row["name"] for row in listed(env)] == ["tc_count"]
    events = env.ok("-j", "events").json()["events"]
    assert "an unfinished release was carried to its end" in [row["message"] for row in events]
    clean(env)


def test_one_that_cannot_be_carried_on_is_taken_back(env, example):
    env.ok("load", example("xdp_pass"))
    with contextlib.closing(sqlite3.connect(env.db)) as db:
        for table in ("objects", "programs", "maps"):
            db.execute(f"UPDATE {table} SET state = 'unloading'")
        db.execute(f"INSERT INTO releases SELECT id, '{env.dir}/x' FROM things "
                   "WHERE kind <> 'object'")
        db.commit()
    assert_failed(env.run("load", example("tc_count")), 1, "not in a BPF file system")
    env.ok("load", example("tc_count"))
    assert {row["name"]: row["state"] for row in listed(env)} == {"xdp_pass": "loaded",
                                                                 "tc_count": "loaded"}
    clean(env)


def test_completion(env, theirs, example):
    path, _ = theirs
    env.ok("load", example("xdp_pass"))
    assert_said(env.ok("complete", f"adopt {env.pins}/").out, f"{env.pins}/theirs/")
    assert_said(env.ok("complete", "release ").out, "xdp_pass")
    assert_said(env.ok("complete", "adopt x --").out, "--name")
