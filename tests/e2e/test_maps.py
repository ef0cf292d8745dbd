# SPDX-License-Identifier: GPL-3.0-or-later
"""map dump, get, set, delete: every kind of map, held against bpftool."""
import fcntl
import json
import os

import pytest

from helpers import assert_said, bpftool, listed
from map_kinds import KINDS, contents, entries, rows_of

pytestmark = pytest.mark.usefixtures("need_bpf")

VALUE = ('{.small = -3, .on = true, .ports = {1, 65535}, .color = GREEN, .low = 5, .high = 31, '
         '.offset = -8388608, .v4 = 16909060, .wide = 18446744073709551615, '
         '.inner = {.at = -9223372036854775808, .text = "a\\"b\\\\\\011\\377"}, '
         '.pointer = 0xffffffff81000000}')
VALUE_JSON = {
    "small": -3, "on": True, "ports": [1, 65535], "color": "GREEN", "low": 5, "high": 31,
    "offset": -8388608, "v4": 16909060, "octets": [4, 3, 2, 1], "wide": "18446744073709551615",
    "inner": {"at": "-9223372036854775808", "text": "a\"b\\\t\\xff"},
    "pointer": "0xffffffff81000000"}


@pytest.fixture
def kinds(env, build_bpf):
    """The object, loaded: its maps' pins by name."""
    env.ok("load", build_bpf(KINDS, "kinds"))
    return {row["name"]: row["pinned_path"] for row in listed(env, "maps")}


@pytest.fixture
def cpus(kinds):
    return len(bpftool("map", "dump", "pinned", kinds["cpu_array"])[0]["values"])


# map, key and value as they are set, key and value as JSON has them.
WRITTEN = [
    ("hash", '{.id = 7, .name = "eth0"}', VALUE, {"id": 7, "name": "eth0"}, VALUE_JSON),
    ("numbers", "4294967295", "-5", 4294967295, "-5"),
    ("names", '"a b"', "BLUE", "a b", "BLUE"),
    ("names", '"{"', "7", "{", "7"),
    ("names", "", "RED", "", "RED"),
    ("names", '"hex:01"', "RED", "hex:01", "RED"),
    ("names", '"\\001\\377\'"', "RED", "\x01\\xff'", "RED"),
    ("lru", "1", "18446744073709551615", "1", "18446744073709551615"),
    ("array", "2", VALUE, 2, VALUE_JSON),
    ("cpu_array", "1", "{.packets = 10, .change = -3, .errors = 2}", 1,
     {"packets": "10", "change": -3, "errors": 2}),
    ("cpu_hash", "65535", "12", 65535, "12"),
    ("cpu_names", "1", "web", 1, "web"),
    ("routes4", "10.0.0.0/8", "1", "10.0.0.0/8", 1),
    ("routes4", "192.168.1.1", "2", "192.168.1.1/32", 2),
    ("routes4", "{.head = {.prefixlen = 24}, .address = {1, 2, 3, 0}}", "3", "1.2.3.0/24", 3),
    ("routes6", "2001:db8::/32", "4", "2001:db8::/32", 4),
    ("routes8", "hex:0102030405060708/60", "5", "hex:0102030405060708/60", 5),
    ("untyped", "hex:010203", "hex:0102030405", "hex:010203", "hex:0102030405"),
    ("untyped_array", "1", "hex:0a0b", 1, "hex:0a0b"),
]


@pytest.mark.parametrize("name, key, value, key_json, value_json", WRITTEN)
def test_what_is_set_is_shown_and_can_be_set_again(env, kinds, name, key, value, key_json,
                                                   value_json):
    env.ok("map", "set", name, "--", key, value)
    assert (json.dumps(key_json), value_json) in entries(env, name)
    one = env.ok("-j", "map", "get", name, "--", key).json()
    assert one["value"] == value_json
    table, bytes_now = rows_of(env.ok("map", "dump", name).out), contents(kinds[name])
    # All rows at once, pasted behind the command, into a map without them.
    if "array" not in name and name != "cpu_names":
        env.ok("map", "delete", name, "--", key)
        assert (json.dumps(key_json), value_json) not in entries(env, name)
    else:
        env.ok("map", "set", name, key_json, "hex:" + "00" * listed_size(env, name))
        assert contents(kinds[name]) != bytes_now
    env.ok(stdin="".join(f"map set {name} {row}\n" for row in table))
    assert contents(kinds[name]) == bytes_now
    # What get prints is one word for the shell.
    text = env.ok("map", "get", name, "--", key).out.rstrip("\n")
    env.ok("map", "set", name, "--", key, text)
    assert contents(kinds[name]) == bytes_now


