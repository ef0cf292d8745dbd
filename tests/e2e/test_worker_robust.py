# SPDX-License-Identifier: GPL-3.0-or-later
"""bpfman-kernel when things go wrong: kills, failing calls, odd lines, broken objects."""
import base64
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

from asking import SANITIZED, bad, forget, good, program, root, source, staged, xdp
from conftest import WORKER, missing, wait_until

pytestmark = pytest.mark.usefixtures("need_bpf")


# ---- unpinning ----


def test_unpin_removes_what_is_ours(env, root, example, unchanged):
    pin = env.pins / "p/q/prog"
    with unchanged(env):
        result = good(env, **staged(env), path=example("by_name"), pin_path=pin)
        (root / "names").mkdir()
        os.link(root / "3/p4_by_name", root / "names/one")
        os.link(root / "by_name/blocklist", root / "names/two")
        os.link(root / "by_name/blocklist", root / "three")
        request = forget(root, result, [pin.parent.parent, pin.parent])
        request["names"] = [f"{root}/three", f"{root}/four", *request["names"]]
        removed = good(env, **request)
        assert removed["kept"] == []
        names = removed["removed"]
        assert names[:3] == [f"{root}/three", f"{root}/names/one", f"{root}/names/two"]
        assert names[3:] == [str(pin), f"{root}/by_name/blocklist", f"{root}/3/p4_by_name",
                             f"{root}/3", *sorted([str(root / "by_name"), str(root / "names"),
                                                   str(pin.parent), str(pin.parent.parent)],
                                                  key=len, reverse=True)]
        assert good(env, **request) == {"removed": [], "kept": [], "held": []}, "it may be repeated"


def test_unpin_keeps_what_is_not_ours(env, root, example, xdp):
    first = good(env, **staged(env), path=example("by_name"), pin_path=env.pins / "one")
    second = good(env, **staged(env, 9), path=example("by_name"))
    good(env, op="load", path=xdp, pin_path=env.pins / "other")
    row = first["programs"][0]
    plain = env.file("plain")
    (env.pins / "sub").mkdir()
    (env.pins / "sub/dir").mkdir()
    (env.pins / "way").symlink_to(env.pins / "sub")
    (env.pins / "link").symlink_to(env.pins / "other")
    identity = {"pin_dev": row["pin_dev"], "pin_ino": row["pin_ino"]}
    anything = {"pin_dev": "", "pin_ino": ""}
    result = good(env, op="unpin", pins=[
        {"path": str(env.pins / "other"), **identity}, {"path": str(plain), **anything},
        {"path": str(env.pins / "gone"), **identity},
        {"path": str(env.pins / "gone/x"), **identity},
        {"path": str(env.pins / "way/x"), **anything}, {"path": str(env.pins / "link"), **anything},
        {"path": str(env.pins / "sub"), **anything}],
        dirs=[str(env.pins / "sub"), str(env.dir)], parents=[str(env.pins), str(env.dir)],
        names=[f"{root}/by_name/blocklist"])
    kept = {k["path"]: k["why"] for k in result["kept"]}
    assert kept.pop(str(env.pins / "other")) == "is another object"
    assert "not in a BPF file system" in kept.pop(str(plain))
    assert "symbolic link" in kept.pop(str(env.pins / "way/x"))
    assert kept.pop(str(env.pins / "link")) == "is not a pin"
    assert str(env.dir) in kept and str(env.pins / "sub") in kept
    assert str(env.pins / "sub/dir") in kept
    assert kept[f"{root}/by_name/blocklist"] == "is another object"
    assert result["removed"] == [] and os.path.exists(env.pins / "other") and plain.exists()
    assert os.path.exists(f"{root}/by_name/blocklist"), "its pin was not among those named"
    assert second["maps"][0]["kernel_id"] == first["maps"][0]["kernel_id"]


