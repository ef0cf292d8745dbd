# SPDX-License-Identifier: GPL-3.0-or-later
"""bpfman-kernel on its own: what it answers on the real kernel."""
import base64
import json
import os
import pathlib
import re
import shutil

import pytest

from asking import (HEAD, LICENSE, MAP, ask, bad, good, program, root, source, staged, use, xdp)
from conftest import missing

pytestmark = pytest.mark.usefixtures("need_bpf")


# ---- looking ----


def test_hello(env):
    result = good(env, op="hello")
    assert result["protocol"] == 1 and re.match(r"\d+\.\d+", result["version"])
    assert result["kernel"] == os.uname().release and re.match(r"1\.\d+", result["libbpf"])
    assert "CAP_BPF" in result["capabilities"] or "CAP_SYS_ADMIN" in result["capabilities"]
    boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert result["boot_id"] == boot_id
    assert result["btf"] == os.path.exists("/sys/kernel/btf/vmlinux")
    sysctl = pathlib.Path("/proc/sys/kernel/unprivileged_bpf_disabled")
    assert result["unprivileged_bpf_disabled"] == (int(sysctl.read_text(encoding="ascii"))
                                                   if sysctl.exists() else None)


def test_hello_sees_what_is_mounted(env, tracefs):
    assert good(env, op="hello")["tracefs"] is True
    hidden = ask(env, op="hello", prefix=["unshare", "-m", "sh", "-c",
                                          "umount -l /sys/kernel/tracing; exec \"$@\"", "sh"])
    assert hidden["result"]["tracefs"] is False
    mounted = ask(env, op="hello", prefix=["unshare", "-m", "sh", "-c",
                                           "mount -t bpf bpf /sys/fs/bpf; exec \"$@\"", "sh"])
    assert mounted["result"]["bpffs"] is True


def test_open_tells_programs_maps_and_globals(env, example):
    result = good(env, op="open", path=example("multi"))
    assert result["name"] == "multi" and result["license"] == "GPL" and result["btf"] is True
    assert [(p["name"], p["section"], p["type"], p["attach_type"]) for p in result["programs"]] == [
        ("multi_xdp", "xdp", "xdp", "xdp"), ("multi_ingress", "tc", "sched_cls", None),
        ("multi_egress", "tc", "sched_cls", None)]
    assert {m["name"]: (m["type"], m["internal"]) for m in result["maps"]} == {
        "traffic": ("percpu_array", False), "samples": ("ringbuf", False),
        ".rodata": ("array", True), ".data": ("array", True), ".bss": ("array", True)}
    values = {g["name"]: (g["map"], g["type"], g["size"], g["value"]) for g in result["globals"]}
    assert values["only_ifindex"] == (".rodata", "__s32", 4, "-1")
    assert values["sample_every"] == (".rodata", "__u64", 8, "64")
    assert values["label"] == (".rodata", "char[16]", 16, '"default"')
    assert values["verbosity"] == (".rodata", "enum verbosity", 4, "SAMPLES")
    assert values["limits"] == (".rodata", "struct limits", 4,
                                "{.shortest = 0, .longest = 65535}")
    assert values["weights"] == (".rodata", "__u32[3]", 12, "{1, 1, 1}")
    assert values["count_bytes"][3] == "true" and values["budget"][0] == ".data"
    assert values["total_packets"] == (".bss", "__u64", 8, "0")


