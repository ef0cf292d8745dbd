# SPDX-License-Identifier: GPL-3.0-or-later
"""bpfman-kernel attaches to interfaces, control groups and tracepoints, and detaches again."""
import os
import subprocess

import pytest

from asking import ask, good
from attaching import Loaded, counting, gone_pid
from conftest import missing
from helpers import bpftool, wait_for

pytestmark = pytest.mark.usefixtures("need_bpf")
@pytest.fixture
def counter(env, build_bpf):
    """counter((section, name, value), ...): an object of counting programs, loaded."""
    return lambda *programs: Loaded(env, build_bpf(counting(*programs)))


def ifindex(netns):
    return int(netns.run("cat", f"/sys/class/net/{netns.interface}/ifindex", text=True).stdout)


# ---- interfaces ----


@pytest.mark.parametrize("mode", [None, "native", "generic"])
def test_xdp(counter, netns, unchanged, env, mode):
    loaded = counter(("xdp", "probe", 2))
    with unchanged(env):
        options = {"netns": netns.name, **({"mode": mode} if mode else {})}
        row = loaded.attach("probe", "veth0", options)
        status = os.stat(netns.path)
        assert row["type"] == row["link_type"] == row["attach_type"] == "xdp"
        assert row["target"] == {
            "interface": "veth0", "ifindex": row["target"]["ifindex"], "netns": netns.path,
            "netns_dev": str(status.st_dev), "netns_ino": str(status.st_ino),
            "netns_cookie": netns.cookie(), "mode": mode or "native"}
        assert row["target_text"] == (f"veth0 --mode {mode}" if mode else "veth0"
                                      ) + f" --netns {netns.name}"
        assert row["order"] is None
        told = good(env, op="info", pin_path=row["pinned_path"])
        assert told["target"] == {"ifindex": row["target"]["ifindex"]}
        shown = netns.run("ip", "-d", "link", "show", "veth0", text=True).stdout
        assert ("xdpgeneric" in shown) == (mode == "generic"), shown
        assert loaded.counts(lambda: netns.ping(3), least=3)
        loaded.detach(row)
        loaded.stops(lambda: netns.ping(3))
        loaded.detach(loaded.attach("probe", "veth0", options))


@pytest.mark.parametrize("spelling", ["name", "path", "pid", "inside"])
def test_ways_to_name_a_network_namespace(counter, netns, spelling, env):
    loaded = counter(("xdp", "probe", 2))
    process = subprocess.Popen([*netns.prefix, "sleep", "1000"])
    prefix = netns.prefix if spelling == "inside" else []
    try:
        wanted = {"name": netns.name, "path": netns.path, "pid": f"pid:{process.pid}",
                  "inside": None}[spelling]
        wait_for(lambda: os.readlink(f"/proc/{process.pid}/ns/net") !=
                 os.readlink("/proc/self/ns/net"), "nsenter")
        row = loaded.attach("probe", "veth0", wanted and {"netns": wanted}, prefix=prefix)
    finally:
        process.kill()
        process.wait()
    assert row["target"]["netns_ino"] == str(os.stat(netns.path).st_ino)
    assert row["target"]["netns"] == {"name": netns.path, "path": netns.path, "pid": wanted,
                                      "inside": None}[spelling]
    assert row["target_text"] == "veth0" + {
        "inside": "", "pid": f" --netns {wanted}"}.get(spelling, f" --netns {netns.name}")
    assert loaded.counts(netns.ping)
    loaded.detach(row)


def test_one_native_xdp_program_an_interface(counter, netns, unchanged, env):
    loaded = counter(("xdp", "first", 2), ("xdp", "second", 2))
    options = {"netns": netns.name}
    row = loaded.attach("first", "veth0", options)
    number = loaded.programs["first"]["kernel_id"]
    with unchanged(env):
        for mode in ("native", "generic"):
            error = loaded.refused("hook_taken", "second", "veth0", {**options, "mode": mode})
            assert f"veth0: program {number} (first) is attached there, in native mode" == error[
                "message"] and "detach" in error["hint"]
    loaded.detach(row)
    row = loaded.attach("second", "veth0", options)
    loaded.detach(row)


def test_native_xdp_needs_the_driver(counter, netns, unchanged, env):
    loaded = counter(("xdp", "probe", 2))
    with unchanged(env):
        error = loaded.refused("bad_target", "probe", "lo",
                               {"netns": netns.name, "mode": "native"})
        assert error["message"] == "lo: its driver does not support XDP in native mode"
        assert "generic" in error["hint"]
        row = loaded.attach("probe", "lo", {"netns": netns.name})
        assert row["target"]["mode"] == "generic"
        loaded.detach(row)