@pytest.mark.parametrize("number", range(1, 9))
def test_unpin_killed_anywhere_is_finished_by_the_next(env, root, example, unchanged, number):
    if not shutil.which("strace"):
        missing("no strace")
    pin = env.pins / "p/prog"
    with unchanged(env):
        result = good(env, **staged(env), path=example("by_name"), pin_path=pin)
        (root / "names").mkdir()
        os.link(root / "3/p4_by_name", root / "names/one")
        request = forget(root, result, [pin.parent])
        env.worker([request], check=False, env={"ASAN_OPTIONS": "detect_leaks=0"},
                   prefix=["strace", "-f", "-o", "/dev/null",
                           "-e", f"inject=unlinkat:signal=KILL:when={number}"])
        assert good(env, **request)["kept"] == []


def test_info_of_what_is_no_pin(env, root, xdp):
    (env.pins / "link").symlink_to(root)
    for path, reason, words in ((env.pins / "x", "other", "does not exist"),
                                (env.pins / "x/y/z", "other", "does not exist"),
                                (root, "bad_path", "directory"),
                                (env.pins / "link", "bad_name", ""),
                                ("/etc/passwd", "not_bpffs", ""), ("x", "bad_name", "absolute")):
        assert words in bad(env, "pin", reason, op="info", pin_path=path)["message"]


# ---- failures on the way ----


@pytest.mark.parametrize("call", ["mkdirat", "linkat", "renameat2", "newfstatat", "bpf"])
def test_a_load_that_fails_anywhere_leaves_nothing(env, root, example, unchanged, call):
    """Every call of a kind fails once, at each of its places, until a load has no failure."""
    if not shutil.which("strace"):
        missing("no strace")
    request = {**staged(env), "path": example("by_name"), "pin_path": str(env.pins / "a/b/prog")}
    failures = 0
    for number in range(1, 200):
        trace = env.dir / "trace"
        with unchanged(env):
            answers = env.worker(
                [request], check=False, env={"ASAN_OPTIONS": "detect_leaks=0"},
                prefix=["strace", "-f", "-o", trace, "-e", f"trace={call}",
                        "-e", f"inject={call}:error=EIO:when={number}"])
            injected = "(INJECTED)" in trace.read_text(encoding="utf-8")
            trace.unlink()
            if answers.result.status == 127 and injected:
                continue  # the dynamic loader's own
            [answer] = answers
            if answer["ok"]:
                good(env, **forget(root, answer["result"], [env.pins / "a", env.pins / "a/b"]))
            else:
                assert "left behind" not in json.dumps(answer), answer
                failures += 1
        if not injected:
            break
    assert failures and number < 199


