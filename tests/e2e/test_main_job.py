# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job: load a real program, remember it, list it, unload it; from shell, -c, script."""
import os
import re

import pytest

from helpers import (MAP_KEYS, OBJECT_KEYS, PROGRAM_KEYS, TRIVIAL, TWO, assert_failed, bpftool,
                     kernel_program, listed, map_values, only, run_program, text, wait_until_freed)

pytestmark = pytest.mark.usefixtures("need_bpf")

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def table(out):
    """A printed table: a list of {title: cell}. No cell is empty; between them are two blanks."""
    titles, *rows = (re.split(r"\s{2,}", line.strip()) for line in out.splitlines())
    assert all(len(row) == len(titles) for row in rows), out
    return [dict(zip(titles, row)) for row in rows]


# ---- the lines of the issue ----


@pytest.mark.parametrize("way", ["shell", "-c", "stdin", "-f", "-f -", "source", "mixed"])
def test_load_with_a_pin_path_then_list(env, example, way, unchanged):
    pin = env.pins / "test/prog"
    load = f"load {example('xdp_pass')} --program xdp_pass --pin-path {pin}"
    script = env.file("script.txt", f"# a comment\n{load}\nlist\n")
    outer = env.file("outer.txt", f"source '{script}'\n")
    with unchanged(env):
        if way == "shell":
            env.ok("-j", *load.split())
            answer = env.ok("-j", "list").documents()
        elif way == "-c":
            answer = env.ok("-j", "-c", f"{load}; list").documents()[1:]
        elif way == "stdin":
            answer = env.ok("-j", stdin=f"{load}\nlist\n").documents()[1:]
        elif way == "-f":
            answer = env.ok("-f", script, "-j").documents()[1:]
        elif way == "-f -":
            answer = env.ok("-f", "-", "-j", stdin=f"{load}\nlist").documents()[1:]
        elif way == "source":
            answer = env.ok("-j", "-f", outer).documents()[1:]
        else:
            answer = env.ok("-j", "-f", script, "-c", "list").documents()[2:]
        row = only(only(answer)["programs"])
        kernel = bpftool("prog", "show", "pinned", pin)
        assert set(row) == PROGRAM_KEYS
        assert (row["name"], row["type"], row["section"]) == ("xdp_pass", "xdp", "xdp")
        assert (row["kernel_id"], row["tag"]) == (kernel["id"], kernel["tag"])
        assert row["pinned_path"] == str(pin)
        assert (row["state"], row["lost_reason"]) == ("loaded", None)
        env.ok("unload", "xdp_pass")
        assert not env.processes()


def test_load_and_list_print_tables(env, example):
    out = env.ok("-c", f"load '{example('xdp_pass')}'; list").out
    note, programs, blank, maps = re.match(r"(.*\n)((?:.+\n){2})(\n)((?:.+\n){2})", out).groups()
    assert re.fullmatch(r'object 1 "xdp_pass" loaded from .*/xdp_pass\.bpf\.o, pinned under .*/1\n',
                        note)
    row = only(table(programs))
    program, counters = only(listed(env)), only(listed(env, "maps"))
    assert row == {"ID": "2", "NAME": "xdp_pass", "TYPE": "xdp", "STATE": "loaded",
                   "OBJECT": "xdp_pass", "MAPS": "3", "KERNEL": str(program["kernel_id"]),
                   "PINNED": program["pinned_path"]}
    row = only(table(maps))
    assert row == {"ID": "3", "NAME": "counters", "TYPE": "array", "STATE": "loaded", "KEY": "4",
                   "VALUE": "8", "ENTRIES": "4", "OBJECT": "xdp_pass", "USED BY": "2",
                   "KERNEL": str(counters["kernel_id"]), "PINNED": counters["pinned_path"]}
    assert out.endswith(programs)  # what `list` printed
    row = only(table(env.ok("list", "objects").out))
    assert (row["ID"], row["NAME"], row["PROGRAMS"], row["MAPS"]) == ("1", "xdp_pass", "2", "3")
    assert row["FILE"] == example("xdp_pass") and TIME.fullmatch(row["LOADED"])
    assert env.ok("list", "programs", "--type", "tracepoint").out == "no programs\n"


