# SPDX-License-Identifier: GPL-3.0-or-later
"""bpfman-kernel and requests to attach that must fail, are only resolved, or are killed halfway."""
import json
import os
import shutil
import subprocess

import pytest

from asking import ask, bad, good
from attaching import Loaded, counting, link, pin
from conftest import WORKER, missing
from helpers import bpftool, wait_for

NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}  # the sanitizer cannot look for them under strace
pytestmark = pytest.mark.usefixtures("need_bpf")


@pytest.fixture
def counter(env, build_bpf):
    """counter((section, name, value), ...): an object of counting programs, loaded."""
    return lambda *programs: Loaded(env, build_bpf(counting(*programs)))


# ---- what does not go together ----


def test_program_type_and_attach_type(counter, netns, unchanged, env):
    loaded = counter(("xdp", "packets", 2), ("raw_tp/sys_enter", "raw", 0), ("socket", "filter", 0),
                     ("kprobe/vfs_read", "kernel", 0), ("usdt/libc.so.6:libc:setjmp", "usdt", 0),
                     ("tracepoint/sched/sched_switch", "event", 0), ("kprobe.multi/vfs_*", "many", 0), ("uprobe.multi", "library", 0))
    with unchanged(env):
        for name, target, more, said, hint in (
                ("packets", "sched:sched_switch", {"type": "tracepoint"},
                 "attach type tracepoint is for programs of type tracepoint, this one is of type xdp",
                 None),
                ("event", "veth0", {"type": "xdp"},
                 "attach type xdp is for programs of type xdp, this one is of type tracepoint", None),
                ("packets", "veth0", {"type": "xpd"}, "attach type 'xpd' is unknown", "'xdp'"),
                ("packets", "veth0", {"type": "zzzzzz"}, "attach type 'zzzzzz' is unknown",
                 "there are xdp, tcx, cgroup"),
                ("filter", "veth0", {}, "programs of type socket_filter are not attached", "xdp"),
                ("usdt", None, {}, "are not attached by this worker", "uprobe"),
                ("kernel", "vfs_*", {}, "'vfs_*' is a pattern", "kprobe.multi"),
                ("kernel", "vfs_read+x", {}, "'x' is not an offset", None),
                ("kernel", "vfs_read+1", {"type": "kretprobe"}, "a return has no offset", None),
                ("kernel", "vfs_*", {"type": "kprobe.multi"}, "it was loaded for one function",
                 "type kprobe.multi"),
                ("kernel", "libc:*", {"type": "uprobe.multi"}, "it was loaded for one function",
                 "type uprobe.multi"),
                ("many", "vfs_read", {"type": "kprobe"}, "it was loaded for many functions",
                 "kprobe.multi"),
                ("library", "libc:mallo?+4", {}, "a pattern has no offset", None),
                ("library", "mallo?", {}, "is not LIBRARY:PATTERN", None),
                ("kernel", "vfs_read", {"section": ""}, "neither its type (kprobe) nor its section",
                 "kprobe, kretprobe, kprobe.multi"),
                ("kernel", "vfs_read", {"section": "mine"}, "neither its type (kprobe) nor its "
                 "section", "uprobe, uretprobe, uprobe.multi"),
                ("packets", "", {}, "needs a target: an interface", None)):
            error = loaded.refused("unfit", name, target, **more)
            assert said in error["message"], error
            assert hint is None or hint in error["hint"], error
        for options, said, hint in (
                ({"netsn": "x"}, "option 'netsn' is unknown", "did you mean 'netns'?"),
                ({"zzzzzzzz": "x"}, "is unknown", "xdp takes the options netns, mode"),
                ({"ingress": ""}, "does not take option 'ingress'", "the options netns, mode"),
                ({"mode": "fast"}, "'fast' is none of native, generic", None),
                ({"mode": "nativ"}, "'nativ' is none of", "did you mean 'native'?"),
                ({"mode": ""}, "needs a value", None)):
            error = loaded.refused("unfit", "packets", "veth0", options)
            assert said in error["message"] and (hint is None or hint in error["hint"]), error
        assert "takes no options" in loaded.refused("unfit", "raw", None, {"cookie": "1"})["hint"]