def test_many_loads_leave_no_descriptor_and_no_memory(env, xdp, example):
    """1000 loads that succeed and fail, in one worker."""
    worker = subprocess.Popen([WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=env.variables())
    pin = str(env.pins / "x")
    requests = [
        dict(op="load", path=xdp, pin_path=pin),
        dict(op="unpin", pins=[{"path": pin, "pin_dev": "", "pin_ino": ""}]),
        dict(op="load", path=example("rejected"), program="out_of_bounds", pin_path=pin),
        dict(op="load", path=xdp, pin_path=pin + ".x"),
        dict(op="load", path=example("by_name"), pin_path=pin),
        dict(op="open", path=example("multi")), dict(op="verify", path=xdp),
        dict(op="load", path=example("sched_switch"), pin_path="/x"), dict(op="info", pin_path=pin),
    ]

    def turn():
        for request in requests:
            worker.stdin.write(json.dumps(request).encode() + b"\n")
        worker.stdin.flush()
        return [json.loads(worker.stdout.readline())["ok"] for _ in requests]

    def memory():
        with open(f"/proc/{worker.pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    expected = [True, True, False, False, False, True, True, False, False]
    for _ in range(20):
        assert turn() == expected
    descriptors, before = os.listdir(f"/proc/{worker.pid}/fd"), memory()
    for _ in range(230):
        assert turn() == expected
    assert os.listdir(f"/proc/{worker.pid}/fd") == descriptors
    grown = memory() - before
    # A quarantine of freed memory is the sanitizer's way to find errors.
    assert SANITIZED or grown < 512, f"{grown} KiB more after 1000 loads"
    worker.stdin.close()
    assert worker.wait(30) == 0
    env.assert_sane()


# ---- lines ----


def test_lines_that_are_no_requests(env):
    lines = [b"", b"{", b"[]", b"1", b'"x"', b"null", b"\xff\xfe", b'{"op":"hello"} x',
             b'{"op":"hello","op":"hello"}', b'{"op":"helo"}', b"{}", b'{"op":1}',
             b'{"op":"hello","x":1}', b'{"op":"info"}', b'{"op":"info","pin_path":1}',
             b'{"op":"hello","id":[]}', b'{"op":"hello","id":{}}', b'{"op":"open","path":"a\0b"}',
             b'{"op":"open","path":"\\u0000"}', b'{"op":"open","path":"\xc3\x28"}',
             b'{"op":"unpin","pins":[{"path":"x"}]}', b'{"op":"load","types":{"a":1}}',
             b'{"op":"load","next_id":-1}', b'{"op":"load","next_id":1.5}',
             b'{"op":"load","next_id":9007199254740993}', b"[" * 100000,
             b'{"op":"hello","id":' + b"[" * 40 + b"]" * 40 + b"}"]
    answers = env.worker(lines + [{"op": "hello", "id": "last"}])
    assert len(answers) == len(lines) + 1
    for line, answer in zip(lines, answers):
        assert answer["ok"] is False and answer["error"]["reason"] == "request", (line, answer)
        assert answer["error"]["stage"] == "request" and answer["error"]["code"] == "EINVAL"
    assert answers[9]["error"]["hint"] == "did you mean 'hello'?" and answers[9]["op"] is None
    assert answers[14]["op"] == "info" and "'pin_path'" in answers[14]["error"]["message"]
    assert answers[-1]["ok"] and answers[-1]["id"] == "last"


def test_it_takes_no_arguments(env):
    for argument in ("--help", "x"):
        done = subprocess.run([WORKER, argument], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env=env.variables())
        assert (done.returncode, done.stdout) == (2, ""), done
        assert done.stderr.startswith(f"usage: {WORKER} <REQUESTS >ANSWERS\n"), done


@pytest.mark.parametrize("number", [0, -5, 1.5, "x\\y", True, False, None, "é\u0001"])
def test_ids_are_echoed(env, number):
    [answer] = env.worker([{"op": "hello", "id": number}])
    assert answer["id"] == number and type(answer["id"]) is type(number)
    [answer] = env.worker([{"op": "nothing", "id": number}])
    assert answer["id"] == number


def test_a_line_over_the_limit_costs_itself_only(env):
    limit = 64 * 2**20
    long = b'{"op":"hello","x":"' + b"a" * (limit + 5 * 2**20) + b'"}'
    just_over = b'{"op":"hello"}' + b" " * (limit - 13)
    just_fits = b'{"op":"hello"}' + b" " * (limit - 14)
    answers = env.worker([long, {"op": "hello", "id": 1}, just_over, just_fits, {"op": "hello"}],
                         timeout=120)
    assert [a["ok"] for a in answers] == [False, True, False, True, True]
    assert answers[0]["error"]["code"] == "EMSGSIZE" and answers[2]["error"]["code"] == "EMSGSIZE"


def test_the_last_line_needs_no_newline_and_names_are_bytes(env):
    name = b"caf\xe9\x01\\.o"
    (pathlib.Path(os.fsdecode(env.dir)) / os.fsdecode(name)).write_bytes(b"text")
    done = subprocess.run([WORKER], capture_output=True, cwd=env.dir, env=env.variables(), input=(
        b'{"op":"open","path":"caf\\\\xe9\\\\x01\\\\\\\\.o"}'), check=True)
    assert done.stderr == b"" and done.stdout.endswith(b"\n")
    error = json.loads(done.stdout)["error"]
    assert error["reason"] == "not_elf"
    assert error["message"].startswith("caf\\xe9\\x01\\\\.o is not an ELF")


def test_a_reader_that_is_gone(env, xdp):
    """The load is done, its answer has nobody: the worker ends with 1, the pin stays."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    request = json.dumps(dict(op="load", path=xdp, pin_path=str(env.pins / "x"))).encode()
    done = subprocess.run([WORKER], input=request + b"\n" + request + b"\n", stdout=write_end,
                          stderr=subprocess.PIPE, env=env.variables())
    os.close(write_end)
    assert done.returncode == 1 and done.stderr == b""
    assert os.listdir(env.pins) == ["x"]


def test_a_parent_that_dies_during_a_load(env, root, example):
    """The worker finishes the request that it has, and ends by itself."""
    script = env.file("parent.py", f"""
import subprocess, sys, time
worker = subprocess.Popen([{WORKER!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
worker.stdin.write(sys.argv[1].encode() + b"\\n")
worker.stdin.flush()
print(worker.pid, flush=True)
time.sleep(60)
""")
    request = json.dumps({**staged(env), "path": example("multi")})
    parent = subprocess.Popen(["/usr/bin/python3", script, request], stdout=subprocess.PIPE,
                              env=env.variables())
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()

    def ended():
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                return stat.read().split()[2] == "Z"
        except FileNotFoundError:
            return True
    assert wait_until(ended, 10), "the worker lives on"
    assert os.listdir(root) in ([], ["3"]), "neither done nor undone"
    if os.listdir(root):
        assert len(os.listdir(root / "3")) == 8


def test_memory_is_given_back(env, example, build_bpf):
    """A second after the last request the worker is small again, and then does the same once more.

    The kernel's types are kept meanwhile where they can be, also when an object fails on them.
    """
    if SANITIZED:
        pytest.skip("a sanitizer keeps freed memory")
    lacking = build_bpf(source(program("fentry/bpfman_no_such_function")))
    worker = subprocess.Popen([WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=env.variables())

    def verify(path):
        worker.stdin.write(json.dumps(dict(op="verify", path=path)).encode() + b"\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())

    def memory():
        with open(f"/proc/{worker.pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    for _ in range(2):
        assert verify(example("sched_switch"))["ok"]
        assert verify(lacking)["error"]["reason"] == "no_target"
        assert verify(example("sched_switch"))["ok"]
        time.sleep(0.2)
        busy = memory()
        assert wait_until(lambda: memory() < 6 * 1024, 5), f"{memory()} KiB, {busy} KiB before"
    worker.stdin.close()
    assert worker.wait(10) == 0


# ---- broken objects ----


@pytest.mark.parametrize("name", ["multi", "by_name", "sched_switch"])
def test_flipped_bits_never_kill_the_worker(env, example, unchanged, name):
    """Mutants of an object through open and load, in one worker that must answer each."""
    content = pathlib.Path(example(name)).read_bytes()
    generator = random.Random(name)
    requests = []
    for i in range(150):
        mutant = bytearray(content)
        for _ in range(generator.choice([1, 1, 2, 8])):
            mutant[generator.randrange(len(mutant))] ^= 1 << generator.randrange(8)
        if i % 10 == 0:
            del mutant[generator.randrange(len(mutant)):]
        encoded = base64.b64encode(mutant).decode()
        common = dict(object=encoded, object_name="mutant", id=i)
        program_name = {"multi": "multi_xdp"}.get(name, name)
        requests += [dict(op="open", **common),
                     dict(op="load", program=program_name, staging=f"{env.root}/s{i}",
                          final=f"{env.root}/{i}", next_id=1, by_name_dir=f"{env.root}/n{i}",
                          **common),
                     dict(op="unpin", dirs=[f"{env.root}/{i}", f"{env.root}/n{i}"], id=i)]
    env.root.mkdir()
    with unchanged(env):
        answers = env.worker(requests, timeout=120)
    assert len(answers) == len(requests)
    for answer in answers:
        assert answer["ok"] or answer["error"]["reason"] != "internal", answer
    assert all(a["ok"] and a["result"]["kept"] == [] for a in answers if a["op"] == "unpin")


def test_every_header_byte_may_be_wrong(env, xdp, unchanged):
    content = pathlib.Path(xdp).read_bytes()
    requests = []
    for at in range(64):
        for value in (0, 0x7f, 0xff):
            mutant = content[:at] + bytes([value]) + content[at + 1:]
            requests.append(dict(op="open", object=base64.b64encode(mutant).decode(),
                                 object_name="m"))
    with unchanged(env):
        answers = env.worker(requests)
    assert len(answers) == len(requests)
    assert {a["error"]["reason"] for a in answers if not a["ok"]} == {"not_elf", "bad_elf"}