def test_documents_have_the_promised_keys_and_types(env, example):
    loaded = env.ok("-j", "load", example("multi")).json()
    assert set(loaded) == {"object", "programs", "maps", "links", "changed"}
    assert loaded["changed"] is True and loaded["links"] == []
    programs, maps, objects = (listed(env, kind) for kind in ("programs", "maps", "objects"))
    assert (loaded["programs"], loaded["maps"], [loaded["object"]]) == (programs, maps, objects)
    for rows, keys in ((programs, PROGRAM_KEYS), (maps, MAP_KEYS), (objects, OBJECT_KEYS)):
        for row in rows:
            assert set(row) == keys
            assert TIME.fullmatch(row["created_at"])
            assert type(row["id"]) is int and type(row["name"]) is str
    assert [p["name"] for p in programs] == ["multi_xdp", "multi_ingress", "multi_egress"]
    assert [p["type"] for p in programs] == ["xdp", "sched_cls", "sched_cls"]
    assert [m["name"] for m in maps] == ["traffic", "samples", ".rodata", ".data", ".bss"]
    assert all(p["maps"] == [m["id"] for m in maps] for p in programs)
    assert all(m["programs"] == [p["id"] for p in programs] for m in maps)
    top = only(objects)
    assert (top["programs"], top["maps"]) == ([p["id"] for p in programs], [m["id"] for m in maps])
    assert (top["path"], top["loaded_by"], top["labels"]) == (example("multi"), 0, {})
    assert top["pin_dir"] == str(env.root / str(top["id"]))
    ids = [row["id"] for row in programs + maps + objects]
    assert len(ids) == len(set(ids)), "one sequence names everything"


def test_what_is_shown_is_what_the_kernel_has(env, example):
    env.ok("load", example("multi"))
    for row in listed(env):
        kernel, shown = kernel_program(row["kernel_id"]), env.ok("-j", "show", row["id"]).json()
        shown = shown["program"]
        assert set(row) < set(shown) and {key: shown[key] for key in row} == row
        assert kernel["tag"] == row["tag"] and row["name"].startswith(kernel["name"])
        assert (shown["xlated_bytes"], shown["jited_bytes"]) == \
            (kernel["bytes_xlated"], kernel["bytes_jited"])
        assert shown["btf_id"] == kernel["btf_id"]
        assert shown["memlock_bytes"] == str(kernel["bytes_memlock"])
        kernel_ids = {m["id"]: m["kernel_id"] for m in listed(env, "maps")}
        assert sorted(kernel_ids[m] for m in row["maps"]) == sorted(kernel["map_ids"])
    for row in listed(env, "maps"):
        kernel = bpftool("map", "show", "pinned", row["pinned_path"])
        assert (kernel["id"], kernel["type"]) == (row["kernel_id"], row["type"])
        assert (kernel["bytes_key"], kernel["bytes_value"], kernel["max_entries"]) == \
            (row["key_size"], row["value_size"], row["max_entries"])


def test_it_runs_on_after_bpfman_ended(env, example):
    row = only(env.ok("-j", "load", example("xdp_pass")).json()["programs"])
    assert not env.processes()
    counters = only(listed(env, "maps"))["pinned_path"]
    assert map_values(counters) == {0: 0, 1: 0, 2: 0, 3: 0}
    ipv4 = bytes(12) + b"\x08\x00" + bytes(50)
    assert run_program(row["pinned_path"], ipv4, 5, env.dir) == 2
    assert map_values(counters) == {0: 5, 1: 5 * 64, 2: 5, 3: 0}
    assert only(listed(env))["kernel_id"] == row["kernel_id"]


# ---- unload ----