def test_targets_that_patterns_do_not_have(counter, unchanged, env, build_bpf):
    loaded = counter(("uprobe.multi", "library", 0), ("kprobe", "kernel", 0),
                     ("sk_msg", "message", 1), ("sk_skb", "stream", 1))
    with unchanged(env):
        error = loaded.refused("no_target", "library", "libc:no_such_*", resolve_only=True)
        assert "has no function that matches 'no_such_*'" in error["message"]
        assert "did you mean 'libc.so.6'" in loaded.refused(
            "no_target", "library", "libc.so.7:*")["hint"]
        runs = loaded.maps["runs"]["pin"]
        for name in ("message", "stream"):
            more = {} if name == "message" else {"attach_type": "sk_skb_verdict"}
            error = loaded.refused("bad_target", name, runs, **more)
            assert "is not a map of type sockmap or sockhash" in error["message"]
        error = loaded.refused("unfit", "stream", runs, attach_type=None)
        assert "does not say whether it parses or judges" in error["message"]
        answer = env.worker([{k: v for k, v in loaded.request(
            "kernel", "do_sys_openat3", resolve_only=True).items() if v is not None}])[0]
        if os.path.exists("/sys/bus/event_source/devices/kprobe"):
            assert answer["error"]["reason"] == "no_target", answer
            assert "did you mean 'do_sys_openat2'" in answer["error"]["hint"]
        else:
            assert answer["error"]["reason"] == "too_old", answer
            assert "CONFIG_KPROBE_EVENTS" in answer["error"]["hint"]


def test_type_by_hand(counter, tracefs, env, build_bpf):
    """A section that says nothing: the type is asked for, and part of the text."""
    path = build_bpf(counting(("mine", "probe", 0)))
    loaded = Loaded(env, path, types={"probe": "uprobe"})
    row = loaded.attach("probe", "libc:setlocale", type="uretprobe")
    assert row["type"] == "uretprobe" and row["target_text"].endswith(":setlocale --type uretprobe")
    loaded.detach(row)


def test_attach_type_of_the_request_counts(env, build_bpf, cgroup):
    loaded = Loaded(env, build_bpf(counting(("mine", "probe", 1))),
                    types={"probe": "cgroup/connect4"})
    row = loaded.attach("probe", cgroup.path)
    assert row["attach_type"] == "cgroup_inet4_connect"
    loaded.detach(row)
    error = loaded.refused("unfit", "probe", cgroup.path, attach_type=None)
    assert "section 'mine' does not say the attach type" in error["message"]
    loaded.refused("request", "probe", cgroup.path, attach_type="cgroup_inet4", stage="request")


def test_paths_of_the_link(counter, netns, unchanged, env, build_bpf):
    loaded = counter(("xdp", "probe", 2))
    options = {"netns": netns.name}
    here = f"{env.root}/3"
    with unchanged(env):
        for stage, reason, fields, said in (
                ("request", "request", {"staging": None}, "'staging' is needed"),
                ("request", "request", {"final": None}, "'final' is needed"),
                ("request", "request", {"final": f"{env.root}/s101"}, "must differ"),
                ("pin", "pin_taken", {"final": loaded.programs["probe"]["pin"]}, "exists already"),
                ("pin", "pin_taken", {"staging": here}, "exists already"),
                ("pin", "bad_path", {"final": f"{env.root}/9/l1"}, "does not exist"),
                ("pin", "bad_path", {"staging": f"{env.root}/9/l1"}, "does not exist"),
                ("pin", "bad_name", {"final": f"{here}/l.1"}, "dot"),
                ("pin", "bad_name", {"staging": "s1"}, "must be absolute"),
                ("pin", "not_bpffs", {"staging": f"{env.dir}/s1"}, "not in a BPF file system"),
                ("pin", "other", {"program_pin": f"{here}/none"}, "does not exist"),
                ("pin", "bad_path", {"program_pin": here}, "is a directory"),
                ("pin", "bad_path", {"program_pin": loaded.maps["runs"]["pin"]}, "not a program")):
            error = bad(env, stage, reason, **loaded.request("probe", "veth0", options, 101, **fields))
            assert said in error["message"], error
            assert error["environment"] == (reason == "not_bpffs")


# ---- resolving only ----