def listed_size(env, name):
    return next(row["value_size"] for row in listed(env, "maps") if row["name"] == name)


def test_bytes_are_those_that_bpftool_sees(env, kinds):
    env.ok("map", "set", "numbers", "--", "258", "-2")
    assert contents(kinds["numbers"]) == {("0x02", "0x01", "0x00", "0x00"):
                                          ("0xfe",) + 7 * ("0xff",)}
    bpftool("map", "update", "pinned", kinds["numbers"], "key", "1", "0", "0", "0", "value",
            "5", *"0000000")
    assert env.ok("map", "get", "numbers", "1").out == "5\n"
    env.ok("map", "delete", "numbers", "258")
    assert len(contents(kinds["numbers"])) == 1


def test_each_cpu_has_its_value(env, kinds, cpus):
    if cpus < 2:
        pytest.skip("one CPU")
    each = [str(10 + i) for i in range(cpus)]
    env.ok("map", "set", "cpu_hash", "1", *each)
    entry = env.ok("-j", "map", "get", "cpu_hash", "1").json()
    assert entry["values"] == each and entry["value"] == str(sum(map(int, each)))
    table = env.ok("map", "dump", "cpu_hash", "--per-cpu").out.splitlines()
    assert [line.split() for line in table] == [["KEY", "CPU", "VALUE"]] + [
        ["1", str(i), value] for i, value in enumerate(each)]
    assert env.ok("map", "get", "cpu_hash", "1", "--per-cpu").out.splitlines() == table
    # A sum goes to one CPU, so that it is the sum; what has none is the same everywhere.
    env.ok("map", "set", "cpu_hash", "1", "7")
    assert env.ok("-j", "map", "get", "cpu_hash", "1").json()["values"] == ["7"] + ["0"] * (cpus - 1)
    env.ok("map", "set", "cpu_names", "0", "web")
    assert env.ok("-j", "map", "get", "cpu_names", "0").json()["values"] == ["web"] * cpus
    env.ok("map", "set", "cpu_names", "0", "db", *["web"] * (cpus - 1))
    assert env.ok("-j", "map", "get", "cpu_names", "0").json()["value"] is None
    assert env.ok("map", "get", "cpu_names", "0").out == "-\n"


def test_sums_do_not_wrap_where_their_parts_fit(env, kinds, cpus):
    value = "{.errors = 4294967295}"
    env.ok("map", "set", "cpu_array", "0", *[value] * cpus)
    summed = env.ok("-j", "map", "get", "cpu_array", "0").json()["value"]["errors"]
    assert summed == cpus * 4294967295


def test_tries_match_the_longest_prefix(env, kinds):
    env.ok("-c", "map set routes4 10.0.0.0/8 1; map set routes4 10.1.0.0/16 2")
    assert env.ok("map", "get", "routes4", "10.1.2.3").out == "2\n"
    assert env.ok("map", "get", "routes4", "10.2.2.3/32").out == "1\n"
    assert dict(entries(env, "routes4")) == {'"10.0.0.0/8"': 1, '"10.1.0.0/16"': 2}


@pytest.mark.parametrize("name, order", [("queue", [1, 2]), ("stack", [2, 1])])
def test_queues_and_stacks(env, kinds, name, order):
    assert env.ok("map", "dump", name).out == "no entries\n"
    env.ok("-c", f"map set {name} hex:01000000; map set {name} hex:02000000")
    first, second = [f"hex:0{n}000000" for n in order]
    dump = env.ok("map", "dump", name).out
    assert_said(dump, f"-    {first}", "only its next entry can be seen")
    assert env.ok("map", "get", name).out == f"{first}\n"
    assert env.ok("map", "delete", name).out == f"{first}\n"
    taken = env.ok("-j", "map", "delete", name).json()
    assert (taken["key"], taken["value"], taken["changed"]) == (None, second, True)
    assert env.ok("-j", "map", "dump", name).json()["entries"] == []