def test_unload_removes_pins_rows_and_programs(env, example, unchanged):
    with unchanged(env):
        env.ok("load", example("multi"))
        kernel_ids = [row["kernel_id"] for row in listed(env)]
        answer = env.ok("-j", "unload", "multi").json()
        assert answer == {"unloaded": [{"id": 1, "kind": "object", "name": "multi"}], "kept": [],
                          "changed": True}
        assert [listed(env, kind) for kind in ("programs", "maps", "objects")] == [[], [], []]
        wait_until_freed("prog", *kernel_ids)
    assert_failed(env.run("unload", "multi"), 1, r'"multi"')
    assert env.ok("-j", "unload", "multi", "--if-exists").json() == \
        {"unloaded": [], "kept": [], "changed": False}
    assert only(env.ok("-j", "load", example("xdp_pass")).json()["programs"])["id"] > 9, \
        "ids are never used again"


def test_parents_that_were_made_go_others_stay(env, example):
    foreign = env.pins / "foreign"
    foreign.mkdir()
    made = foreign / "made"
    env.ok("load", example("xdp_pass"), "--pin-path", made / "deeper/one")
    env.ok("load", example("tc_count"), "--pin-path", made / "two")
    env.ok("unload", "xdp_pass")
    assert sorted(os.listdir(made)) == ["two"]
    env.ok("unload", "tc_count")
    assert os.listdir(foreign) == []
    env.ok("load", example("xdp_pass"), "--pin-path", made / "deeper/one")
    (made / "theirs").mkdir()
    env.ok("unload", "xdp_pass")
    assert os.listdir(made) == ["theirs"]


def test_partial_unload_keeps_what_the_rest_uses(env, build_bpf, unchanged):
    with unchanged(env):
        env.ok("load", build_bpf(TWO, "two"))
        maps = {row["name"]: row for row in listed(env, "maps")}
        env.ok("unload", "two/first")
        assert only(listed(env))["name"] == "second"
        left = {row["name"]: row for row in listed(env, "maps")}
        assert set(left) == {"own_second", "both"}
        assert not os.path.exists(maps["own_first"]["pinned_path"])
        wait_until_freed("map", maps["own_first"]["kernel_id"])
        assert left["both"]["programs"] == only(listed(env, "objects"))["programs"]
        path = only(listed(env))["pinned_path"]
        run_program(path, bytes(64), 2, env.dir)
        assert map_values(left["both"]["pinned_path"]) == {0: 2}
        env.ok("unload", "second")
        assert listed(env, "objects") == [], "with its last program the object goes too"


def test_loading_one_of_two_programs_loads_one(env, build_bpf):
    env.ok("load", build_bpf(TWO, "two"), "--program", "second")
    assert only(listed(env))["name"] == "second"
    assert bpftool("prog", "show", "pinned", only(listed(env))["pinned_path"])["name"] == "second"
    used = {row["name"] for row in listed(env, "maps") if row["programs"]}
    assert used == {"own_second", "both"}


@pytest.mark.parametrize("dry_run", [[], ["-n"]])
def test_optional_programs_are_loaded_only_when_named(env, build_bpf, dry_run):
    file = build_bpf(TWO.replace('SEC("xdp") int first', 'SEC("?xdp") int first'), "two")
    for words, names in (([], ["second"]), (["--program", "first"], ["first"])):
        loaded = env.ok("-j", *dry_run, "load", file, *words, "--name", names[0]).json()
        assert [row["name"] for row in loaded["programs"]] == names


def test_unload_says_each_once(env, build_bpf):
    env.ok("load", build_bpf(TWO, "two"))
    answer = env.ok("-j", "unload", "first", "two/first", "2", "first").json()
    assert only(answer["unloaded"])["name"] == "first"
    assert only(listed(env))["name"] == "second"


def test_unload_all(env, example, unchanged):
    with unchanged(env):
        env.ok("-c", f"load {example('multi')}; load {example('by_name')}; "
                     f"load {example('xdp_pass')} --pin-path {env.pins}/x")
        assert len(env.ok("-j", "unload", "--all").json()["unloaded"]) == 3
        assert env.ok("unload", "--all").out == "nothing to unload\n"


# ---- maps pinned by name ----


