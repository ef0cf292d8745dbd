# SPDX-License-Identifier: GPL-3.0-or-later
"""load --reuse-map: a map of another object in the place of a new one."""
import os

import pytest

from asking import bad, good
from helpers import (HEAD, assert_failed, bpftool, kernel_program, listed, map_values, only,
                     pin_stranger, run_program, wait_until_freed)

pytestmark = pytest.mark.usefixtures("need_bpf")

COUNT = HEAD + """
ARRAY(hits, 1);
volatile int step = 1;
SEC("xdp") int count(void *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&hits, &zero);

	if (value)
		*value += step;
	return 2;
}
"""
TYPED = HEAD + """
struct entry { %s };
struct { __uint(type, BPF_MAP_TYPE_%s); __uint(max_entries, %d); __uint(map_flags, %s);
	__type(key, %s); __type(value, struct entry); } table SEC(".maps");
SEC("xdp") int look(void *ctx)
{
	unsigned char key[sizeof(%s)] = { 0 };

	return bpf_map_lookup_elem(&table, key) ? 1 : 2;
}
"""


def typed(members="__u32 a; __u16 b; __u16 c;", kind="HASH", entries=8, flags="0", key="__u32"):
    return TYPED % (members, kind, entries, flags, key, key)


def maps(env):
    return {row["name"]: row for row in listed(env, "maps")}


def of_object(env, name):
    return only([row for row in listed(env) if row["object"] == name])


def test_both_count_in_one_map(env, build_bpf, unchanged):
    path = build_bpf(COUNT, "first")
    with unchanged(env):
        env.ok("load", path)
        hits = maps(env)["hits"]
        document = env.ok("-j", "load", path, "--name", "second", "--reuse-map", "hits=hits",
                          "--global", "step=10").json()
        assert [row["id"] for row in document["maps"] if row["name"] == "hits"] == [hits["id"]]
        row = only([row for row in listed(env, "maps") if row["name"] == "hits"])
        first, second = of_object(env, "first"), of_object(env, "second")
        assert row["programs"] == [first["id"], second["id"]] and row["object"] == "first"
        assert hits["kernel_id"] in kernel_program(second["kernel_id"])["map_ids"]
        run_program(first["pinned_path"], bytes(64), 3, env.dir)
        run_program(second["pinned_path"], bytes(64), 2, env.dir)
        assert map_values(row["pinned_path"]) == {0: 3 + 2 * 10}
        env.ok("unload", "object:second")
        assert only([r for r in listed(env, "maps") if r["name"] == "hits"])["programs"] == \
            [first["id"]]
        env.ok("unload", "object:first")


def test_a_map_outlives_its_object(env, build_bpf, unchanged):
    path = build_bpf(COUNT, "first")
    with unchanged(env):
        env.ok("load", path)
        hits = maps(env)["hits"]
        env.ok("load", path, "--name", "second", "--reuse-map", f"hits={hits['id']}")
        env.ok("unload", "object:first")
        row = maps(env)["hits"]
        assert (row["id"], row["kernel_id"], row["state"], row["object"], row["pinned_path"]) == \
            (hits["id"], hits["kernel_id"], "loaded", None, hits["pinned_path"])
        assert os.listdir(os.path.dirname(row["pinned_path"])) == \
            [os.path.basename(row["pinned_path"])]
        # It is as good as any: named in each way, used again, and its last user takes it along.
        for name in "hits", str(hits["id"]), f"k:{hits['kernel_id']}", hits["pinned_path"]:
            env.ok("load", path, "--name", "third", "--reuse-map", f"hits={name}")
            assert of_object(env, "third")["id"] in maps(env)["hits"]["programs"]
            env.ok("unload", "object:third")
        run_program(of_object(env, "second")["pinned_path"], bytes(64), 2, env.dir)
        assert map_values(row["pinned_path"]) == {0: 2}
        env.ok("unload", "object:second")
        assert listed(env, "maps") == []
        assert not os.path.exists(os.path.dirname(row["pinned_path"]))
        wait_until_freed("map", hits["kernel_id"])