def test_xdp_programs_for_maps(counter, netns, unchanged, env):
    loaded = counter(("xdp/devmap", "probe", 2))
    with unchanged(env):
        assert "runs from a map" in loaded.refused("unfit", "probe", "veth0",
                                                   {"netns": netns.name})["message"]


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_tcx(env, example, netns, unchanged, direction):
    loaded = Loaded(env, example("tc_count"))
    options = {"netns": netns.name, direction: ""}
    with unchanged(env):
        row = loaded.attach("tc_count", "veth0", options)
        assert (row["type"], row["link_type"], row["attach_type"]) == (
            "tcx", "tcx", f"tcx_{direction}")
        assert row["target"]["direction"] == direction
        assert row["target_text"] == f"veth0 --{direction} --netns {netns.name}"
        assert row["order"] == [{"link_id": row["kernel_id"], "program_id": row["program_id"],
                                 "name": "tc_count"}]
        seen = lambda: {e["formatted"]["key"]: e["formatted"]["value"]["packets"] for e in  # noqa
                        bpftool("map", "dump", "pinned", loaded.maps["by_protocol"]["pin"])}
        netns.ping(2)
        first = seen()
        assert first[2048] >= 2
        netns.ping(2)
        assert seen()[2048] >= first[2048] + 2
        loaded.detach(row)
        last = seen()
        netns.ping(2)
        assert seen() == last
        loaded.detach(loaded.attach("tc_count", "veth0", options))


def test_tcx_order(counter, netns, env):
    loaded = counter(*(("tc", name, -1) for name in "abcdefg"))

    def attach(name, **order):
        row = loaded.attach(name, "veth0", {"netns": netns.name, "ingress": "", **order})
        rows[name] = row
        return "".join(entry["name"] for entry in row["order"])
    rows = {}
    assert attach("a") == "a"
    assert attach("b") == "ab"
    assert attach("c", first="") == "cab"
    assert attach("d", last="") == "cabd"
    assert attach("e", before=f"pin:{rows['b']['pinned_path']}") == "caebd"
    assert attach("f", after=f"link:{rows['a']['kernel_id']}") == "cafebd"
    assert attach("g", before=f"prog:{rows['d']['program_id']}") == "cafebgd"
    assert [e["link_id"] for e in rows["g"]["order"]] == [
        rows[name]["kernel_id"] for name in "cafebgd"]
    assert rows["g"]["target_text"] == f"veth0 --ingress --netns {netns.name}"
    loaded.detach(*rows.values())


def test_tcx_order_that_is_impossible(counter, netns, unchanged, env, cgroup):
    loaded = counter(("tc", "a", -1), ("tc", "b", -1), ("tc", "c", -1),
                     ("cgroup_skb/ingress", "elsewhere", 1))
    options = {"netns": netns.name, "ingress": ""}
    gone = loaded.attach("a", "veth0", options)
    loaded.detach(gone)
    here = loaded.attach("a", "veth0", options)
    other = loaded.attach("elsewhere", cgroup.path)
    on_egress = loaded.attach("b", "veth0", {"netns": netns.name, "egress": ""})
    with unchanged(env):
        for reference in (f"pin:{gone['pinned_path']}", f"link:{gone['kernel_id']}",
                          "prog:4294967295", f"pin:{on_egress['pinned_path']}"):
            for place in ("before", "after"):
                error = loaded.refused("no_anchor", "c", "veth0", {**options, place: reference})
                assert f"{reference}, which the order refers to, is not" in error["message"]
        for words, said in (({"first": "", "last": ""}, "exclude each other"),
                            ({"before": "link:1", "after": "link:2"}, "exclude each other"),
                            ({"before": "7"}, "refers to pin:PATH, link:ID or prog:ID"),
                            ({"before": "link:0"}, "has no kernel id"),
                            ({"before": "link:x"}, "has no kernel id"),
                            ({"before": ""}, "needs a value"),
                            ({"first": "yes"}, "takes no value"),
                            ({"egress": ""}, "exclude each other")):
            assert said in loaded.refused("unfit", "c", "veth0", {**options, **words})["message"]
        program = loaded.programs["a"]["pin"]
        assert "is not a link" in loaded.refused("unfit", "c", "veth0", {
            **options, "before": f"pin:{program}"})["message"]
        assert "already" in loaded.refused("hook_taken", "a", "veth0", options)["message"]
        error = loaded.refused("unfit", "c", "veth0", {"netns": netns.name})
        assert "needs a direction" in error["message"]
    loaded.detach(here, other, on_egress)