def test_maps_pinned_by_name_are_shared_and_go_with_the_last(env, example, build_bpf, unchanged):
    with unchanged(env):
        env.ok("-c", f"load {example('by_name')}; load {example('by_name')} --name again")
        shared = only(listed(env, "maps"))
        programs = listed(env)
        assert shared["object"] is None and shared["programs"] == [p["id"] for p in programs]
        assert [p["maps"] for p in programs] == [[shared["id"]]] * 2
        assert shared["pinned_path"] == str(env.root / "by_name/blocklist")
        for row in programs:
            assert kernel_program(row["kernel_id"])["map_ids"] == [shared["kernel_id"]]
        other = build_bpf("""
            #include <linux/bpf.h>
            #include <bpf/bpf_helpers.h>
            struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 512);
                     __uint(pinning, LIBBPF_PIN_BY_NAME);
                     __type(key, __u32); __type(value, __u64); } blocklist SEC(".maps");
            SEC("xdp") int other(void *ctx)
            { __u32 k = 0; return bpf_map_lookup_elem(&blocklist, &k) ? 1 : 2; }
            char LICENSE[] SEC("license") = "GPL";
            """, "other")
        with unchanged(env):
            assert_failed(env.run("load", other), 1, "blocklist", "512", "1024")
        env.ok("unload", "object:by_name")
        assert only(listed(env, "maps"))["id"] == shared["id"]
        assert os.path.exists(shared["pinned_path"])
        env.ok("unload", "again")
        assert listed(env, "maps") == [] and not os.path.exists(shared["pinned_path"])


# ---- names, labels, types, --ensure ----


def test_labels(env, example, unchanged):
    xdp, tc, name = example("xdp_pass"), example("tc_count"), example("by_name")
    with unchanged(env):
        env.ok("-c", f"load {xdp} --label team=net --label tier=edge; "
                     f"load {tc} --label team=net; load {name}")
        assert {p["name"]: p["labels"] for p in listed(env)} == {
            "xdp_pass": {"team": "net", "tier": "edge"}, "tc_count": {"team": "net"}, "by_name": {}}

        def names(*options, kind="programs"):
            return [row["name"] for row in listed(env, kind, *options)]
        assert names("--label", "team=net") == ["xdp_pass", "tc_count"]
        assert names("--label", "team=net", "--label", "tier=edge") == ["xdp_pass"]
        assert names("--label", "team=ne") == names("--label", "tier=") == []
        assert names("--label", "team=net", kind="objects") == ["xdp_pass", "tc_count"]
        assert names("--label", "tier=edge", kind="maps") == ["counters"]
        assert "team=net, tier=edge" in env.ok("show", "xdp_pass").out
        env.ok("unload", "--label", "team=net")
        assert names() == ["by_name"]
        env.ok("unload", "--all")


def test_list_filters_and_sorts(env, example):
    env.ok("-c", f"load {example('multi')}; load {example('xdp_pass')}; load {example('by_name')}")

    def names(*options):
        return [row["name"] for row in listed(env, "programs", *options)]
    everything = ["multi_xdp", "multi_ingress", "multi_egress", "xdp_pass", "by_name"]
    assert names() == names("--sort", "id") == names("--state", "loaded") == everything
    assert names("--sort", "name") == sorted(everything)
    assert names("--type", "xdp") == ["multi_xdp", "xdp_pass", "by_name"]
    assert names("--state", "lost") == []
    by_type = names("--sort", "type")
    assert by_type == ["multi_ingress", "multi_egress", "multi_xdp", "xdp_pass", "by_name"]


def test_ensure(env, example, build_bpf):
    file = example("xdp_pass")
    first = env.ok("-j", "load", file, "--ensure").json()
    again = env.ok("-j", "load", file, "--ensure").json()
    assert (first.pop("changed"), again.pop("changed")) == (True, False)
    assert again == first
    assert "loaded already" in env.ok("load", file, "--ensure").out
    assert_failed(env.run("load", file, "--ensure", "--program", "xdp_pass"), 1, "taken", "differs")
    other = build_bpf(TRIVIAL, "xdp_pass")
    assert_failed(env.run("load", other, "--ensure"), 1, "taken", "differs")
    assert_failed(env.run("load", file), 1, "taken")
    env.ok("unload", "--all")
    assert env.ok("-j", "load", file, "--ensure").json()["changed"] is True


