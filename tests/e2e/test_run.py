# SPDX-License-Identifier: GPL-3.0-or-later
"""run: programs on given data."""
import pytest

from helpers import HEAD, assert_failed, assert_said, bpftool, listed

pytestmark = pytest.mark.usefixtures("need_bpf")

SOURCE = HEAD + """
#include <linux/pkt_cls.h>
#include <stdbool.h>
ARRAY(seen, 1);
static __always_inline void count(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&seen, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
}
SEC("xdp") int drop(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	count();
	if (data + 1 > (unsigned char *)(long)ctx->data_end)
		return XDP_ABORTED;
	data[0] = 0xab;
	return XDP_DROP;
}
SEC("xdp") int odd(void *ctx) { return 77; }
SEC("tc") int unspec(struct __sk_buff *skb) { return TC_ACT_UNSPEC; }
SEC("tc") int shot(struct __sk_buff *skb) { return TC_ACT_SHOT; }
SEC("raw_tp/sched_switch") int raw(__u64 *ctx) { count(); return ctx[0] == 1; }
SEC("kprobe/vfs_read") int probe(void *ctx) { return 0; }
SEC("syscall") int call(__u32 *ctx) { return ctx[0] += 2; }
"""
PACKET = "hex:" + "00" * 64


@pytest.fixture
def runs(env, build_bpf):
    env.ok("load", build_bpf(SOURCE, "runs"))
    return env


@pytest.mark.parametrize("name, argv, code, retval", [
    ("drop", ["--data", PACKET], "XDP_DROP", 1),
    ("odd", ["--data", PACKET], "77", 77),
    ("unspec", ["--data", PACKET], "TC_ACT_UNSPEC", 4294967295),
    ("shot", ["--data", PACKET], "TC_ACT_SHOT", 2),
    ("raw", ["--ctx", "hex:0100000000000000" + "00" * 16], "1", 1),
    ("call", ["--ctx", "hex:28000000"], "42", 42),
])
def test_codes_by_name(runs, name, argv, code, retval):
    run = runs.ok("-j", "run", name, *argv).json()["run"]
    assert (run["program"], run["code"], run["retval"]) == (name, code, retval)
    assert_said(runs.ok("run", name, *argv).out, rf"Returned: +{code}\n")
    runs.ok("run", name, *argv, "--expect", code)
    runs.ok("run", name, *argv, "--expect", retval)
    other = runs.run("run", name, *argv, "--expect", "3")
    assert other.status == 1 and f"Returned:    {code}\n" in other.out
    assert_said(other.out, "expected ")


def test_repeat_and_time(runs):
    run = runs.ok("-j", "run", "drop", "--data", PACKET, "--repeat", 5000).json()["run"]
    assert run["runs"] == 5000 and int(run["duration_ns"]) < 1000000
    assert runs.ok("map", "get", "seen", "0").out == "5000\n"


def test_data_as_it_is_afterwards(runs):
    runs.file("in", bytes(range(64)))
    run = runs.ok("-j", "run", "drop", "--data", "in", "--out", "out").json()["run"]
    expected = b"\xab" + bytes(range(1, 64))
    assert (runs.dir / "out").read_bytes() == expected
    assert run["data_out"] == "hex:" + expected.hex() and run["data_out_bytes"] == 64


@pytest.mark.parametrize("argv, status, patterns", [
    (["drop"], 1, [r"drop runs on a packet of at least 14 bytes, not 0", "--data"]),
    (["drop", "--data", "hex:00"], 1, [r"at least 14 bytes, not 1"]),
    (["drop", "--data", "hex:0g"], 1, [r'"hex:0g" is not hex: and two digits a byte|0g']),
    (["drop", "--data", "missing"], 1, ["missing: No such file"]),
    (["drop", "--data", PACKET, "--expect", "XDP_DORP"], 1,
     ['programs of type xdp do not return "XDP_DORP"', 'did you mean "XDP_DROP"']),
    (["drop", "--data", PACKET, "--expect", "many"], 1, ["XDP_PASS"]),
    (["drop", "--data", PACKET, "--cpu", "0"], 1, ["raw_tracepoint only"]),
    (["drop", "--data", PACKET, "--cpu", "x"], 2, ["--cpu is a CPU's number"]),
    (["drop", "--data", PACKET, "--repeat", "0"], 2, ["--repeat is a whole number from 1"]),
    (["drop", "--data", PACKET, "--repeat", "4294967295"], 2, ["--repeat is at most"]),
    (["probe"], 1, ["cannot run programs of type kprobe on given data"]),
    (["raw", "--data", PACKET], 1, ["take a context, not data"]),
    (["nothing"], 1, ['no program is named "nothing"']),
])
def test_what_cannot_be_run(runs, unchanged, argv, status, patterns):
    before = runs.ok("map", "get", "seen", "0").out
    with unchanged(runs):
        assert_failed(runs.run("run", *argv), status, *patterns)
    assert runs.ok("map", "get", "seen", "0").out == before


def test_dry_run_does_not_run(runs, unchanged):
    with unchanged(runs):
        assert_said(runs.ok("-n", "run", "drop", "--data", PACKET).out, "was not run")
    assert runs.ok("map", "get", "seen", "0").out == "0\n"


def test_others_are_not_run(runs, unchanged):
    foreign = runs.pins / "foreign"
    bpftool("prog", "load", str(runs.rows("objects")[0]["path"]), foreign, "type", "xdp")
    with unchanged(runs):
        assert runs.run("run", foreign, "--data", PACKET).status == 1
    assert {row["name"] for row in listed(runs)} >= {"drop", "odd"}