def test_names_that_are_not_there(counter, netns, unchanged, env):
    loaded = counter(("xdp", "probe", 2))
    os.mkfifo(env.dir / "fifo")
    env.file("plain")
    with unchanged(env):
        error = loaded.refused("no_target", "probe", "vteh0", {"netns": netns.name})
        assert error["message"] == (
            f"there is no interface 'vteh0' in network namespace '{netns.name}'")
        assert error["hint"] == "did you mean 'veth0'?" and error["code"] == "ENODEV"
        error = loaded.refused("no_target", "probe", "no\nsuch\033" + "x" * 300)
        assert error["message"].startswith(r"there is no interface 'no\x0asuch\x1bxx")
        error = loaded.refused("no_target", "probe", "veth0", {"netns": netns.name + "x"})
        assert "does not exist" in error["message"] and netns.name in error["hint"]
        error = loaded.refused("no_target", "probe", "veth0", {"netns": f"pid:{gone_pid()}"})
        assert "no such process" in error["message"]
        for wrong in ("pid:", "pid:-1", "pid:0", "pid:1x", "pid:99999999999"):
            error = loaded.refused("unfit", "probe", "veth0", {"netns": wrong}, stage="request")
            assert "wants the number of a process" in error["message"]
        for path in (env.dir, env.dir / "plain", env.dir / "fifo", "/dev/null",
                     "/proc/self/ns/mnt", "/proc/self/ns/user"):
            error = loaded.refused("bad_target", "probe", "veth0", {"netns": str(path)})
            assert error["message"] == f"{path} is no network namespace"
        assert "needs a target: an interface" in loaded.refused("unfit", "probe")["message"]


# ---- control groups ----

CGROUP_TYPES = [
    ("cgroup_skb/ingress", "cgroup_inet_ingress", {}),
    ("cgroup_skb/egress", "cgroup_inet_egress", {}),
    ("cgroup/skb", "cgroup_inet_ingress", {"ingress": ""}),
    ("cgroup/skb", "cgroup_inet_egress", {"egress": ""}),
    ("cgroup/sock_create", "cgroup_inet_sock_create", {}),
    ("cgroup/sock_release", "cgroup_inet_sock_release", {}),
    ("cgroup/post_bind4", "cgroup_inet4_post_bind", {}),
    ("cgroup/post_bind6", "cgroup_inet6_post_bind", {}),
    ("cgroup/bind4", "cgroup_inet4_bind", {}),
    ("cgroup/bind6", "cgroup_inet6_bind", {}),
    ("cgroup/connect4", "cgroup_inet4_connect", {}),
    ("cgroup/connect6", "cgroup_inet6_connect", {}),
    ("cgroup/connect_unix", "cgroup_unix_connect", {}),
    ("cgroup/sendmsg4", "cgroup_udp4_sendmsg", {}),
    ("cgroup/sendmsg6", "cgroup_udp6_sendmsg", {}),
    ("cgroup/sendmsg_unix", "cgroup_unix_sendmsg", {}),
    ("cgroup/recvmsg4", "cgroup_udp4_recvmsg", {}),
    ("cgroup/recvmsg6", "cgroup_udp6_recvmsg", {}),
    ("cgroup/recvmsg_unix", "cgroup_unix_recvmsg", {}),
    ("cgroup/getpeername4", "cgroup_inet4_getpeername", {}),
    ("cgroup/getpeername6", "cgroup_inet6_getpeername", {}),
    ("cgroup/getpeername_unix", "cgroup_unix_getpeername", {}),
    ("cgroup/getsockname4", "cgroup_inet4_getsockname", {}),
    ("cgroup/getsockname6", "cgroup_inet6_getsockname", {}),
    ("cgroup/getsockname_unix", "cgroup_unix_getsockname", {}),
    ("cgroup/dev", "cgroup_device", {}),
    ("cgroup/sysctl", "cgroup_sysctl", {}),
    ("cgroup/getsockopt", "cgroup_getsockopt", {}),
    ("cgroup/setsockopt", "cgroup_setsockopt", {}),
    ("sockops", "cgroup_sock_ops", {}),
]
# What makes each of them run, inside of the group.
SOCKETS = """
import socket, os, sys
host = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
for family in (socket.AF_INET, socket.AF_INET6):
    server = socket.socket(family)
    server.bind((host[family], 0))
    server.listen()
    client = socket.socket(family)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    client.connect(server.getsockname())
    client.getpeername()
    client.send(b"x")
    accepted, _ = server.accept()
    accepted.recv(1)
    for s in (accepted, client, server):
        s.close()
    receiver, sender = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((host[family], 0))
    sender.sendto(b"x", receiver.getsockname())
    receiver.recvfrom(1)
    sender.close(), receiver.close()
path = sys.argv[1]
server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
server.bind(path)
server.listen()
client.connect(path)
client.getpeername(), server.getsockname()
os.unlink(path)
one, two = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
one.bind(path)
two.sendto(b"x", path)
one.recvfrom(1)
os.unlink(path)
open("/dev/null").close()
open("/proc/sys/kernel/pid_max").read()
"""