def test_resolving_changes_nothing(counter, netns, cgroup, tracefs, unchanged, env):
    loaded = counter(("xdp", "on_xdp", 2), ("tc", "on_tc", -1), ("cgroup/dev", "dev", 1),
                     ("tracepoint/sched/sched_switch", "tp", 0), ("raw_tp/sched_switch", "raw", 0),
                     ("tp_btf/sched_switch", "btf", 0), ("uprobe/libc:setlocale", "up", 0),
                     ("perf_event", "perf", 0), ("sk_lookup", "sk", 1), ("netfilter", "nf", 1),
                     ("iter/task", "iter", 0))
    net = {"netns": netns.name}
    cases = [("on_xdp", "veth0", net), ("on_tc", "veth0", {**net, "egress": ""}),
             ("dev", cgroup.path, None), ("tp", None, None), ("raw", None, None),
             ("btf", None, None), ("up", None, None), ("perf", "cpu-clock", {"cpu": "0"}),
             ("sk", None, net), ("nf", None, {**net, "hook": "input", "priority": "-5"}),
             ("iter", None, None)]
    for name, target, options in cases:
        with unchanged(env):
            answer = ask(env, **loaded.request(name, target, options, staging=None, final=None,
                                               resolve_only=True))
        assert answer["ok"], answer
        resolved = answer["result"]
        row = loaded.attach(name, target, options)
        for key in ("type", "attach_type", "program_id", "target", "target_text"):
            assert resolved[key] == row[key], (name, key)
        assert [resolved[key] for key in ("kernel_id", "link_type", "pinned_path", "pin_dev",
                                          "pin_ino", "order")] == 6 * [None]
        # Its words mean the same again.
        words = row["target_text"].split()
        options, target, i = {}, None, 0
        while i < len(words):
            if words[i] in ("--ingress", "--egress"):
                options[words[i][2:]] = ""
            elif words[i].startswith("--"):
                options[words[i][2:]] = words[i + 1]
                i += 1
            else:
                target = words[i]
            i += 1
        target = None if name == "iter" else target
        again = ask(env, **loaded.request(name, target, options, resolve_only=True))["result"]
        assert again["target"] == row["target"] and again["target_text"] == row["target_text"]
        loaded.detach(row)


# ---- the network namespace as a whole ----


@pytest.mark.parametrize("inside", [False, True])
def test_sk_lookup(env, example, netns, unchanged, inside):
    loaded = Loaded(env, example("sk_steer"))
    options, prefix = (None, netns.prefix) if inside else ({"netns": netns.name}, [])

    def connect():
        subprocess.run([*netns.peer.prefix, "/usr/bin/python3", "-c",
                        "import socket, sys\nfor port in range(7000, 7003):\n"
                        " socket.socket().connect_ex((sys.argv[1], port))", netns.address],
                       check=True)

    def lookups():
        [entry] = bpftool("map", "dump", "pinned", loaded.maps[".bss"]["pin"])
        return entry["formatted"]["value"][".bss"][0]["lookups"]
    with unchanged(env):
        row = loaded.attach("sk_steer", None, options, prefix=prefix)
        assert (row["type"], row["link_type"], row["attach_type"]) == (
            "sk_lookup", "netns", "sk_lookup")
        status = os.stat(netns.path)
        assert row["target"] == {"netns": None if inside else netns.path,
                                 "netns_dev": str(status.st_dev), "netns_ino": str(status.st_ino),
                                 "netns_cookie": netns.cookie()}
        assert row["target_text"] == ("" if inside else f"--netns {netns.name}")
        told = good(env, op="info", pin_path=row["pinned_path"])
        assert told["target"] == {"netns_ino": str(status.st_ino)}
        before = lookups()
        connect()
        assert lookups() >= before + 3
        loaded.detach(row)
        before = lookups()
        connect()
        assert lookups() == before
        loaded.detach(loaded.attach("sk_steer", None, options, prefix=prefix))
        assert "takes no target" in loaded.refused("unfit", "sk_steer", "veth0")["message"]


@pytest.mark.parametrize("family, hook, priority", [
    ("ipv4", "input", None), ("ipv4", "prerouting", "-2147483647"), ("ipv4", "output", "5"),
    ("ipv6", "input", "2147483646")])