def test_all_at_once(env, build_bpf, unchanged):
    path = build_bpf(COUNT, "first")
    with unchanged(env):
        env.ok("-c", f"load {path}; load {path} --name second --reuse-map hits=first/hits")
        env.ok("unload", "--all")
    env.ok("-c", f"load {path}; load {path} --name second --reuse-map hits=first/hits; "
                 "unload object:first")
    # An object of the same name has nothing to do with the map that is left.
    env.ok("load", path)
    assert len([row for row in listed(env, "maps") if row["name"] == "hits"]) == 2
    assert_failed(env.run("load", path, "--name", "third", "--reuse-map", "hits=hits"), 1,
                  "ambiguous")
    env.ok("unload", "--all")
    assert listed(env, "maps") == []


def test_by_name_and_data_too(env, build_bpf):
    shared = typed().replace("__uint(map_flags, 0);", "__uint(pinning, LIBBPF_PIN_BY_NAME);")
    env.ok("load", build_bpf(typed(), "plain"))
    # What the file says of sharing does not count for a map that is given.
    env.ok("load", build_bpf(shared, "shared"), "--reuse-map", "table=plain/table")
    assert len(listed(env, "maps")) == 1
    path = build_bpf(COUNT, "first")
    env.ok("load", path, "--global", "step=5")
    env.ok("load", path, "--name", "second", "--reuse-map", ".data=first/.data")
    assert only(bpftool("map", "dump", "pinned", maps(env)[".data"]["pinned_path"]))["formatted"][
        "value"][".data"] == [{"step": 5}]
    assert_failed(env.run("load", path, "--name", "third", "--reuse-map", ".data=first/.data",
                          "--global", "step=6"), 1, "'step' is in .data, for which a map is reused")