GLOBALS = [
    ("bits", "struct { int a : 3; unsigned b : 5; long c; } bits = { -2, 17, -9 }",
     "struct { ... }", "{.a = -2, .b = 17, .c = -9}"),
    ("either", "union { __u32 whole; __u8 part[4]; } either = { 7 }", "union { ... }",
     "{.whole = 7}"),
    ("text", r'char text[8] = "a\"\n\\"', "char[8]", r'"a\"\012\\"'),
    ("binary", "char binary[3] = { 0, 1, 0 }", "char[3]", "{0, 1, 0}"),
    ("full", "char full[2] = { 'o', 'k' }", "char[2]", '"ok"'),
    ("bytes", "__u8 bytes[2] = { 65, 0 }", "__u8[2]", "{65, 0}"),
    ("matrix", "short matrix[2][2] = { { 1, 2 }, { -3, 4 } }", "short[2][2]", "{{1, 2}, {-3, 4}}"),
    ("pointer", "const char *volatile pointer", "char *", "0x0"),
    ("pointers", "int *pointers[2]", "int *[2]", "{0x0, 0x0}"),
    ("to_array", "int (*to_array)[4]", "int (*)[4]", "0x0"),
    ("function", "struct inner { struct inner *next; }; int (*function)(void *, struct inner *)",
     "int (*)(void *, struct inner *)", "0x0"),
    ("chosen", "enum small { NONE = -1, SOME = 5 } chosen = NONE", "enum small", "NONE"),
    ("other", "enum small other = 9", "enum small", "9"),
    ("odd", "_Bool odd = 1", "_Bool", "true"),
    ("byte", "__s8 byte = -128", "__s8", "-128"),
    ("large", "__u64 large = ~0ull", "__u64", "18446744073709551615"),
    ("huge", "__int128 huge = 1", "__int128", "0x" + 31 * "0" + "1"),
    ("long_text", 'char long_text[5000] = "x"', "char[5000]", None),
]


def test_globals_of_every_kind(env, build_bpf):
    path = build_bpf(source(*(declaration + ";\n" for _, declaration, _, _ in GLOBALS),
                            program("xdp")))
    rows = {g["name"]: g for g in good(env, op="open", path=path)["globals"]}
    for name, declaration, kind, value in GLOBALS:
        # The wire doubles backslashes.
        expected = value.replace("\\", "\\\\") if value else value
        assert (rows[name]["type"], rows[name]["value"]) == (kind, expected), declaration


def test_open_needs_no_capability(env, example):
    # The tree may be below a directory that is root's alone.
    answer = ask(env, op="open", path=shutil.copy(example("multi"), env.dir),
                 prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                         "--inh-caps=-all", "--bounding-set=-all"])
    assert answer["ok"] and len(answer["result"]["programs"]) == 3


def test_open_marks_what_is_optional_sleepable_and_shared(env, build_bpf):
    path = build_bpf(source(program("?xdp", "maybe"), program("fentry.s/bpf_fentry_test1", "slow"),
                            '''struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u32);
} common SEC(".maps");
'''))
    result = good(env, op="open", path=path)
    assert [(p["name"], p["autoload"], p["sleepable"]) for p in result["programs"]] == [
        ("maybe", False, False), ("slow", True, True)]
    assert [m["pin_by_name"] for m in result["maps"]] == [True]


def test_open_without_btf_shows_bytes(env, build_bpf):
    path = build_bpf(source("volatile unsigned level = 0x01020304;\n",
                            program("xdp", body="return level;")), flags=["-g0"])
    result = good(env, op="open", path=path)
    [data] = result["globals"]
    assert result["btf"] is False and data["type"] is None
    assert data["value"] in ("hex:04030201", "hex:01020304") and data["name"] == ".data"


# ---- loading ----


def test_load_by_hand(env, xdp):
    pin = env.pins / "a/b/prog"
    answer = ask(env, op="load", path=xdp, program="xdp_pass", pin_path=pin)
    result = answer["result"]
    assert answer["log"] == "" and answer["log_bytes"] == 0
    [row], [counters] = result["programs"], result["maps"]
    assert result["program_id"] == row["kernel_id"] and result["root_dev"] is None
    assert result["map_ids"] == [counters["kernel_id"]] == row["map_ids"]
    assert row["pinned_path"] == row["pin"] == str(pin) and row["id"] is None
    assert counters["pinned_path"] is None and counters["pin_dev"] is None
    status = os.stat(pin)
    assert (row["pin_dev"], row["pin_ino"]) == (str(status.st_dev), str(status.st_ino))
    told = good(env, op="info", pin_path=pin)
    assert told["kind"] == "program" and told["name"] == "xdp_pass" and told["type"] == "xdp"
    for key in ("kernel_id", "tag", "load_time_ns", "pin_dev", "pin_ino", "verified_insns",
                "xlated_bytes", "jited_bytes", "memlock_bytes", "map_ids", "btf_id"):
        assert told[key] == row[key], key
    assert row["verified_insns"] > 0 and int(row["memlock_bytes"]) > 0