def test_netfilter(counter, netns, unchanged, env, family, hook, priority):
    loaded = counter(("netfilter", "probe", 1), ("netfilter", "other", 1))
    options = {"netns": netns.name, "hook": hook, "family": family}
    if priority:
        options["priority"] = priority
    elif family == "ipv4":
        del options["family"]

    def traffic():
        if family == "ipv4":
            netns.ping(2)
        else:
            netns.run("ping", "-q", "-c", 1, "::1")
    with unchanged(env):
        row = loaded.attach("probe", None, options)
        assert row["type"] == row["link_type"] == row["attach_type"] == "netfilter"
        place = {"family": family, "hook": hook, "priority": int(priority or 0)}
        assert place.items() <= row["target"].items()
        assert row["target_text"] == (f"--family {family} --hook {hook} --priority "
                                      f"{priority or 0} --netns {netns.name}")
        assert good(env, op="info", pin_path=row["pinned_path"])["target"] == place
        assert loaded.counts(traffic)
        error = loaded.refused("hook_taken", "other", None, options)
        assert f"has priority {priority or 0} there" in error["message"]
        loaded.detach(row)
        loaded.stops(traffic)
        loaded.detach(loaded.attach("other", None, options))


def test_netfilter_hooks_that_are_none(counter, netns, unchanged, env):
    loaded = counter(("netfilter", "probe", 1))
    with unchanged(env):
        for options, said in (({}, "needs option 'hook'"),
                              ({"hook": "ingress"}, "'ingress' is none of prerouting, input"),
                              ({"hook": "input", "family": "arp"}, "'arp' is none of ipv4, ipv6"),
                              ({"hook": "input", "priority": "-2147483648"}, "not a number from"),
                              ({"hook": "input", "priority": "2147483647"}, "not a number from"),
                              ({"hook": "input", "priority": "high"}, "not a number from"),
                              ({"hook": "input", "priority": " 1"}, "not a number from"),
                              ({"hook": "input", "priority": "9" * 30}, "not a number from")):
            error = loaded.refused("unfit", "probe", None, {"netns": netns.name, **options})
            assert said in error["message"], error


# ---- targets that go away ----


def test_target_gone(counter, netns, cgroup, env):
    """The kernel tells that interface, namespace and group are gone; the link is there still."""
    loaded = counter(("xdp", "on_xdp", 2), ("tc", "on_tc", -1), ("cgroup/dev", "dev", 1),
                     ("sk_lookup", "sk", 1))
    below = cgroup.path / "below"
    below.mkdir()
    net = {"netns": netns.name}
    rows = [loaded.attach("on_xdp", "veth0", net), loaded.attach("on_tc", "veth0", {**net, "ingress": ""}),
            loaded.attach("dev", below), loaded.attach("sk", None, net)]
    netns.run("ip", "link", "del", "veth0")
    below.rmdir()
    for end in (netns, netns.peer):
        subprocess.run(["ip", "netns", "del", end.name], check=True)

    def told(row):
        return good(env, op="info", pin_path=row["pinned_path"])
    for row in rows:
        wait_for(lambda: told(row)["target_gone"], f"end of {row['target']}")
        assert told(row)["program_id"] == row["program_id"]
    loaded.detach(*rows)


# ---- detaching ----


def test_unpin_looks_before_it_detaches(counter, netns, unchanged, env):
    loaded = counter(("xdp", "probe", 2))
    row = loaded.attach("probe", "veth0", {"netns": netns.name})
    with unchanged(env):
        for wrong in ({"pin_ino": "1"}, {"pin_dev": "1"}, {"path": f"{env.root}/3"}):
            result = good(env, op="unpin", links=[{**pin(row), **wrong}])
            assert result["removed"] == [] and len(result["kept"]) == 1
        assert loaded.counts(netns.ping)
    assert good(env, op="unpin", links=[{"path": row["pinned_path"] + "x", "pin_dev": "",
                                         "pin_ino": ""}]) == {"removed": [], "kept": [], "held": []}
    loaded.detach(row)
    assert good(env, op="unpin", links=[pin(row)]) == {"removed": [], "kept": [], "held": []}