@pytest.mark.parametrize("section, attach, options", CGROUP_TYPES,
                         ids=[f"{row[0]} {' '.join(row[2])}".strip() for row in CGROUP_TYPES])
def test_cgroup(counter, cgroup, unchanged, env, section, attach, options):
    loaded = counter((section, "probe", 1))
    script = env.file("sockets.py", SOCKETS)

    def act():
        cgroup.run("/usr/bin/python3", script, env.dir / "socket")
    with unchanged(env):
        row = loaded.attach("probe", cgroup.path, options or None)
        assert (row["type"], row["link_type"], row["attach_type"]) == ("cgroup", "cgroup", attach)
        assert row["target"] == {"path": str(cgroup.path), "attach_type": attach,
                                 "cgroup_id": str(os.stat(cgroup.path).st_ino)}
        assert row["target_text"] == " ".join([str(cgroup.path), *("--" + o for o in options)])
        assert [e["program_id"] for e in row["order"]] == [row["program_id"]]
        told = good(env, op="info", pin_path=row["pinned_path"])
        assert told["target"] == {"cgroup_id": row["target"]["cgroup_id"]}
        assert loaded.counts(act)
        loaded.detach(row)
        loaded.stops(act)
        loaded.detach(loaded.attach("probe", cgroup.path, options or None))


def test_cgroup_order(counter, cgroup, env):
    loaded = counter(*(("cgroup_skb/ingress", name, 1) for name in "abcd"))
    rows = [loaded.attach("a", cgroup.path), loaded.attach("b", cgroup.path)]
    assert [e["name"] for e in rows[1]["order"]] == ["a", "b"]
    answer = ask(env, **loaded.request("c", cgroup.path, {"first": ""}))
    if not answer["ok"]:
        assert answer["error"]["reason"] == "too_old"
        missing("this kernel knows no order in control groups")
    rows.append(answer["result"])
    assert [e["name"] for e in rows[2]["order"]] == ["c", "a", "b"]
    rows.append(loaded.attach("d", cgroup.path, {"after": f"pin:{rows[0]['pinned_path']}"}))
    assert [e["name"] for e in rows[3]["order"]] == ["c", "a", "d", "b"]
    loaded.detach(*rows)


def test_cgroups_that_are_none(counter, cgroup, unchanged, env):
    loaded = counter(("cgroup_skb/ingress", "probe", 1), ("cgroup/skb", "both", 1),
                     ("cgroup/dev", "device", 1))
    with unchanged(env):
        error = loaded.refused("no_target", "probe", str(cgroup.path)[:-1])
        assert "does not exist" in error["message"] and error["hint"] == (
            f"did you mean '{cgroup.path.name}'?")
        for path in (env.dir, "/", env.pins):
            error = loaded.refused("bad_target", "probe", path)
            assert error["message"] == f"{path} is not a directory of a cgroup2 file system"
        for path in (cgroup.path / "cgroup.procs", "/dev/null"):
            assert "Not a directory" in loaded.refused("bad_target", "probe", path)["message"]
        for name, options, said in (("both", None, "needs a direction"),
                                    ("probe", {"egress": ""}, "for the other direction"),
                                    ("device", {"egress": ""}, "for programs of type cgroup_skb")):
            assert said in loaded.refused("unfit", name, cgroup.path, options)["message"]
        error = loaded.refused("unfit", "probe", cgroup.path, {"netns": "x"})
        assert "does not take option 'netns'" in error["message"]
        assert error["hint"] == ("attach type cgroup takes the options ingress, egress, first, "
                                 "last, before, after")


def test_cgroup_that_allows_no_others(counter, cgroup, unchanged, env):
    loaded = counter(("cgroup_skb/ingress", "probe", 1), ("cgroup_skb/ingress", "other", 1))
    assert bpftool("cgroup", "attach", cgroup.path, "ingress", "pinned",
                   loaded.programs["other"]["pin"]) is not None
    try:
        with unchanged(env):
            assert "allows no others" in loaded.refused("hook_taken", "probe", cgroup.path)["message"]
    finally:
        bpftool("cgroup", "detach", cgroup.path, "ingress", "pinned",
                loaded.programs["other"]["pin"])


# ---- tracepoints ----


