# SPDX-License-Identifier: GPL-3.0-or-later
"""load --global: global variables by name, typed by BTF, checked before anything is loaded."""
import json
import os

import pytest

from asking import bad, good
from helpers import (HEAD, assert_error_document, assert_failed, bpftool, listed, only,
                     run_program)

pytestmark = pytest.mark.usefixtures("need_bpf")

# Returns what its variables make of the packet's length.
SUM = HEAD + """
struct config { __u16 limit; struct { __s32 add; } deep[2]; };
const volatile struct config cfg = { .limit = 10 };
volatile __u64 factor = 1;
volatile __s32 seen[2];
SEC("xdp") int sum(struct xdp_md *ctx)
{
	seen[1]++;
	return cfg.limit * factor + cfg.deep[1].add + seen[0];
}
"""

KINDS = HEAD + """
#include <stdbool.h>
enum color { RED, GREEN = 5 };
typedef struct { __u32 low : 3; __s32 high : 5; } bits_t;
volatile __u8 u8; volatile __s8 s8; volatile __u16 u16; volatile __s16 s16;
volatile __u32 u32; volatile __s32 s32; volatile __u64 u64; volatile __s64 s64;
volatile bool on; volatile enum color color; volatile char name[8]; volatile char raw[4];
volatile bits_t bits;
volatile union { __u32 whole; __u8 bytes[4]; } either;
volatile struct { struct { __u16 min, max; }; __u8 grid[2][2]; } nested;
SEC("xdp") int kinds(void *ctx) { return u8 + name[0]; }
"""


def bss(env, name=".bss"):
    row = only([r for r in listed(env, "maps") if r["name"] == name])
    fields = {}
    for variable in only(bpftool("map", "dump", "pinned", row["pinned_path"]))["formatted"]["value"][name]:
        fields.update(variable)
    return fields


def options(pairs):
    return [word for name, value in pairs.items() for word in ("--global", f"{name}={value}")]


def test_the_running_program_has_them(env, build_bpf):
    path = build_bpf(SUM, "sum")
    env.ok("load", path, *options({"cfg.limit": 20, "cfg.deep[1].add": -3, "factor": "0x2",
                                   "seen": "{4}"}))
    pin = only(listed(env))["pinned_path"]
    assert run_program(pin, bytes(64), 1, env.dir) == 20 * 2 - 3 + 4
    assert bss(env)["seen"] == [4, 1]
    # A whole value and one of its parts, in either order; what is left out is zero.
    env.ok("load", path, "--name", "other", *options({"cfg.deep[1].add": 7, "cfg": "{.limit = 1}"}))
    pin = only([r for r in listed(env) if r["object"] == "other"])["pinned_path"]
    assert run_program(pin, bytes(64), 1, env.dir) == 1 * 1 + 7
    # Without any, the file's own.
    env.ok("load", path, "--name", "plain")
    pin = only([r for r in listed(env) if r["object"] == "plain"])["pinned_path"]
    assert run_program(pin, bytes(64), 1, env.dir) == 10


def test_every_kind(env, build_bpf):
    env.ok("load", build_bpf(KINDS, "kinds"), *options({
        "u8": "'a'", "s8": -128, "u16": 65535, "s16": "-0x8000", "u32": "0xffffffff", "s32": -1,
        "u64": 2**64 - 1, "s64": -2**63, "on": "true", "color": "GREEN", "name": "a b=c",
        "raw": "hex:00ff0a22", "bits": "{.low = 7, .high = -16}",
        "either.bytes[3]": 1, "nested": "{.max = 2, .grid = {{1, 2}, {3}}}", "nested.min": 9}))
    got = bss(env)
    assert {k: got[k] for k in ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64")} == {
        "u8": 97, "s8": -128, "u16": 65535, "s16": -32768, "u32": 2**32 - 1, "s32": -1,
        "u64": 2**64 - 1, "s64": -2**63}
    assert (got["on"], got["color"], got["name"]) == (True, "GREEN", "a b=c")
    assert got["bits"]["low"] == "0x7" and got["either"]["whole"] == 1 << 24
    assert got["nested"]["grid"] == [[1, 2], [3, 0]]
    path = build_bpf(HEAD + """
volatile double ratio; volatile float part; volatile struct { struct { int min, max; }; } range;
SEC("xdp") int floats(void *ctx) { return 2; }
""", "floats")
    rows = {g["name"]: g["value"] for g in good(env, op="open", path=path, globals={
        "ratio": "-1.5", "part": "1e3", "range.max": "2"})["globals"]}
    assert rows == {"ratio": "-1.5", "part": "1000", "range": "{.min = 0, .max = 2}"}