def test_directories_detach_their_links(counter, netns, tracefs, env):
    loaded = counter(("xdp", "on_xdp", 2), ("tracepoint/sched/sched_process_exec", "tp", 0))
    rows = [loaded.attach("on_xdp", "veth0", {"netns": netns.name}), loaded.attach("tp")]
    kept = env.pins / "map"
    os.link(loaded.maps["runs"]["pin"], kept)
    loaded.maps["runs"]["pin"] = str(kept)
    # A program that holds the link's program open: only the links end.
    result = good(env, op="unpin", dirs=[f"{env.root}/3"])
    assert {row["pinned_path"] for row in rows} <= set(result["removed"])
    assert result["kept"] == result["held"] == [] and not os.path.exists(f"{env.root}/3")
    assert link(rows[1]) is None
    loaded.stops(netns.ping)
    before = loaded.counted()
    subprocess.run(["true"], check=True)
    assert loaded.counted() == before


def test_link_that_somebody_else_holds(counter, netns, tracefs, env):
    loaded = counter(("xdp", "on_xdp", 2), ("tracepoint/sched/sched_process_exec", "tp", 0))
    rows = [loaded.attach("on_xdp", "veth0", {"netns": netns.name}), loaded.attach("tp")]
    for i, row in enumerate(rows):
        os.link(row["pinned_path"], env.pins / f"second{i}")
    result = good(env, op="unpin", links=[pin(row) for row in rows])
    assert result["removed"] == [row["pinned_path"] for row in rows] and result["kept"] == []
    assert result["held"] == [rows[1]["pinned_path"]], "one is detached, the other cannot be"
    assert not loaded.counts(netns.ping) or link(rows[1])
    os.unlink(env.pins / "second0")
    os.unlink(env.pins / "second1")


# ---- privileges ----


def without(*capabilities, uid=0):
    drop = ",".join("-" + name for name in capabilities)
    return ["setpriv", f"--reuid={uid}", f"--inh-caps={drop}", f"--bounding-set={drop}"]


@pytest.mark.parametrize("section, target, options, drop", [
    ("cgroup_skb/ingress", "CGROUP", {}, "net_admin"),
    ("tracepoint/sched/sched_switch", None, {}, "perfmon"),
    ("perf_event", "cpu-clock", {"cpu": "0"}, "perfmon"),
    ("uprobe/libc:setlocale", None, {}, "perfmon")],
    ids=["cgroup", "tracepoint", "perf_event", "uprobe"])
def test_missing_capability(counter, netns, cgroup, tracefs, unchanged, env, section, target,
                            options, drop):
    """Linux 6.18 asks for none where an interface or netfilter is attached to."""
    loaded = counter((section, "probe", 1))
    target = cgroup.path if target == "CGROUP" else target
    prefix = [*netns.prefix, *without("sys_admin", drop)]
    with unchanged(env):
        error = loaded.refused("capability", "probe", target, options or None, prefix=prefix)
        assert f"CAP_{drop.upper()}" in error["message"], error
        assert error["environment"] is True and "run as root" in error["hint"]


def test_entering_a_namespace_needs_a_capability(counter, netns, unchanged, env):
    loaded = counter(("xdp", "probe", 2))
    with unchanged(env):
        error = loaded.refused("capability", "probe", "veth0", {"netns": netns.name},
                               prefix=without("sys_admin"))
        assert "cannot enter it: CAP_SYS_ADMIN is missing" in error["message"]


def test_tracefs_that_may_not_be_read(counter, tracefs, unchanged, env):
    loaded = counter(("tracepoint/sched/sched_switch", "probe", 0))
    if os.stat(tracefs).st_mode & 0o005:
        missing("everybody may read tracefs here")
    for path in (env.pins, env.root, env.root / "3"):
        path.chmod(0o777)
    os.chown(loaded.programs["probe"]["pin"], 65534, 65534)
    keep = "+bpf,+perfmon"
    prefix = ["setpriv", "--reuid=65534", "--clear-groups", f"--bounding-set=-all,{keep}",
              f"--inh-caps=-all,{keep}", f"--ambient-caps=-all,{keep}"]
    with unchanged(env):
        error = loaded.refused("capability", "probe", prefix=prefix)
        assert "CAP_DAC_READ_SEARCH" in error["message"]


# ---- kernels that are too old: what they answer, put into the worker's mouth ----


@pytest.mark.parametrize("section, target, options, since", [
    ("tc", "veth0", {"ingress": ""}, "6.6"), ("netfilter", None, {"hook": "input"}, "6.4"),
    ("tracepoint/sched/sched_switch", None, {}, "5.15")], ids=["tcx", "netfilter", "perf"])