DIFFERENT = {
    "type": (dict(kind="LRU_HASH"), "type: lru_hash in the object, hash pinned"),
    "entries": (dict(entries=9), "max_entries: 9 in the object, 8 pinned"),
    "flags": (dict(flags="BPF_F_NO_PREALLOC"), "map_flags: 1 in the object, 0 pinned"),
    "key": (dict(key="__u64"), "key_size: 8 in the object, 4 pinned"),
    "value size": (dict(members="__u64 a; __u32 b;"), "value_size: 16 in the object, 8 pinned"),
    "key type": (dict(key="__s32"), "key: __s32 in the object, __u32 pinned"),
    "member": (dict(members="__u32 a; __u32 b;"), "value: b: __u32 in the object, __u16 pinned"),
    "name": (dict(members="__u32 a; __u16 b; __u16 d;"), "value: member 'c' is only pinned"),
    "place": (dict(members="__u16 b; __u16 c; __u32 a;"), "value: member 'a' is only pinned"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_differs_is_said(env, build_bpf, unchanged, what):
    env.ok("load", build_bpf(typed(), "first"))
    parts, line = DIFFERENT[what]
    path = build_bpf(typed(**parts), "other")
    with unchanged(env):
        for words in ["load"], ["-n", "load"]:
            assert_failed(env.run(*words, path, "--reuse-map", "table=table"), 1,
                          "map 'table' differs from the one pinned at ", "  " + line, "hint: ")


def test_names_of_types_do_not_count(env, build_bpf):
    env.ok("load", build_bpf(typed(), "first"))
    env.ok("load", build_bpf(typed(members="unsigned a; unsigned short b, c;", key="unsigned"),
                             "other"), "--reuse-map", "table=table")
    assert len(listed(env, "maps")) == 1


def test_bad_input(env, build_bpf, example, unchanged):
    path = build_bpf(COUNT, "first")
    env.ok("load", path)
    env.ok("load", example("multi"))
    with unchanged(env):
        for given, status, *patterns in [
                ("hits", 2, "NAME=MAP"), ("=hits", 2, "NAME=MAP"),
                ("hit=hits", 1, "no map 'hit'", "did you mean 'hits'"),
                ("hits=hit", 1, "--reuse-map hits: no map is named \"hit\"",
                 "did you mean \"hits\""),
                ("hits=99", 1, "nothing has the id 99"),
                ("hits=count", 1, "no map is named \"count\""),
                ("hits=k:4294967295", 1, "does not manage"),
                ("hits=/nowhere", 1, "no map is named"),
                (f"hits={listed(env)[0]['id']}", 1, "is a program, not a map"),
                ("hits=", 1, "no map is named \"\""),
                (".rodata=hits", 1, "has no map '.rodata'"), (".data=traffic", 1, "differs"),
                ("hits=samples", 1, "type: array in the object, ringbuf pinned")]:
            words = ["load", path, "--name", "new", "--reuse-map", given]
            assert_failed(env.run(*words), status, *patterns)
            assert_failed(env.run("-n", *words), status, *patterns)
        assert_failed(env.run("load", path, "--name", "new", "--reuse-map", "hits=hits",
                              "--reuse-map", "hits=traffic"), 2, "given twice")
        assert_failed(env.run("load", example("multi"), "--name", "new", "--reuse-map",
                              ".rodata=multi/.rodata"), 1, "the object's own constants")


def test_a_pin_that_is_gone_or_replaced(env, build_bpf, example):
    path = build_bpf(COUNT, "first")
    env.ok("load", path)
    pin = maps(env)["hits"]["pinned_path"]
    os.unlink(pin)
    words = ["load", path, "--name", "new", "--reuse-map", "hits=hits"]
    assert_failed(env.run(*words), 1, "cannot be used: it is lost, unpinned")
    pin_stranger(pin, example("xdp_pass"))
    assert_failed(env.run(*words), 1, "cannot be used: it is lost, replaced")
    assert len(listed(env, "objects")) == 1
    os.unlink(pin)


def test_dry_run_and_ensure(env, build_bpf, unchanged):
    path = build_bpf(COUNT, "first")
    script = f"load {path}; load {path} --name second --reuse-map %s=first/hits"
    with unchanged(env):
        env.ok("-n", "-c", script % "hits")
        assert_failed(env.run("-n", "-q", "-c", script % "hit"), 1, "no map 'hit'",
                      "did you mean \"hits\"")
    env.ok("-c", script % "hits")
    with unchanged(env):
        words = ["load", path, "--name", "second", "--ensure"]
        assert env.ok("-j", *words, "--reuse-map", "hits=hits").json()["changed"] is False
        assert_failed(env.run(*words), 1, "differs in --reuse-map;")


def test_completion(env, build_bpf, example):
    path = build_bpf(COUNT, "first")
    env.ok("load", path)
    env.ok("load", example("xdp_pass"))

    def complete(line):
        return env.ok("complete", line).out.splitlines()
    assert complete(f"load {path} --reuse-map ") == [".data=", "hits="]
    assert complete(f"load {path} --reuse-map hits=") == ["hits=counters", "hits=first.data",
                                                         "hits=hits"]
    assert complete(f"load {path} --reuse-map hits=co") == ["hits=counters"]


def test_the_worker_by_hand(env, build_bpf, unchanged):
    path = build_bpf(COUNT, "first")
    root = env.pins / "root"
    root.mkdir()
    first = good(env, op="load", path=path, pin_path=env.pins / "one", staging=root / "s1",
                 final=root / "1", next_id=1)
    pin = only([m["pin"] for m in first["maps"] if m["name"] == "hits"])
    with unchanged(env):
        for given, stage, reason in [
                ({"x": pin}, "request", "no_such_map"), ({"hits": env.pins / "no"}, "pin", "other"),
                ({"hits": env.pins / "one"}, "create-map", "map_mismatch"),
                ({"hits": "relative"}, "pin", "bad_name"), ({r"\x0": pin}, "request", "request")]:
            given = {name: str(value) for name, value in given.items()}
            bad(env, stage, reason, op="load", path=path, pin_path=env.pins / "two",
                reuse_maps=given)
            bad(env, stage, reason, op="open", path=path, reuse_maps=given)
    second = good(env, op="load", path=path, staging=root / "s2", final=root / "2", next_id=9,
                  reuse_maps={"hits": pin})
    row = only([m for m in second["maps"] if m["name"] == "hits"])
    assert (row["id"], row["created"], row["shared"], row["pin"]) == (None, False, False, pin)
    assert sorted(os.listdir(root / "2")) == ["m10__data", "p9_count"]


def test_attached_with_the_load(env, build_bpf, netns):
    path = build_bpf(COUNT, "first")
    env.ok("load", path)
    attach = f"count={netns.interface} --netns {netns.name}"
    document = env.ok("-j", "load", path, "--name", "second", "--reuse-map", "hits=hits",
                      "--attach", attach).json()
    ids = [row["id"] for row in document["programs"] + document["maps"] + document["links"]]
    assert len(set(ids)) == 4 and maps(env)["hits"]["id"] in ids
    assert only(listed(env, "links"))["program_id"] == of_object(env, "second")["id"]
    env.ok("unload", "--all")
    assert listed(env, "maps") == listed(env, "links") == []


def test_upgrades_of_both_sides(env, build_bpf, unchanged):
    first = build_bpf(COUNT, "first")
    newer = build_bpf(COUNT.replace("+= step", "+= 100 * step"), "first")
    with unchanged(env):
        env.ok("load", first)
        env.ok("load", first, "--name", "second", "--reuse-map", "hits=hits")
        hits = maps(env)["hits"]
        for name in "second", "first":
            env.ok("upgrade", f"object:{name}", newer)
            row = maps(env)["hits"]
            assert (row["id"], row["kernel_id"], row["object"], row["state"]) == \
                (hits["id"], hits["kernel_id"], "first", "loaded")
            assert row["programs"] == sorted(of_object(env, n)["id"] for n in ("first", "second"))
        run_program(of_object(env, "second")["pinned_path"], bytes(64), 1, env.dir)
        run_program(of_object(env, "first")["pinned_path"], bytes(64), 1, env.dir)
        assert map_values(maps(env)["hits"]["pinned_path"]) == {0: 200}
        # The owner goes first, and the other is upgraded without it.
        env.ok("unload", "object:first")
        env.ok("upgrade", "object:second", first)
        row = maps(env)["hits"]
        assert (row["id"], row["object"], row["state"]) == (hits["id"], None, "loaded")
        run_program(of_object(env, "second")["pinned_path"], bytes(64), 1, env.dir)
        assert map_values(row["pinned_path"]) == {0: 201}
        env.ok("unload", "object:second")
        assert listed(env, "maps") == []


def test_globals_of_an_upgrade(env, build_bpf):
    path = build_bpf(COUNT.replace("volatile int step", "const volatile int step"), "first")
    env.ok("load", path, "--global", "step=7")
    env.ok("upgrade", "object:first", build_bpf(
        COUNT.replace("volatile int step = 1", "const volatile int before = 3, step = 1")
        .replace("+= step", "+= step + before"), "first"))
    run_program(only(listed(env))["pinned_path"], bytes(64), 1, env.dir)
    assert map_values(maps(env)["hits"]["pinned_path"]) == {0: 10}
    [row] = [g for g in env.ok("-j", "show", "object:first").json()["globals"]
             if g["name"] == "step"]
    assert (row["value"], row["present"]) == ("7", "7")


def test_verify_with_a_map_that_is_there(env, build_bpf, unchanged):
    path, other = build_bpf(COUNT, "first"), build_bpf(typed(), "other")
    env.ok("-c", f"load {path}; load {other}")
    with unchanged(env):
        [verdict] = env.ok("-j", "verify", path, "--reuse-map", "hits=hits").json()["verdicts"]
        assert verdict["verdict"] == "ok"
        for words, *said in ((["hits=table"], "map 'hits' differs", "type: array in the object"),
                             (["hits=nobody"], "--reuse-map hits", 'no map is named "nobody"'),
                             (["hist=hits"], "no map 'hist'", "did you mean 'hits'"),
                             ([".rodata=hits"], "no map '.rodata'")):
            assert_failed(env.run("verify", path, "--reuse-map", *words), 1, *said)
        assert_failed(env.run("verify", path, "--reuse-map", "hits=hits", "--reuse-map",
                              "hits=table"), 2, "hits is given twice")
        assert_failed(env.run("verify", path, "--reuse-map", "hits"), 2, "=")
        assert "hits" in env.ok("complete", f"verify {path} --reuse-map hits=h").out
