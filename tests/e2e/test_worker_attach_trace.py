# SPDX-License-Identifier: GPL-3.0-or-later
"""bpfman-kernel attaches to what the kernel and programs do: raw tracepoints, functions, events."""
import os
import random
import re
import shutil
import subprocess

import pytest

from asking import HEAD, LICENSE, bad, good, source
from attaching import COUNTER, Loaded, counting, gone_pid
from conftest import missing
from helpers import bpftool

pytestmark = pytest.mark.usefixtures("need_bpf")


@pytest.fixture
def counter(env, build_bpf):
    """counter((section, name, value), ...): an object of counting programs, loaded."""
    return lambda *programs: Loaded(env, build_bpf(counting(*programs)))


def run_true():
    subprocess.run(["true"], check=True)


# ---- raw tracepoints, and those with types ----


@pytest.mark.parametrize("section, target, name, kind", [
    ("raw_tp/sched_process_exec", None, "sched_process_exec", "raw_tp"),
    ("raw_tracepoint/sys_enter", "sched_process_exit", "sched_process_exit", "raw_tp"),
    ("raw_tp", "sys_enter", "sys_enter", "raw_tp"),
    ("raw_tracepoint.w/sched_process_fork", None, "sched_process_fork", "raw_tp"),
    ("tp_btf/sched_process_exec", None, "sched_process_exec", "tp_btf"),
    ("tp_btf/sched_process_exit", "sched_process_exit", "sched_process_exit", "tp_btf")])
def test_raw_tracepoint(counter, unchanged, env, section, target, name, kind):
    loaded = counter((section, "probe", 0))
    with unchanged(env):
        row = loaded.attach("probe", target)
        assert (row["type"], row["link_type"]) == (kind, "raw_tracepoint")
        assert row["attach_type"] == ("trace_raw_tp" if kind == "tp_btf" else None)
        assert row["target"] == {"name": name} and row["target_text"] == name
        assert good(env, op="info", pin_path=row["pinned_path"])["target"] == {"name": name}
        assert loaded.counts(run_true)
        loaded.detach(row)
        loaded.stops(run_true)
        loaded.detach(loaded.attach("probe", target))


def test_raw_tracepoints_that_are_not_there(counter, unchanged, env, build_bpf):
    loaded = counter(("raw_tp", "probe", 0), ("tp_btf/sched_switch", "fixed", 0))
    with unchanged(env):
        for resolve_only in (False, True):
            error = loaded.refused("no_target", "probe", "sched_swich", resolve_only=resolve_only)
            assert error["message"] == "there is no tracepoint 'sched_swich'"
            assert error["hint"] == "did you mean 'sched_switch'?"
        assert loaded.refused("no_target", "probe", "x" * 4000)["hint"] is None
        assert "needs a target" in loaded.refused("unfit", "probe")["message"]
        assert "loaded for tracepoint sched_switch" in loaded.refused(
            "unfit", "fixed", "sched_wakeup")["message"]


def test_raw_tracepoint_with_fewer_arguments(env, build_bpf, unchanged):
    loaded = Loaded(env, build_bpf(source(
        'SEC("raw_tp") int probe(struct bpf_raw_tracepoint_args *ctx) '
        '{ return ctx->args[9] != 0; }\n')))
    with unchanged(env):
        assert "reads more arguments than tracepoint sched_switch has" in loaded.refused(
            "unfit", "probe", "sched_switch")["message"]


# ---- functions ----