def test_kernel_too_old(counter, netns, tracefs, unchanged, env, section, target, options, since):
    if not shutil.which("strace"):
        missing("no strace")
    loaded = counter((section, "probe", -1 if section == "tc" else 1 if target is None else 0))
    request = json.dumps({k: v for k, v in loaded.request("probe", target, options).items() if v})
    # BPF_OBJ_GET and BPF_OBJ_GET_INFO_BY_FD of the program come first; all later calls fail.
    with unchanged(env):
        answers = env.worker([request], env=NO_LEAKS, prefix=[
            *netns.prefix, "strace", "-f", "-qq", "-e", "trace=bpf", "-o", "/dev/null",
            "-e", "inject=bpf:error=EINVAL:when=3+"])
        error = answers[0]["error"]
        assert (error["stage"], error["reason"]) == ("attach", "too_old"), error
        assert os.uname().release in error["message"] and since in error["hint"]


# ---- failures on the way, and killed halfway ----


@pytest.mark.parametrize("section, target, options, calls", [
    ("xdp", "veth0", {}, ["bpf", "renameat2", "clone,clone3", "setns", "newfstatat", "openat2"]),
    ("tracepoint/sched/sched_switch", None, None, ["bpf", "perf_event_open", "ioctl", "renameat2"]),
], ids=["xdp", "tracepoint"])
def test_attaching_that_fails_anywhere_leaves_nothing(counter, netns, tracefs, unchanged, env,
                                                      section, target, options, calls):
    """Every call of a kind fails once, at each of its places, until there is no failure."""
    if not shutil.which("strace"):
        missing("no strace")
    loaded = counter((section, "probe", 2 if target else 0))
    options = options if options is None else {"netns": netns.name}
    request = {k: v for k, v in loaded.request("probe", target, options).items() if v is not None}
    for call in calls:
        failures = 0
        for number in range(1, 60):
            trace = env.dir / "trace"
            with unchanged(env):
                answers = env.worker(
                    [request], check=False, env=NO_LEAKS,
                    prefix=["strace", "-f", "-o", trace, "-e", f"trace={call}",
                            "-e", f"inject={call}:error=EIO:when={number}"])
                injected = "(INJECTED)" in trace.read_text(encoding="utf-8")
                trace.unlink()
                if answers.result.status == 127 and injected:
                    continue  # the dynamic loader's own
                [answer] = answers
                if answer["ok"]:
                    loaded.detach(answer["result"])
                else:
                    assert "left behind" not in json.dumps(answer), answer
                    failures += 1
            if not injected:
                break
        assert not injected and failures > 0, call


def test_killed_at_each_system_call(counter, netns, env):
    """Whatever call is the last: afterwards a pin in staging, the final pin, or nothing."""
    if not shutil.which("strace"):
        missing("no strace")
    loaded = counter(("xdp", "probe", 2))
    request = loaded.request("probe", "veth0", {"netns": netns.name})
    seen = set()
    for call in ("bpf", "socketpair", "sendmsg", "recvmsg", "wait4", "renameat2", "write"):
        for number in range(1, 30):
            process = subprocess.run(
                ["strace", "-f", "-qq", "-e", f"trace={call}", "-o", "/dev/null",
                 "-e", f"inject={call}:signal=KILL:when={number}", WORKER],
                input=json.dumps(request) + "\n", text=True, capture_output=True, timeout=60,
                env=env.variables(NO_LEAKS))
            answered = '"ok":true' in process.stdout
            left = [path for path in (request["staging"], request["final"]) if os.path.exists(path)]
            seen.add((call, tuple(map(os.path.basename, left))))
            assert len(left) <= 1
            if answered:
                assert left == [request["final"]]
            wait_for(lambda: not env.processes(), "the end of the child")
            good(env, op="unpin", links=[{"path": path, "pin_dev": "", "pin_ino": ""}
                                         for path in (request["staging"], request["final"])])
            xdp = netns.run("ip", "-d", "link", "show", "veth0", text=True).stdout
            assert "prog/xdp" not in xdp
            if answered:
                break
    assert ("renameat2", (os.path.basename(request["staging"]),)) in seen
    assert {left for _, left in seen} == {(), (os.path.basename(request["staging"]),),
                                          (os.path.basename(request["final"]),)}