def test_variables(env, kinds):
    assert dict(entries(env, "kinds.data")) == {
        '"limit"': 5, '"name"': "eth0",
        '"config"': {"on": 0, "level": 0, "ports": [{"min": 1, "max": 2}, {"min": 3, "max": 4}]}}
    assert env.ok("map", "get", "kinds/.rodata", "fixed").out == "7\n"
    env.ok("-c", "map set kinds.data limit 6; map set kinds.data name wlan0;"
           "map set kinds.data config.ports[1].max 9; map set kinds.data config.level 5")
    assert env.ok("map", "get", "kinds.data", "config.level").out == "5\n"
    assert env.ok("map", "get", "kinds.data", "config").out == \
        "{.on = 0, .level = 5, .ports = {{.min = 1, .max = 2}, {.min = 3, .max = 9}}}\n"
    rows = rows_of(env.ok("map", "dump", "kinds.data").out)
    before = contents(kinds[".data"])
    env.ok("-c", "map set kinds.data limit 0; map set kinds.data config {}")
    assert contents(kinds[".data"]) != before
    env.ok(stdin="".join(f"map set kinds.data {row}\n" for row in rows))
    assert contents(kinds[".data"]) == before


def test_a_variable_is_written_alone(env, kinds, build_bpf):
    """A program that counts in the same section meanwhile loses nothing."""
    program = listed(env)[0]["pinned_path"]
    data = env.file("packet", bytes(64))
    assert bpftool("prog", "run", "pinned", program, "data_in", data, "repeat", 1000)
    env.ok("map", "set", "kinds.bss", "counter", "0")
    assert env.ok("map", "get", "kinds.bss", "counter").out == "0\n"
    assert bpftool("prog", "run", "pinned", program, "data_in", data, "repeat", 1000)
    assert env.ok("map", "get", "kinds.bss", "counter").out == "1000\n"


def test_keys_that_differ_in_padding_only(env, kinds):
    """Their text would be the same: what C cannot say is shown as bytes."""
    env.ok("-c", "map set padded '{1, 2}' 10; map set padded hex:01ff000002000000 20")
    table = rows_of(env.ok("map", "dump", "padded").out)
    assert sorted(line.split()[-1] for line in table) == ["10", "20"]
    before = contents(kinds["padded"])
    env.ok("-c", "map delete padded '{1, 2}'; map delete padded hex:01ff000002000000")
    env.ok(stdin="".join(f"map set padded {row}\n" for row in table))
    assert contents(kinds["padded"]) == before and len(before) == 2


def test_maps_of_maps_are_shown_as_ids(env, kinds):
    inner = next(r["kernel_id"] for r in listed(env, "maps") if r["name"] == "inner")
    assert entries(env, "outer") == [("0", inner)]


def test_limit(env, kinds):
    env.ok(stdin="".join(f"map set names n{i} RED\n" for i in range(10)))
    for limit, count, truncated in [(3, 3, True), (10, 10, False), (11, 10, False), (9, 9, True)]:
        document = env.ok("-j", "map", "dump", "names", "--limit", limit).json()
        assert (len(document["entries"]), document["truncated"]) == (count, truncated)
    assert_said(env.ok("map", "dump", "names", "--limit", "1").out, "there are more entries")
    document = env.ok("-j", "map", "dump", "array", "--limit", 4).json()
    assert document["truncated"] is False and document["count"] == 4


def test_create_and_existing(env, kinds):
    env.ok("map", "set", "numbers", "1", "1", "--create")
    env.ok("map", "set", "numbers", "1", "2", "--existing")
    assert_said(env.run("map", "set", "numbers", "1", "3", "--create").err,
                "numbers has the key 1 already")
    assert_said(env.run("map", "set", "numbers", "2", "3", "--existing").err,
                "numbers has no key 2")
    assert env.ok("map", "get", "numbers", "1").out == "2\n"