LIBRARY = """
__attribute__((noinline)) int visited(int n) { asm volatile(""); return n + 1; }
__attribute__((noinline)) int visitor(int n) { asm volatile(""); return visited(n) + 1; }
static int (*choose(void))(int) { return visited; }
int chosen(int n) __attribute__((ifunc("choose")));
int data = 1;
"""
CALLER = """
#include <stdlib.h>
#include <unistd.h>
int visited(int n);
int main(int argc, char **argv)
{
	char c;

	if (argc > 1)
		while (read(0, &c, 1) == 1) {
			visited(c);
			if (write(1, &c, 1) != 1)
				return 1;
		}
	for (int i = 0; argc == 1 && i < 5; i++)
		visited(i);
	return 0;
}
"""


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    """A library with a function visited(), and a program that calls it five times."""
    top = tmp_path_factory.mktemp("li:b")
    for name, text, flags in (("libvisit.so.1", LIBRARY, ["-shared", "-fPIC",
                                                          "-Wl,--build-id=0x0123456789abcdef"]),
                              ("caller", CALLER, ["-Wl,--build-id"])):
        (top / "x.c").write_text(text, encoding="ascii")
        linked = [top / "libvisit.so.1"] if name == "caller" else []
        subprocess.run(["cc", "-O1", top / "x.c", *linked, *flags, "-o", top / name,
                        f"-Wl,-rpath,{top}"], check=True)
    os.chmod(top, 0o755)
    return top


def build_id_of(path):
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True)
    return re.search("Build ID: ([0-9a-f]+)", notes.stdout)[1]


@pytest.mark.parametrize("kind", ["uprobe", "uretprobe"])
@pytest.mark.parametrize("in_section", [False, True])
def test_uprobe(counter, binaries, unchanged, env, kind, in_section):
    library = binaries / "libvisit.so.1"
    section = f"{kind}/{library}:visited" if in_section else kind
    loaded = counter((section, "probe", 0))

    def call():
        subprocess.run([binaries / "caller"], check=True)
    with unchanged(env):
        target = None if in_section else f"{library}:visited"
        row = loaded.attach("probe", target, {"cookie": "18446744073709551615"})
        assert (row["type"], row["link_type"], row["attach_type"]) == (
            kind, "perf_event", "perf_event")
        assert row["target"] == {
            "binary": str(library), "function": "visited", "offset": 0, "pid": None,
            "build_id": "0123456789abcdef", "cookie": "18446744073709551615"}
        assert row["target_text"] == f"{library}:visited --cookie 18446744073709551615"
        told = good(env, op="info", pin_path=row["pinned_path"])["target"]
        assert told is None or told["binary"] == str(library), "Linux 6.6 and newer tell it"
        assert loaded.counts(call, least=5)
        loaded.detach(row)
        loaded.stops(call)
        loaded.detach(loaded.attach("probe", target))


def test_uprobe_of_one_process(counter, binaries, unchanged, env):
    loaded = counter(("uprobe", "probe", 0))
    library = binaries / "libvisit.so.1"
    mine, other = (subprocess.Popen([binaries / "caller", "listen"], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE) for _ in range(2))

    def call(process):
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x"
    try:
        with unchanged(env):
            row = loaded.attach("probe", f"{library}:visited", {"pid": str(mine.pid)})
            assert row["target"]["pid"] == mine.pid
            assert row["target_text"] == f"{library}:visited --pid {mine.pid}"
            assert not loaded.counts(lambda: call(other))
            assert loaded.counts(lambda: call(mine))
            loaded.detach(row)
            loaded.stops(lambda: call(mine))
    finally:
        for process in (mine, other):
            process.communicate()


def test_uprobe_at_an_offset(counter, binaries, unchanged, env):
    loaded = counter(("uprobe", "probe", 0))
    library = binaries / "libvisit.so.1"
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], check=True,
                             capture_output=True, text=True).stdout
    body = listing.split("<visited>:\n")[1].split("\n\n")[0]
    first, second = (int(line.split(":")[0], 16) for line in body.splitlines()[:2])
    for text in (f"{second - first}", f"0x{second - first:x}"):
        with unchanged(env):
            row = loaded.attach("probe", f"{library}:visited+{text}")
            assert row["target"]["offset"] == second - first
            assert row["target_text"] == f"{library}:visited+0x{second - first:x}"
            assert loaded.counts(lambda: subprocess.run([binaries / "caller"], check=True), least=5)
            loaded.detach(row)