def test_load_takes_bytes_and_names_them(env, root, build_bpf):
    path = build_bpf(source("const volatile int limit = 3;\n",
                            program("xdp", body="return limit;")))
    encoded = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    result = good(env, **staged(env), object=encoded, object_name="carrier")
    [row] = result["maps"]
    assert row["name"] == ".rodata" and row["pin"] == f"{root}/3/m5__rodata"
    assert good(env, op="info", pin_path=row["pin"])["name"] == "carrier.rodata"


def test_load_staged(env, root, example):
    result = good(env, **staged(env), path=example("multi"))
    names = ["p4_multi_xdp", "p5_multi_ingress", "p6_multi_egress", "m7_traffic", "m8_samples",
             "m9__rodata", "m10__data", "m11__bss"]
    assert sorted(os.listdir(root / "3")) == sorted(names)
    assert sorted(os.listdir(root)) == ["3"]
    rows = result["programs"] + result["maps"]
    assert [row["id"] for row in rows] == list(range(4, 12))
    assert [row["pin"] for row in rows] == [f"{root}/3/{name}" for name in names]
    assert all(row["pinned_path"] == row["pin"] for row in rows)
    assert result["root_dev"] == str(os.stat(root / "3").st_dev)
    assert (os.stat(root / "3").st_mode & 0o777) == 0o700
    for row in rows:
        told = good(env, op="info", pin_path=row["pin"])
        assert (told["kernel_id"], told["pin_ino"]) == (row["kernel_id"], row["pin_ino"])
        assert told["type"] == row["type"]


def test_load_staged_with_a_path_of_its_own(env, root, xdp):
    pin = env.pins / "deep/er/prog"
    result = good(env, **staged(env), path=xdp, pin_path=pin)
    [row] = result["programs"]
    assert row["pinned_path"] == str(pin) and row["pin"] == f"{root}/3/p4_xdp_pass"
    assert os.stat(pin).st_ino == os.stat(row["pin"]).st_ino == int(row["pin_ino"])


def test_load_of_some_programs_keeps_their_maps_only(env, root, build_bpf):
    path = build_bpf(source(
        MAP % ("ARRAY", 1, "__u64", "mine"), MAP % ("ARRAY", 1, "__u64", "theirs"),
        *(program("xdp", name, f"""__u32 key = 0;
			__u64 *v = bpf_map_lookup_elem(&{used}, &key);
			return v ? *v : 0;""") for name, used in (("one", "mine"), ("two", "theirs"),
			                                          ("three", "mine")))))
    result = good(env, **staged(env), path=path, programs=["three", "one"])
    assert [p["name"] for p in result["programs"]] == ["one", "three"]
    assert [m["name"] for m in result["maps"]] == ["mine"]
    assert sorted(os.listdir(root / "3")) == ["m6_mine", "p4_one", "p5_three"]


def test_optional_programs_load_when_they_are_named(env, root, build_bpf):
    path = build_bpf(source(program("?xdp", "maybe"), program("xdp", "always")))
    assert [p["name"] for p in good(env, **staged(env), path=path)["programs"]] == ["always"]
    assert [p["name"] for p in good(env, **staged(env, 9), path=path, program="maybe")["programs"]
            ] == ["maybe"]


def test_long_and_strange_names(env, root, build_bpf):
    name = "n" + "_long" * 30
    path = build_bpf(source(MAP % ("ARRAY", 1, "__u64", name + "_map"),
                            program("xdp", name, use(name + "_map"))))
    result = good(env, **staged(env), path=path)
    assert result["programs"][0]["name"] == name
    assert result["programs"][0]["pin"] == f"{root}/3/p4_{name[:64]}"
    assert result["maps"][0]["pin"] == f"{root}/3/m5_{(name + '_map')[:64]}"