def test_name_and_type(env, example, build_bpf):
    file = build_bpf(TRIVIAL.replace("xdp", "nonsense"), "odd")
    env.ok("load", file, "--type", "xdp", "--name", "by_all")
    env.ok("load", file, "--type", "pass=tc", "--name", "by_program")
    assert [(p["object"], p["type"], p["section"]) for p in listed(env)] == \
        [("by_all", "xdp", "nonsense"), ("by_program", "sched_cls", "nonsense")]
    for row, kind in zip(listed(env), ("xdp", "sched_cls")):
        assert kernel_program(row["kernel_id"])["type"] == kind
    for name, said in (("7", "all digits"), ("a/b", "/"), ("a:b", ":"), ("", "empty"),
                       ("n" * 256, "255 bytes")):
        result = env.run("load", example("xdp_pass"), "--name", name)
        assert result.status in (1, 2) and said in text(result), repr(result)
    long = "n" * 255
    env.ok("load", example("xdp_pass"), "--name", long)
    env.ok("unload", f"object:{long}")


@pytest.fixture
def named(env, example):
    """The object "one" with multi's programs, "two" with xdp_pass, and its rows by name."""
    env.ok("-c", f"load {example('multi')} --name one; "
                 f"load {example('xdp_pass')} --name two --pin-path {env.pins}/seen")
    return {row["name"]: row for row in listed(env)}


@pytest.mark.parametrize("form", ["{id}", "{name}", "two/{name}", "kernel:{kernel_id}",
                                  "k:{kernel_id}", "{pinned_path}", "{own_pin}"])
def test_a_program_has_many_names(env, named, form):
    row = dict(named["xdp_pass"])
    row["own_pin"] = env.ok("-j", "show", row["id"]).json()["program"]["pin"]
    word = form.format(**row)
    assert env.ok("-j", "show", word).json()["program"]["id"] == row["id"]
    assert env.ok("-j", "show", "program", word).json()["program"]["id"] == row["id"]
    assert only(env.ok("-j", "unload", word).json()["unloaded"]) == \
        {"id": row["id"], "kind": "program", "name": "xdp_pass"}
    assert "xdp_pass" not in [row["name"] for row in listed(env)]


def test_bare_names_mean_the_program_before_the_object(env, example):
    env.ok("load", example("xdp_pass"))
    assert "program" in env.ok("-j", "show", "xdp_pass").json()
    assert "object" in env.ok("-j", "show", "object:xdp_pass").json()
    assert "object" in env.ok("-j", "show", "object", "xdp_pass").json()
    assert "map" in env.ok("-j", "show", "counters").json()
    assert "map" in env.ok("-j", "show", "xdp_pass/counters").json()


def test_names_that_name_nothing_or_too_much(env, named, example):
    env.ok("load", example("xdp_pass"), "--name", "three")
    ids = [row["id"] for row in listed(env) if row["name"] == "xdp_pass"]
    assert_failed(env.run("unload", "xdp_pass"), 1, "ambiguous", f"{ids[0]}  two/xdp_pass",
                  f"{ids[1]}  three/xdp_pass", "OBJECT/NAME")
    assert_failed(env.run("show", "xdp_pas"), 1, 'did you mean "xdp_pass"')
    assert_failed(env.run("show", "two/nothing"), 1, "two/nothing")
    assert_failed(env.run("show", "999"), 1, "999")
    assert_failed(env.run("show", "k:4294967295"), 1, "does not manage")
    assert_failed(env.run("show", "k:x"), 1, "no kernel id")
    assert_failed(env.run("show", "99999999999999999999"), 1, "too large")
    assert_failed(env.run("unload", listed(env, "maps")[0]["id"]), 1, "is a map")
    assert len(listed(env)) == 5


# ---- looking into files, verdicts, logs ----