@pytest.mark.parametrize("name", ["libc", "libc.so.6", "/lib/../lib/{}/libc.so.6"])
def test_library_by_its_name(counter, unchanged, env, name):
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True,
                            env={"PATH": "/usr/sbin:/sbin"}).stdout
    found = re.search(r"libc\.so\.6 \(libc6,(?:x86-64|AArch64).*=> (.*)", listed)
    if not found:
        missing("no C library in the dynamic linker's cache")
    loaded = counter(("uprobe", "probe", 0))
    path = os.path.realpath(found[1])
    with unchanged(env):
        row = loaded.attach("probe", name.format(found[1].split("/")[-2]) + ":setlocale")
        assert row["target"]["binary"] == path
        assert row["target"]["build_id"] == build_id_of(path)
        assert row["target_text"] == f"{path}:setlocale"
        assert loaded.counts(lambda: subprocess.run(["ls", "/"], check=True, capture_output=True))
        loaded.detach(row)


def test_program_by_its_name(counter, unchanged, env):
    loaded = counter(("uretprobe", "probe", 0))
    with unchanged(env):
        error = loaded.refused("no_target", "probe", "true:nothing_of_this_name")
        path = os.path.realpath(shutil.which("true", path="/usr/bin"))
        assert error["message"] == f"{path} has no function 'nothing_of_this_name'"


def test_functions_that_are_not_there(counter, binaries, unchanged, env):
    loaded = counter(("uprobe", "probe", 0), ("uretprobe", "returns", 0))
    library = binaries / "libvisit.so.1"
    (binaries / "text").write_text("no ELF file", encoding="ascii")
    (binaries / "cut").write_bytes(library.read_bytes()[:3000])
    subprocess.run(["strip", "-o", binaries / "stripped", "--remove-section=.dynsym",
                    binaries / "caller"], check=True)
    cases = [
        ("no_target", "probe", f"{library}:visitd", "has no function 'visitd'", "'visited'"),
        ("no_target", "probe", f"{library}:data", "has no function 'data'", None),
        ("no_target", "probe", f"{binaries}/libvisit.so.2:visited", "does not exist",
         "libvisit.so.1"),
        ("no_target", "probe", "libvisits:visited", "no library or program", "path"),
        ("no_target", "probe", "libcc.so.6:malloc", "no library or program", "'libc.so.6'"),
        ("no_target", "probe", f"{library}:visited", "no process with pid", None),
        ("unfit", "probe", f"{library}:chosen", "chosen at run time (IFUNC)", "this machine runs"),
        ("unfit", "probe", f"{library}:visited+1000", "beyond 'visited', which has", None),
        ("unfit", "probe", f"{library}:visited+x", "'x' is not an offset", None),
        ("unfit", "probe", f"{library}:visited+0x", "'0x' is not an offset", None),
        ("unfit", "probe", f"{library}:visited+-1", "'-1' is not an offset", None),
        ("unfit", "returns", f"{library}:visited+1", "a return has no offset", None),
        ("unfit", "probe", "libc", "is not LIBRARY:FUNCTION[+OFFSET]", None),
        ("unfit", "probe", "libc:", "is not LIBRARY:FUNCTION", None),
        ("unfit", "probe", ":malloc", "is not LIBRARY:FUNCTION", None),
        ("unfit", "probe", None, "needs a target: LIBRARY:FUNCTION[+OFFSET]", None),
        ("bad_target", "probe", f"{binaries}/text:main", "is not an ELF file", None),
        ("bad_target", "probe", f"{binaries}:main", "is not a file", None),
        ("bad_target", "probe", "/dev/null:main", "is not a file", None),
        ("no_target", "probe", f"{binaries}/cut:visited", "has no function", None),
        ("no_target", "probe", f"{binaries}/stripped:main", "has no function", None),
    ]
    with unchanged(env):
        for reason, name, target, said, hint in cases:
            options = {"pid": str(gone_pid())} if "pid" in said else None
            error = loaded.refused(reason, name, target, options)
            assert said in error["message"], error
            assert hint is None or hint in error["hint"], error
        for pid, said in (("0", "0 is no process"), ("x", "not a number"), ("-1", "not a number"),
                          ("4294967296", "not a number from 0 to 2147483647")):
            error = loaded.refused("unfit", "probe", f"{library}:visited", {"pid": pid})
            assert said in error["message"]