# ---- maps shared by name ----


def test_maps_are_shared_by_name(env, root, example):
    first = good(env, **staged(env), path=example("by_name"))
    [created] = first["maps"]
    path = f"{root}/by_name/blocklist"
    assert created["shared"] and created["created"] and created["id"] == 5
    assert created["pinned_path"] == created["pin"] == path
    assert int(created["pin_ino"]) == os.stat(path).st_ino
    assert os.listdir(root / "3") == ["p4_by_name"], "it belongs to no object"
    second = good(env, **staged(env, 9), path=example("by_name"))
    [reused] = second["maps"]
    assert reused["kernel_id"] == created["kernel_id"] and not reused["created"]
    assert reused["id"] is None and reused["pin_ino"] == created["pin_ino"]
    assert os.listdir(root / "9") == ["p10_by_name"]
    assert second["programs"][0]["map_ids"] == [created["kernel_id"]]


def test_a_shared_map_that_differs_is_refused_field_by_field(env, root, build_bpf, unchanged):
    def build(value, entries, more=""):
        return build_bpf(source(f"""struct {{
	__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, {entries});
	__uint(pinning, LIBBPF_PIN_BY_NAME); __type(key, __u32); __type(value, {value}); {more}
}} common SEC(".maps");\n""", program("xdp", body=use("common"))))
    good(env, **staged(env), path=build("__u64", 8))
    with unchanged(env):
        error = bad(env, "create-map", "map_mismatch", **staged(env, 9),
                    path=build("__u32", 16, "__uint(map_flags, BPF_F_NO_PREALLOC);"))
    assert "common" in error["message"] and "value_size, max_entries, map_flags" in error["message"]
    assert error["details"] == ["value_size: 4 in the object, 8 pinned",
                                "max_entries: 16 in the object, 8 pinned",
                                "map_flags: 1 in the object, 0 pinned"]


def test_a_shared_map_that_nobody_uses_is_not_kept(env, root, build_bpf):
    path = build_bpf(source("""struct {
	__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME); __type(key, __u32); __type(value, __u32);
} lonely SEC(".maps");\n""", program("xdp")))
    assert good(env, **staged(env), path=path)["maps"] == []
    assert os.listdir(root) == ["3"]


def test_sharing_needs_a_directory_and_a_map(env, root, example, xdp, unchanged):
    with unchanged(env):
        error = bad(env, "request", "request", op="load", path=example("by_name"),
                    pin_path=env.pins / "x")
    assert "blocklist" in error["message"] and "by_name_dir" in error["message"]
    (root / "by_name").mkdir()
    good(env, op="load", path=xdp, pin_path=root / "by_name/blocklist")
    with unchanged(env):
        error = bad(env, "create-map", "map_mismatch", **staged(env), path=example("by_name"))
        assert "is not a map" in error["message"]
    (root / "by_name/blocklist").unlink()
    (root / "by_name/blocklist").symlink_to("/etc/passwd")
    with unchanged(env):
        bad(env, "create-map", "bad_name", **staged(env), path=example("by_name"))


# ---- types ----

LOADABLE = """socket xdp xdp.frags xdp/devmap xdp/cpumap tc tc/ingress tcx/egress classifier action
    tracepoint/syscalls/sys_enter_openat tp/sched/sched_switch raw_tp/sched_switch
    raw_tracepoint/sys_enter kprobe/vfs_read kretprobe/vfs_read uprobe uretprobe uprobe.s
    uprobe.multi perf_event lwt_in lwt_out lwt_xmit lwt_seg6local sockops sk_skb
    sk_skb/stream_parser sk_msg flow_dissector cgroup_skb/ingress cgroup_skb/egress cgroup/skb
    cgroup/sock cgroup/post_bind4 cgroup/dev cgroup/sysctl cgroup/getsockopt sk_lookup sk_reuseport
    tp_btf/sched_switch iter/task netfilter syscall ksyscall/openat
    cgroup/bind4 cgroup/connect6 cgroup/sendmsg4""".split()