@pytest.mark.parametrize("target, text", [
    ("sched:sched_process_exec", "sched:sched_process_exec"),
    ("sched/sched_process_exec", "sched:sched_process_exec"),
    (None, "sched:sched_process_exit")])
def test_tracepoint(counter, tracefs, unchanged, env, target, text):
    loaded = counter(("tracepoint/sched/sched_process_exit", "probe", 0))
    with unchanged(env):
        row = loaded.attach("probe", target, {"cookie": "7"})
        assert (row["type"], row["link_type"], row["attach_type"]) == (
            "tracepoint", "perf_event", "perf_event")
        category, name = text.split(":")
        assert row["target"] == {"category": category, "name": name, "cookie": "7"}
        assert row["target_text"] == text + " --cookie 7"
        told = good(env, op="info", pin_path=row["pinned_path"])["target"]
        assert told in ({"name": name}, None), "Linux 6.6 and newer tell it"
        assert loaded.counts(lambda: subprocess.run(["true"], check=True))
        loaded.detach(row)
        before = loaded.counted()
        subprocess.run(["true"], check=True)
        assert loaded.counted() == before
        loaded.detach(loaded.attach("probe", target))


@pytest.mark.parametrize("target, hint", [
    ("sched:sched_swich", "did you mean 'sched:sched_switch'?"),
    ("shced:sched_switch", "did you mean 'sched:sched_switch'?"),
    ("sched_switch", "did you mean 'sched:sched_switch'?"),
    ("tasks:sched_switch", "did you mean 'sched:sched_switch'?"),
    ("zzzz:nothing_at_all", None), ("../sched:sched_switch", None),
    ("sched:", None), (":", None), ("sched:../irq", None), ("x" * 5000 + ":y", None)])
def test_tracepoints_that_are_not_there(counter, tracefs, unchanged, env, target, hint):
    loaded = counter(("tracepoint", "probe", 0))
    with unchanged(env):
        error = loaded.refused("no_target", "probe", target)
        assert error["message"].startswith("there is no tracepoint") and error["hint"] == hint


def test_tracepoint_whose_record_is_shorter(env, build_bpf, tracefs, unchanged):
    loaded = Loaded(env, build_bpf(counting().replace("char LICENSE", """
SEC("tracepoint") int probe(void *ctx) { return *(__u32 *)(ctx + 4000); }
char LICENSE""")))
    with unchanged(env):
        error = loaded.refused("unfit", "probe", "sched:sched_switch")
        assert "reads more than the record of tracepoint sched:sched_switch" in error["message"]


def test_without_tracefs(counter, tracefs, unchanged, env):
    loaded = counter(("tracepoint/sched/sched_switch", "probe", 0))
    hidden = ["unshare", "-m", "sh", "-c",
              'umount -l /sys/kernel/tracing; exec "$@"', "sh"]
    with unchanged(env):
        error = loaded.refused("no_tracefs", "probe", prefix=hidden)
        assert error["environment"] is True and "mount -t tracefs" in error["hint"]


# ---- the examples that count what the tests above do not ----


def values(loaded, name):
    """A map's contents: key, or its members' values, -> value."""
    def plain(key):
        return tuple(key.values()) if isinstance(key, dict) else key
    return {plain(e["formatted"]["key"]): e["formatted"]["value"]
            for e in bpftool("map", "dump", "pinned", loaded.maps[name]["pin"])}


def test_tcp_events(env, example, cgroup):
    loaded = Loaded(env, example("tcp_events"))
    row = loaded.attach("tcp_events", cgroup.path)
    script = env.file("sockets.py", SOCKETS)
    cgroup.run("/usr/bin/python3", script, env.dir / "socket")
    assert values(loaded, "tcp_connections") == {0: 2, 1: 2}, "IPv4 and IPv6"
    loaded.detach(row)


def test_netfilter_count(env, example, netns):
    loaded = Loaded(env, example("netfilter_count"))
    rows = [loaded.attach("netfilter_count", None, {"netns": netns.name, "hook": hook})
            for hook in ("input", "output")]
    netns.ping(3)
    seen = values(loaded, "packets_by_hook")
    assert set(seen) == {(1, 2), (3, 2)} and min(seen.values()) >= 3, seen
    loaded.detach(*rows)


def test_profile(env, example):
    loaded = Loaded(env, example("profile"))
    row = loaded.attach("profile", "cpu-clock", {"cpu": "0", "frequency": "999"})
    subprocess.run(["taskset", "-c", "0", "sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); "
                    "done"], check=True)
    assert values(loaded, "samples_by_command"), "somebody had the CPU"
    loaded.detach(row)