def test_damaged_binaries(counter, binaries, env):
    """Whatever a file holds, there is an answer."""
    loaded = counter(("uprobe", "probe", 0))
    whole = pathlib_bytes(binaries / "libvisit.so.1")
    chance = random.Random(7)
    requests = []
    for number in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 4, 16))):
            # The headers at the beginning and the section table at the end, more often than not.
            at = chance.choice((chance.randrange(0, 1024), chance.randrange(len(whole)),
                                chance.randrange(len(whole) - 2048, len(whole))))
            damaged[at] = chance.choice((0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)))
        if number % 10 == 0:
            del damaged[chance.randrange(len(whole)):]
        path = env.file(f"damaged{number}", bytes(damaged))
        requests.append({k: v for k, v in loaded.request(
            "probe", f"{path}:visited", resolve_only=True).items() if v is not None})
    answers = env.worker(requests)
    assert len(answers) == len(requests)
    told = {a["error"]["reason"] if not a["ok"] else "ok" for a in answers}
    assert {"ok", "bad_target", "no_target"} <= told <= {"ok", "bad_target", "no_target", "unfit"}


def pathlib_bytes(path):
    with open(path, "rb") as file:
        return file.read()


# ---- events ----


@pytest.mark.parametrize("event, options, rate", [
    ("cpu-clock", {}, {"frequency": "99", "period": None}),
    ("cpu-clock", {"frequency": "1000"}, {"frequency": "1000", "period": None}),
    ("cpu-clock", {"period": "1000000"}, {"frequency": None, "period": "1000000"}),
    ("page-faults", {}, {"frequency": None, "period": "1"}),
    ("context-switches", {"period": "2"}, {"frequency": None, "period": "2"})])
def test_perf_event(counter, unchanged, env, event, options, rate):
    loaded = counter(("perf_event", "probe", 0))

    def work():
        end = 'import time; end = time.monotonic() + .2; x = []\n' \
              'while time.monotonic() < end: x.append(bytearray(100000)); time.sleep(0 if ' \
              'len(x) % 50 else .001)\n'
        subprocess.run(["taskset", "-c", "0", "python3", "-c", end], check=True)
    with unchanged(env):
        row = loaded.attach("probe", event, {"cpu": "0", **options})
        assert (row["type"], row["link_type"], row["attach_type"]) == (
            "perf_event", "perf_event", "perf_event")
        assert row["target"] == {"event": event, "pid": None, "cpu": 0, **rate}
        [(word, value)] = [(k, v) for k, v in rate.items() if v]
        assert row["target_text"] == f"{event} --cpu 0 --{word} {value}"
        assert loaded.counts(work, least=5)
        loaded.detach(row)
        loaded.stops(work)
        loaded.detach(loaded.attach("probe", event, {"cpu": "0", **options}))