@pytest.mark.parametrize("section", LOADABLE)
def test_types_that_this_kernel_takes(env, root, build_bpf, section):
    # Some types only accept certain values: 1 lets pass, 0 means nothing in most.
    returns = "1" if section.startswith(("cgroup", "sk_lookup", "netfilter")) else "0"
    path = build_bpf(source(program(section, body=f"return {returns};")))
    known = good(env, op="open", path=path)["programs"][0]
    answer = ask(env, **staged(env), path=path)
    if not answer["ok"] and answer["error"]["reason"] in ("type_unknown", "too_old"):
        missing(answer["error"]["message"])
    assert answer["ok"], answer
    [row] = answer["result"]["programs"]
    assert row["section"] == section and row["type"] == known["type"]
    assert good(env, op="info", pin_path=row["pin"])["type"] == row["type"]


def test_struct_ops(env, root, build_bpf):
    path = build_bpf(HEAD + """
struct sock; struct rate_sample;
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	char name[16];
};
SEC("struct_ops/ssthresh") __u32 my_ssthresh(__u64 *ctx) { return 2; }
SEC("struct_ops/undo") __u32 my_undo(__u64 *ctx) { return 2; }
SEC("struct_ops/avoid") void my_avoid(__u64 *ctx) { }
SEC(".struct_ops.link") struct tcp_congestion_ops ops = {
	.ssthresh = (void *)my_ssthresh, .undo_cwnd = (void *)my_undo,
	.cong_avoid = (void *)my_avoid, .name = "bpfman_test",
};
""" + LICENSE)
    answer = ask(env, **staged(env), path=path)
    if not answer["ok"] and answer["error"]["reason"] in ("type_refused", "no_target"):
        missing(answer["error"]["message"])
    assert answer["ok"], answer
    assert {p["type"] for p in answer["result"]["programs"]} == {"struct_ops"}
    assert [m["type"] for m in answer["result"]["maps"]] == ["struct_ops"]


@pytest.mark.parametrize("section", ["fentry/bpf_fentry_test1", "fexit/bpf_fentry_test1",
                                     "fmod_ret/bpf_modify_return_test", "lsm/file_open"])
def test_types_that_a_kernel_may_refuse(env, root, build_bpf, unchanged, section):
    path = build_bpf(source(program(section)))
    with unchanged(env):
        answer = ask(env, **staged(env), path=path)
        if answer["ok"]:
            good(env, op="unpin", dirs=[f"{root}/3"])
            return
    error = answer["error"]
    assert error["reason"] in ("type_refused", "no_target", "verifier"), error
    if error["reason"] == "type_refused":
        assert error["code"] == "EPERM" and error["environment"] is False
        kind = "lsm" if section.startswith("lsm") else "tracing"
        assert f"refuses programs of type {kind}" in error["message"]


def test_type_by_hand(env, root, build_bpf, unchanged):
    path = build_bpf(source(program("filter", "one", "return 1;"),
                            program("deny", "two", "return 1;")))
    known = good(env, op="open", path=path)["programs"]
    assert [p["type"] for p in known] == [None, None]
    result = good(env, **staged(env), path=path, types={"one": "xdp"}, type="cgroup/bind4")
    assert [(p["type"], p["attach_type"]) for p in result["programs"]] == [
        ("xdp", None), ("cgroup_sock_addr", "cgroup_inet4_bind")]
    with unchanged(env):
        error = bad(env, "open", "type_unknown", **staged(env, 9), path=path, type="sched_clss")
        assert "sched_clss" in error["message"]
        bad(env, "open", "no_such_program", **staged(env, 9), path=path, type="xdp",
            types={"three": "xdp"})


# ---- verify ----


def test_verify_keeps_nothing(env, example, unchanged):
    with unchanged(env):
        result = good(env, op="verify", path=example("multi"), program="multi_xdp")
    assert result["verdict"] == "ok" and result["type"] == "xdp" and result["section"] == "xdp"
    assert result["insns"] > 10 and result["total_states"] > 0 and result["peak_states"] > 0
    assert result["xlated_bytes"] > 0 and re.match(r"\d+", result["stack"])
    with unchanged(env):
        error = bad(env, "request", "request", op="verify", path=example("multi"))
        assert "3 programs" in error["message"]
        good(env, op="verify", path=example("by_name"))