def test_show_file_tells_what_an_object_holds(env, example):
    file = env.ok("-j", "show", "file", example("multi")).json()
    assert (file["file"]["license"], file["file"]["btf"]) == ("GPL", True)
    assert [(p["name"], p["type"], p["section"]) for p in file["programs"]] == \
        [("multi_xdp", "xdp", "xdp"), ("multi_ingress", "sched_cls", "tc"),
         ("multi_egress", "sched_cls", "tc")]
    assert [m["name"] for m in file["maps"]] == ["traffic", "samples", ".rodata", ".data", ".bss"]
    globals_ = {g["name"]: (g["map"], g["type"], g["value"]) for g in file["globals"]}
    assert globals_["only_ifindex"] == (".rodata", "__s32", "-1")
    assert globals_["sample_every"] == (".rodata", "__u64", "64")
    assert globals_["count_bytes"] == (".rodata", "_Bool", "true")
    assert globals_["label"] == (".rodata", "char[16]", '"default"')
    assert globals_["budget"] == (".data", "__s64", "1000000")
    assert globals_["total_packets"] == (".bss", "__u64", "0")
    assert {"verbosity", "limits", "weights", "enabled", "longest_seen"} <= set(globals_)
    out = env.ok("show", "file", example("by_name")).out
    assert "blocklist" in out and "no globals" in out
    assert not env.db.exists() and not env.root.exists(), "looking makes nothing"


def test_verify_tells_verdicts(env, example, build_bpf, unchanged):
    with unchanged(env):
        answer = env.ok("-j", "verify", example("multi")).json()
        assert answer["rejected"] == 0
        assert [v["program"] for v in answer["verdicts"]] == \
            ["multi_xdp", "multi_ingress", "multi_egress"]
        for row in answer["verdicts"]:
            assert row["verdict"] == "ok" and row["insns"] > 50 and row["total_states"] > 0
            assert row["time_us"] > 0 and row["xlated_bytes"] > 0 and row["reason"] is None
        refused = env.run("-j", "verify", example("rejected"))
        assert refused.status == 1 and refused.json()["rejected"] == 2
        first, second = refused.json()["verdicts"]
        assert first["reason"] == "unchecked_lookup: R0 invalid mem access 'map_value_or_null'"
        assert "invalid access to packet" in second["reason"]
        assert "bpf_map_lookup_elem" in first["log"] and first["insns"] is None
        one = env.ok("-j", "verify", example("multi"), "--program", "multi_egress").json()
        assert only(one["verdicts"])["program"] == "multi_egress"
        assert_failed(env.run("verify", example("multi"), "--program", "nothing"), 1,
                      "multi_xdp, multi_ingress, multi_egress")
        odd = build_bpf(TRIVIAL.replace("xdp", "nonsense"), "odd")
        assert only(env.ok("-j", "verify", odd, "--type", "pass=xdp").json()["verdicts"])["type"] \
            == "xdp"
    assert not env.db.exists()


def test_log_of_success_and_failure(env, example):
    assert_failed(env.run("log"), 1, "no log")
    env.ok("load", example("xdp_pass"), "--verbose")
    success = env.ok("-j", "log").json()["log"]
    assert (success["ok"], success["object"], success["message"]) == (True, "xdp_pass", None)
    assert "processed" in success["text"] and success["log_bytes"] >= len(success["text"])
    assert env.run("load", example("rejected")).status == 1
    failure = env.ok("-j", "log").json()["log"]
    assert failure["ok"] is False and failure["object_id"] is None
    assert "R0 invalid mem access 'map_value_or_null'" in failure["message"]
    assert "R0 invalid mem access 'map_value_or_null'" in failure["text"]
    assert env.ok("-j", "log", "rejected").json()["log"] == failure
    assert env.ok("-j", "log", "xdp_pass").json()["log"] == success
    assert env.ok("-j", "log", "object:xdp_pass").json()["log"] == success
    out = env.ok("log", "rejected").out
    assert re.search(r"^Succeeded: +no$", out, re.M) and "bpf_map_lookup_elem" in out