def test_perf_event_of_one_process(counter, binaries, unchanged, env):
    loaded = counter(("perf_event", "probe", 0))
    process = subprocess.Popen([binaries / "caller", "listen"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)

    def call():
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x"
    try:
        with unchanged(env):
            row = loaded.attach("probe", "context-switches", {"pid": str(process.pid)})
            assert row["target"]["pid"] == process.pid and row["target"]["cpu"] is None
            assert loaded.counts(lambda: [call() for _ in range(5)])
            loaded.detach(row)
            loaded.stops(call)
    finally:
        process.communicate()


def test_events_that_are_not_there(counter, unchanged, env):
    loaded = counter(("perf_event", "probe", 0))
    cpu = {"cpu": "0"}
    with unchanged(env):
        error = loaded.refused("no_target", "probe", "cpu-clok", cpu)
        assert (error["message"], error["hint"]) == (
            "there is no event 'cpu-clok'", "did you mean 'cpu-clock'?")
        error = loaded.refused("no_target", "probe", "cpu-clock", {"cpu": "100000"})
        assert "there is no CPU 100000" in error["message"]
        error = loaded.refused("no_target", "probe", "cpu-clock", {"pid": str(gone_pid())})
        assert "there is no process with pid" in error["message"] and error["code"] == "ESRCH"
        for options, said in (({}, "needs option 'cpu' or 'pid'"),
                              ({**cpu, "frequency": "0"}, "at least 1"),
                              ({**cpu, "period": "0"}, "at least 1"),
                              ({**cpu, "frequency": "9", "period": "9"}, "exclude each other"),
                              ({**cpu, "frequency": "x"}, "not a number"),
                              ({**cpu, "frequency": "2000000000"}, "more than this kernel allows"),
                              ({"cpu": "-1"}, "not a number")):
            error = loaded.refused("unfit", "probe", "cpu-clock", options)
            assert said in error["message"]


def test_hardware_event(counter, unchanged, env):
    """Most virtual machines have no counters: then it says so."""
    loaded = counter(("perf_event", "probe", 0))
    with unchanged(env):
        answer = env.worker([{k: v for k, v in loaded.request(
            "probe", "cpu-cycles", {"cpu": "0"}).items() if v is not None}])[0]
        if answer["ok"]:
            loaded.detach(answer["result"])
        else:
            assert answer["error"]["reason"] == "no_target"
            assert answer["error"]["message"] == "cpu-cycles: this machine has no counter for it"


# ---- iterators ----


def test_iterator(env, example, unchanged):
    loaded = Loaded(env, example("iter_task"))
    with unchanged(env):
        row = loaded.attach("iter_task")
        assert (row["type"], row["link_type"], row["attach_type"]) == ("iter", "iter", "trace_iter")
        assert row["target"] == {"name": "task"} and row["target_text"] == ""
        assert good(env, op="info", pin_path=row["pinned_path"])["target"] == {"name": "task"}
        result = good(env, op="read_iter", pin=row["pinned_path"])
        assert result["truncated"] is False
        assert re.search(rf"^ +{os.getpid()} +{os.getpid()} ", result["text"], re.M)
        assert result["text"].splitlines()[0].split() == ["PID", "THREAD", "COMMAND"]
        cut = good(env, op="read_iter", pin=row["pinned_path"], limit=10)
        assert cut == {"text": result["text"][:10], "truncated": True}
        empty = good(env, op="read_iter", pin=row["pinned_path"], limit=0)
        assert empty == {"text": "", "truncated": True}
        loaded.detach(row)
        loaded.detach(loaded.attach("iter_task"))


def test_iterator_of_one_process(env, example, unchanged):
    loaded = Loaded(env, example("iter_task"))
    with unchanged(env):
        row = loaded.attach("iter_task", None, {"pid": str(os.getpid())})
        assert row["target"] == {"name": "task", "pid": os.getpid()}
        assert row["target_text"] == f"--pid {os.getpid()}"
        text = good(env, op="read_iter", pin=row["pinned_path"])["text"]
        assert {line.split()[0] for line in text.splitlines()[1:]} == {str(os.getpid())}
        loaded.detach(row)
        error = loaded.refused("no_target", "iter_task", None, {"pid": str(gone_pid())})
        assert "there is no process with pid" in error["message"]
        assert "takes no target" in loaded.refused("unfit", "iter_task", "x")["message"]


ITERATOR_TYPES = HEAD + """
#include <bpf/bpf_tracing.h>
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; } __attribute__((preserve_access_index));
"""
GROUPS = ITERATOR_TYPES + """
struct kernfs_node { __u64 id; } __attribute__((preserve_access_index));
struct cgroup { struct kernfs_node *kn; } __attribute__((preserve_access_index));
struct bpf_iter__cgroup { struct bpf_iter_meta *meta; struct cgroup *cgroup; }
	__attribute__((preserve_access_index));
SEC("iter/cgroup") int groups(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgroup = ctx->cgroup;

	if (cgroup)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\\n", cgroup->kn->id);
	return 0;
}
SEC("iter/task") int nothing(void *ctx) { return 0; }
""" + LICENSE
ELEMENTS = ITERATOR_TYPES + """
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; void *map; void *key; void *value; }
	__attribute__((preserve_access_index));
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} three SEC(".maps");
SEC("iter/bpf_map_elem") int elements(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;

	if (key && value)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%u=%llu\\n", *key, *value);
	return 0;
}
SEC("iter/bpf_map_elem") int wide(struct bpf_iter__bpf_map_elem *ctx)
{
	__u64 *value = ctx->value;

	if (value)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%llu", value[8]);
	return 0;
}
""" + LICENSE


def test_iterator_over_control_groups(env, build_bpf, cgroup, unchanged):
    loaded = Loaded(env, build_bpf(GROUPS))
    (cgroup.path / "below").mkdir()
    try:
        with unchanged(env):
            row = loaded.attach("groups", cgroup.path)
            group = str(os.stat(cgroup.path).st_ino)
            assert row["target"] == {"name": "cgroup", "path": str(cgroup.path), "cgroup_id": group}
            assert row["target_text"] == str(cgroup.path)
            assert good(env, op="read_iter", pin=row["pinned_path"])["text"].split() == [
                group, str(os.stat(cgroup.path / "below").st_ino)]
            loaded.detach(row)
            row = loaded.attach("nothing")
            assert good(env, op="read_iter", pin=row["pinned_path"]) == {
                "text": "", "truncated": False}
            loaded.detach(row)
            for reason, target, options, said in (
                    ("unfit", None, None, "needs a target"),
                    ("unfit", cgroup.path, {"pid": "1"}, "iterator cgroup is not about processes"),
                    ("bad_target", env.dir, None, "is not a directory of a cgroup2")):
                assert said in loaded.refused(reason, "groups", target, options)["message"]
    finally:
        (cgroup.path / "below").rmdir()


def test_iterator_over_a_map(env, build_bpf, unchanged):
    path = build_bpf(ELEMENTS)
    if bpftool("prog", "loadall", path, env.pins / "witness") is None:
        pytest.skip("this kernel refuses programs of section iter/bpf_map_elem")
    shutil.rmtree(env.pins / "witness")
    loaded = Loaded(env, path)
    three = loaded.maps["three"]
    with unchanged(env):
        row = loaded.attach("elements", three["pin"])
        assert row["target"] == {"name": "bpf_map_elem", "map": three["pin"],
                                 "map_id": three["kernel_id"]}
        assert row["target_text"] == three["pin"]
        assert good(env, op="read_iter", pin=row["pinned_path"])["text"] == "0=0\n1=0\n2=0\n"
        loaded.detach(row)
        pin = loaded.programs["wide"]["pin"]
        for reason, name, target, said in (
                ("unfit", "elements", None, "needs a target"),
                ("unfit", "wide", three["pin"], "reads more than keys or values"),
                ("bad_target", "elements", pin, "is not a map")):
            assert said in loaded.refused(reason, name, target)["message"]
        error = loaded.refused("other", "elements", env.pins / "none", stage="pin")
        assert error["message"].endswith("/none does not exist")


def test_reading_what_is_no_iterator(env, counter, unchanged):
    loaded = counter(("raw_tp/sched_process_exec", "probe", 0))
    row = loaded.attach("probe")
    with unchanged(env):
        for path, stage, reason, said in (
                (row["pinned_path"], "attach", "unfit", "is not an iterator's link"),
                (loaded.programs["probe"]["pin"], "pin", "bad_path", "is not a link"),
                (env.root / "none", "pin", "other", "does not exist"),
                (env.root, "pin", "bad_path", "is a directory"),
                ("x", "pin", "bad_name", "must be absolute")):
            assert said in bad(env, stage, reason, op="read_iter", pin=path)["message"]
        assert "is 33554432 at most" in bad(env, "request", "request", op="read_iter",
                                            pin=row["pinned_path"], limit=2**40)["message"]
    loaded.detach(row)


def test_kernel_knows_each_link_as_what_it_is(env, example, tracefs, unchanged):
    """The examples, seen by bpftool."""
    for name, program, kind in (("trace_open", "trace_open", "perf_event"),
                                ("sched_switch", "sched_switch", "raw_tracepoint"),
                                ("uprobe_malloc", "uprobe_malloc", "perf_event")):
        loaded = Loaded(env, example(name))
        row = loaded.attach(program)
        shown = bpftool("link", "show", "id", row["kernel_id"])
        assert (shown["type"], shown["prog_id"]) == (kind, row["program_id"])
        run_true()
        [counts] = [m for m in loaded.maps.values() if m["name"] != ".rodata"]
        assert any(True for _ in bpftool("map", "dump", "pinned", counts["pin"]))
        loaded.detach(row)
        good(env, op="unpin", dirs=[f"{env.root}/3"])