WRONG = {
    "unknown": ("limt=1", "global variable 'limt'", "did you mean 'limit'"),
    "unknown, nothing near": ("zzzzzz=1", "no global variable 'zzzzzz'", "limit"),
    "unknown member": ("cfg.prots=1", "global 'cfg.prots': .* no member 'prots'",
                       "did you mean 'ports'"),
    "no struct": ("limit.x=1", "neither a struct nor a union"),
    "no array": ("limit[0]=1", "no array"),
    "past the end": ("cfg.ports[2]=1", "2 elements"),
    "too large": ("limit=256", "256 is out of range: unsigned char takes 0 to 255|__u8 takes"),
    "negative": ("limit=-1", "out of range"),
    "no number": ("limit=ten", "'ten' is no integer"),
    "empty": ("limit=", "a value is missing"),
    "no bool": ("on=yes", "neither true nor false"),
    "enum": ("color=GREN", "neither a name", "did you mean 'GREEN'"),
    "text too long": ("name=123456789", "9 bytes does not fit into 8"),
    "bytes": ("limit=hex:0102", "2 bytes for a value of 1"),
    "brace": ("cfg={.limit = 1", "'}' is missing"),
    "rest": ("limit=1 2", "'2' is left over"),
    "no global data": ("LICENSE=GPL", "section license"),
    "hostile": ("\x1b\n=1", "no global variable '(\\\\x1b\\\\x0a|\x1b\n)'"),
}
SMALL = HEAD + """
#include <stdbool.h>
enum color { RED, GREEN = 5 };
struct config { __u8 limit; __u16 ports[2]; };
volatile __u8 limit; volatile bool on; volatile enum color color; volatile char name[8];
volatile struct config cfg;
SEC("xdp") int small(void *ctx) { return limit + on + color + name[0] + cfg.limit; }
"""


@pytest.mark.parametrize("what", WRONG)
def test_wrong_globals_change_nothing(env, build_bpf, unchanged, what):
    path = build_bpf(SMALL, "small")
    given, *patterns = WRONG[what]
    with unchanged(env):
        for words in (["load"], ["-n", "load"], ["verify"]):
            assert_failed(env.run(*words, path, "--global", given), 1, *patterns)
        assert_error_document(env.run("-j", "load", path, "--global", given), 1, *patterns)


@pytest.mark.parametrize("given, pattern", [
    (["limit"], "NAME=VALUE"), (["=1"], "NAME=VALUE"), (["limit=1", "limit=2"], "given twice")])
def test_usage(env, build_bpf, unchanged, given, pattern):
    with unchanged(env):
        for command in ("load", "verify"):
            words = [word for value in given for word in ("--global", value)]
            assert_failed(env.run(command, build_bpf(SMALL, "small"), *words), 2, pattern)


def test_without_btf_bytes_of_sections(env, build_bpf, unchanged):
    path = build_bpf(HEAD.replace("ARRAY(", "UNUSED(") + """
volatile unsigned level = 1;
SEC("xdp") int plain(void *ctx) { return level; }
""", "plain", flags=["-g0"])
    with unchanged(env):
        assert_failed(env.run("load", path, "--global", "level=2"), 1,
                      "no global variable 'level'", "no BTF", ".data=hex:")
        assert_failed(env.run("load", path, "--global", ".data=2"), 1, "give all 4 bytes")
        assert_failed(env.run("load", path, "--global", ".data=hex:02"), 1, "1 bytes for a value of 4")
    env.ok("load", path, "--global", ".data=hex:03000000")
    assert run_program(only(listed(env))["pinned_path"], bytes(64), 1, env.dir) in (3, 3 << 24)


def test_the_verifier_sees_constants(env, build_bpf, unchanged):
    # The bad access is dead code unless the constant says otherwise.
    path = build_bpf(HEAD + """
const volatile int bad_access;
ARRAY(values, 1);
SEC("xdp") int careful(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	__u64 *value = bpf_map_lookup_elem(&values, &queue);

	if (bad_access)
		return *value;
	return 2;
}
""", "careful")
    with unchanged(env):
        assert only(env.ok("-j", "verify", path).json()["verdicts"])["verdict"] == "ok"
        result = env.run("-j", "verify", path, "--global", "bad_access=1")
        assert result.status == 1
        assert only(result.json()["verdicts"])["verdict"] == "rejected"
        assert_failed(env.run("load", path, "--global", "bad_access=1"), 1, "invalid mem access")
        # What is no value of the variable's type is no verdict.
        assert_failed(env.run("verify", path, "--global", "bad_access=x"), 1, "no integer")


def test_ensure_compares_them(env, build_bpf, unchanged):
    path = build_bpf(SMALL, "small")
    env.ok("load", path, "--global", "limit=1", "--global", "on=true")
    with unchanged(env):
        same = env.ok("-j", "load", path, "--ensure", "--global", "on=true", "--global", "limit=1")
        assert same.json()["changed"] is False
        for given in (["limit=2", "on=true"], ["limit=1"], []):
            words = [word for value in given for word in ("--global", value)]
            assert_failed(env.run("load", path, "--ensure", *words), 1, "taken",
                          "differs in --global;")