@pytest.mark.parametrize("op", ["load", "verify"])
@pytest.mark.parametrize("name, reason", [
    ("unchecked_lookup", "R0 invalid mem access 'map_value_or_null'"),
    ("out_of_bounds", "invalid access to packet, off=14 size=1")])
def test_the_verifier_s_reason_comes_first(env, example, unchanged, op, name, reason):
    pin = {"pin_path": env.pins / "a/b"} if op == "load" else {}
    with unchanged(env):
        answer = ask(env, op=op, path=example("rejected"), program=name, **pin)
    error = answer["error"]
    assert (error["stage"], error["reason"], error["code"]) == ("verify", "verifier", "EACCES")
    assert error["message"].startswith(f"{name}: {reason}") and error["environment"] is False
    assert reason in answer["log"] and "processed " in answer["log"]
    assert re.search(r"^\d+: \(", answer["log"], re.M), "the instructions it walked are missing"
    assert answer["log_bytes"] == len(answer["log"].encode()) and not answer["log_truncated"]
    assert "ulimit" not in json.dumps(answer)


REJECTED = {
    "loop": ("__u32 i = 0; while (1) { asm volatile(\"\" : \"+r\"(i)); } return i;",
             r"infinite loop detected|The sequence of|loop"),
    "uninitialised": ('int r; asm volatile("%0 = r5" : "=r"(r)); return r;', r"R5 !read_ok"),
    "helper": ("return bpf_get_current_pid_tgid() + bpf_sys_close(1);",
               r"cannot use helper bpf_sys_close|unknown func"),
    "leak": ("return (long)ctx;", r"R0|leaks|should have been"),
    "stack": ('long r; asm volatile("%0 = *(u64 *)(r10 - 600)" : "=r"(r)); return r;',
              r"invalid .*stack"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_reasons_are_taken_from_any_verdict(env, build_bpf, unchanged, case):
    body, pattern = REJECTED[case]
    section = "cgroup/sysctl" if case == "leak" else "xdp"
    path = build_bpf(source(program(section, body=body)))
    with unchanged(env):
        error = bad(env, "verify", "verifier", op="load", path=path, pin_path=env.pins / "x")
    assert re.match(r"probe: .*(" + pattern + ")", error["message"]), error["message"]
    assert "processed" not in error["message"] and not re.match(r"probe: \d+:", error["message"])


def test_a_long_log_keeps_its_beginning_and_end(env, build_bpf, unchanged):
    path = build_bpf(source(program("xdp", body=r"""
	long r = 0;
	asm volatile("%0 = 0\n.rept 60000\n%0 += 1\n.endr" : "=r"(r));
	return r + *(char *)(long)(((struct xdp_md *)ctx)->data);""")))
    with unchanged(env):
        answer = ask(env, op="load", path=path, pin_path=env.pins / "x")
    assert answer["error"]["reason"] == "verifier" and answer["error"]["code"] == "EACCES"
    assert answer["error"]["message"].startswith("probe: invalid access to packet, off=0 size=1")
    assert answer["log_truncated"] and answer["log_bytes"] > 1.5 * 2**20
    kept = len(answer["log"].encode())
    assert 64 * 1024 + 2**20 <= kept <= 64 * 1024 + 2**20 + 100
    assert "0: R1=ctx" in answer["log"][:4096] and "processed 6" in answer["log"][-200:]


def test_verbose_keeps_the_text_of_what_loads(env, root, example):
    quiet = ask(env, **staged(env), path=example("multi"))
    verbose = ask(env, **staged(env, 20), path=example("multi"), verbose=True)
    assert quiet["log"] == "" and verbose["ok"]
    assert verbose["log"].count("processed ") == 3 and "libbpf: " in verbose["log"]