def test_maps_of_others_are_read_only(env, kinds, unchanged):
    foreign = env.pins / "foreign"
    bpftool("map", "create", foreign, "type", "hash", "key", "4", "value", "4", "entries", "2",
            "name", "foreign")
    bpftool("map", "update", "pinned", foreign, "key", *"1000", "value", *"2000")
    kernel_id = bpftool("map", "show", "pinned", foreign)["id"]
    for name in (f"kernel:{kernel_id}", f"k:{kernel_id}", foreign):
        document = env.ok("-j", "map", "dump", name).json()
        assert document["entries"] == [{"key": "hex:01000000", "value": "hex:02000000"}]
        assert document["map"]["id"] is None and document["map"]["kernel_id"] == kernel_id
        with unchanged(env):
            said = env.run("map", "set", name, "hex:01000000", "hex:00000000")
            assert said.status == 1
            assert_said(said.err, "is not managed by bpfman: it is only read" if name == foreign
                        else f'map k:{kernel_id} "foreign" is not bpfman.s: no process holds it')
            assert env.run("map", "delete", name, "hex:01000000").status == 1
    assert contents(foreign) == {("0x01", "0x00", "0x00", "0x00"): ("0x02", "0x00", "0x00", "0x00")}


def test_a_replaced_pin_is_not_written(env, kinds, unchanged):
    path = kinds["numbers"]
    bpftool("map", "create", env.pins / "other", "type", "hash", "key", "4", "value", "8",
            "entries", "2", "name", "numbers")
    os.unlink(path)
    os.rename(env.pins / "other", path)
    with unchanged(env):
        said = env.run("map", "set", "numbers", "1", "1")
        assert said.status == 1
        assert_said(said.err, r'map \d+ "numbers" is lost: its pin is another object by now')
    assert contents(path) == {}


def test_hostile_contents_are_escaped(env, kinds):
    env.ok("map", "set", "names", "hex:1b5d303b78070000", "RED")
    for argv in (["map", "dump", "names"], ["-j", "map", "dump", "names"],
                 ["map", "get", "names", "hex:1b5d303b78070000"],
                 ["complete", "map get names "]):
        raw = env.ok(*argv).raw_out
        assert b"\x1b" not in raw and b"\x07" not in raw, raw
    assert entries(env, "names") == [(json.dumps("\x1b]0;x\x07"), "RED")]


def test_events_tell_of_writes(env, kinds):
    env.ok("map", "set", "kinds.bss", "counter", "3")
    event = env.ok("-j", "events").json()["events"][-1]
    assert (event["command"], event["name"], event["ok"]) == (
        "map set kinds.bss counter 3", "kinds.bss", True)
    assert env.run("map", "delete", "numbers", "5").status == 1
    event = env.ok("-j", "events").json()["events"][-1]
    assert (event["name"], event["message"], event["ok"]) == (
        "numbers", "numbers has no key 5", False)


def test_reading_needs_no_lock(env, kinds):
    """While another session holds both."""
    with open(next(env.db.parent.glob("*lock*")), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        env.ok("map", "dump", "numbers", "--limit", "1")
        env.ok("watch", "-n", "0.05", "--count", "2", "map", "get", "kinds.rodata", "fixed")
        said = env.run("--lock-timeout", "1", "map", "set", "numbers", "1", "1")
        assert said.status != 0 and contents(kinds["numbers"]) == {}


def test_completion(env, kinds):
    assert env.ok("complete", "ma").out == "map\n"
    assert env.ok("complete", "map ").out == "delete\ndump\nget\nset\n"
    assert {"hash", "kinds.bss", "kinds.rodata"} <= set(env.ok("complete", "map dump ").out.split())
    assert env.ok("complete", "map get kinds.data ").out == "config\nlimit\nname\n"
    env.ok("map", "set", "names", "a b", "RED")
    assert env.ok("complete", "map get names ").out == '"\\"a b\\""\n'
    assert env.ok("complete", "help map d").out == "delete\ndump\n"


def test_help(env):
    assert_said(env.ok("help", "map", "get").out, "map get MAP", "--expect")
    assert_said(env.ok("help", "map").out, "map dump MAP", "map delete MAP")
    assert [c["name"] for c in env.ok("-j", "help", "map").json()["commands"]] == [
        "map dump", "map get", "map set", "map delete"]


def test_dry_run_changes_nothing(env, kinds, unchanged):
    with unchanged(env):
        env.ok("-n", "map", "set", "numbers", "1", "1")
        assert env.run("-n", "map", "set", "numbers", "1", "x").status == 1
        assert env.run("-n", "map", "delete", "numbers", "1").status == 1
        assert env.run("-n", "map", "set", "numbers", "1", "1", "--existing").status == 1
    assert contents(kinds["numbers"]) == {}