def test_a_script_quotes_them(env, build_bpf):
    path = build_bpf(SMALL, "small")
    env.ok("-c", f'load {path} --global cfg={{.limit=3,.ports={{1,2}}}} --global name="a b" '
                 """--global 'color=GREEN'""")
    got = bss(env)
    assert got["cfg"] == {"limit": 3, "ports": [1, 2]} and got["name"] == "a b"


def test_completion(env, build_bpf):
    path = build_bpf(SMALL, "small")

    def complete(line):
        return env.ok("complete", line).out.splitlines()
    assert complete(f"load {path} --global ") == ["cfg=", "color=", "limit=", "name=", "on="]
    assert complete(f"load {path} --global co") == ["color="]
    assert complete(f"load {path} --global limit=") == ["limit=0"]
    assert complete(f"load {path} --global cfg=") == ['"cfg={.limit = 0, .ports = {0, 0}}"']
    assert complete(f"verify {path} --global n") == ["name="]


def test_the_worker_by_hand(env, build_bpf, unchanged):
    path = build_bpf(SMALL, "small")
    rows = {g["name"]: g["value"] for g in good(env, op="open", path=path, globals={
        "name": r"\x22a\x5c\x5c\x22", "cfg.ports[1]": "7", "cfg": "{1}"})["globals"]}
    assert rows["name"] == r'"a\\\\"' and rows["cfg"] == "{.limit = 1, .ports = {0, 7}}"
    with unchanged(env):
        pin = env.pins / "prog"
        for wrong, reason in ({"x": "1"}, "no_such_global"), ({"limit": "x"}, "bad_value"), \
                ({"cfg.x": "1"}, "no_such_member"), ({r"\x0": "1"}, "request"), \
                ({"limit": r"\x00"}, "request"):
            for fields in ({"op": "open"}, {"op": "verify"}, {"op": "load", "pin_path": pin}):
                bad(env, "request", reason, path=path, globals=wrong, **fields)


# ---- show ----


def shown(env, *words, **options):
    return {g["name"]: g for g in env.ok("-j", "show", *words, **options).json()["globals"]}


def test_show_tells_them(env, build_bpf, example):
    path = build_bpf(SUM + 'SEC("xdp") int plain(void *ctx) { return 2; }\n', "sum")
    env.ok("load", path, "--global", "cfg.limit=20", "--global", "seen={1, -2}")
    maps = {row["name"]: row["id"] for row in listed(env, "maps")}
    for words in (["object:sum"], ["sum/sum"]):
        rows = shown(env, *words)
        assert rows["cfg"] == {"name": "cfg", "map": ".rodata", "map_id": maps[".rodata"],
                               "type": "struct config", "size": 12,
                               "value": "{.limit = 20, .deep = {{.add = 0}, {.add = 0}}}",
                               "present": "{.limit = 20, .deep = {{.add = 0}, {.add = 0}}}"}
        assert (rows["factor"]["map"], rows["factor"]["value"]) == (".data", "1")
        assert (rows["seen"]["map"], rows["seen"]["value"]) == (".bss", "{1, -2}")
        assert (rows["factor"]["present"], rows["seen"]["present"]) == ("1", "{1, -2}")
        out = env.ok("show", *words).out
        assert "LOADED WITH" in out and "{1, -2}" in out
    # What the program made of them since.
    run_program(only([r for r in listed(env) if r["name"] == "sum"])["pinned_path"], bytes(64), 3,
                env.dir)
    row = shown(env, "sum/sum")["seen"]
    assert (row["value"], row["present"]) == ("{1, -2}", "{1, 1}")
    # Each program has the constants, used or not; the rest only where it uses them.
    assert set(shown(env, "sum/plain")) == {"cfg"}
    # Without any there is nothing to ask a worker for.
    env.ok("load", example("xdp_pass"))
    for name in "xdp_pass", "object:xdp_pass":
        assert shown(env, name, "--worker", "/nothing") == {}
        assert "GLOBAL" not in env.ok("show", name).out


def test_show_of_maps_that_are_gone(env, build_bpf):
    env.ok("load", build_bpf(SUM, "sum"))
    for row in listed(env, "maps"):
        os.unlink(row["pinned_path"])
    rows = shown(env, "object:sum")
    assert rows["factor"]["value"] == "1" and {g["present"] for g in rows.values()} == {None}


def test_show_without_a_worker_tells_the_rest(env, build_bpf):
    env.ok("load", build_bpf(SMALL, "small"))
    nothing = {"env": {"BPFMAN_WORKER": "/nothing"}}
    document = env.ok("-j", "show", "object:small", **nothing).json()
    assert document["globals"] is None and document["object"]["name"] == "small"
    assert "cannot be told: " in env.ok("show", "object:small", **nothing).out


def test_a_dry_run_shows_what_would_be(env, build_bpf, unchanged):
    path = build_bpf(SMALL, "small")
    with unchanged(env):
        out = env.ok("-n", "-j", "-c", f"load {path} --global limit=7; show object:small").raw_out
    document = json.loads(out.splitlines()[1])
    assert {g["name"]: g["value"] for g in document["globals"]}["limit"] == "7"
