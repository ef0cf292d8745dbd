# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad files, pin paths and names: a clear error, as text and as JSON, and nothing left behind."""
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import uuid

import pexpect
import pytest

from helpers import (HEAD, TRIVIAL, assert_error_document, assert_failed, assert_said, listed, only,
                     pin_stranger, text)

pytestmark = pytest.mark.usefixtures("need_bpf")


@pytest.fixture
def refused(env, unchanged):
    """refused(words, *patterns): both forms of the error say so, and nothing has changed."""
    def check(words, *patterns, status=1, code=None, **options):
        with unchanged(env):
            assert_failed(env.run(*words, **options), status, *patterns)
            error = assert_error_document(env.run("-j", *words, **options), status, *patterns)
        assert code in (None, error["code"]), error
        return error
    return check


# ---- files ----


def patched(path, offset, new):
    content = bytearray(pathlib.Path(path).read_bytes())
    content[offset:offset + len(new)] = new
    return bytes(content)


def fifo(env):
    path = env.dir / "pipe.o"
    os.mkfifo(path)
    return path


def unix_socket(env):
    path = env.dir / "socket.o"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
    return path


def huge(env):
    path = env.file("huge.o")
    os.truncate(path, 1 << 40)
    return path


FILES = {
    "missing": (lambda env, xdp: env.dir / "nothing.o", "nothing.o", "No such file"),
    "no such directory": (lambda env, xdp: env.dir / "no/thing.o", "No such file"),
    "directory": (lambda env, xdp: env.dir, "is a directory"),
    "file as directory": (lambda env, xdp: xdp + "/x.o", "Not a directory"),
    "empty": (lambda env, xdp: env.file("empty.o"), "empty.o is empty"),
    "not ELF": (lambda env, xdp: env.file("text.o", "int main(void);\n"), "not an ELF"),
    "/bin/true": (lambda env, xdp: "/bin/true", "ELF file for x86-64, not for BPF"
                  if os.uname().machine == "x86_64" else "not for BPF"),
    "other machine": (lambda env, xdp: env.file("arm.o", patched(xdp, 18, b"\xb7\0")),
                      "not for BPF"),
    "other byte order": (lambda env, xdp: env.file("big.o", patched(xdp, 5, b"\2")), "."),
    "32 bits": (lambda env, xdp: env.file("small.o", patched(xdp, 4, b"\1")), "."),
    "FIFO": (lambda env, xdp: fifo(env), "pipe.o", "not a (regular )?file"),
    "socket": (lambda env, xdp: unix_socket(env), "socket.o"),
    "device": (lambda env, xdp: "/dev/zero", "/dev/zero", "not a (regular )?file"),
    "too large": (lambda env, xdp: huge(env), "huge.o", "large|MiB|bytes"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_objects(env, example, refused, name):
    make, *said = FILES[name]
    path = make(env, example("xdp_pass"))
    refused(["load", path, "--name", "refused"], *said, timeout=10)
    for words in (["verify", path], ["show", "file", path]):
        result = env.run(*words, timeout=10)
        assert_failed(result, 1, *said)
    assert listed(env) == []


@pytest.mark.parametrize("part", [0.02, 0.1, 0.5, 0.8, 0.99])
def test_truncated_objects(env, example, refused, part):
    content = pathlib.Path(example("multi")).read_bytes()
    file = env.file("cut.o", content[:int(len(content) * part)])
    refused(["load", file], "cut|ELF")


OBJECTS = {
    "no programs": (HEAD + "ARRAY(lonely, 1);\n", [], "no programs"),
    "unknown section": (TRIVIAL.replace("xdp", "xpd"), [], "pass", "'xpd'", "'xdp'"),
    "section like nothing": (TRIVIAL.replace("xdp", "qqqqqqqqqq"), [], "qqqqqqqqqq", "type"),
    "no BTF": (HEAD + 'ARRAY(m, 1);\nSEC("xdp") int p(void *c) { __u32 k = 0; '
               'return bpf_map_lookup_elem(&m, &k) ? 1 : 2; }', ["-g0"], "no BTF", "-g"),
    "unknown kernel function": (HEAD + "extern int bpfman_nothing(void) __ksym;\n"
                                'SEC("xdp") int p(void *c) { return bpfman_nothing(); }', [],
                                "bpfman_nothing"),
    "unknown tracepoint": (HEAD + 'SEC("tp_btf/bpfman_nothing") int p(void *c) { return 0; }', [],
                           "bpfman_nothing", "no such|not found"),
    "old map definitions": (HEAD + "struct { __u32 a, b, c, d, e; } old SEC(\"maps\") = "
                            '{ 2, 4, 8, 1 };\nSEC("xdp") int p(void *c) { __u32 k = 0; '
                            "return bpf_map_lookup_elem(&old, &k) ? 1 : 2; }", [],
                            "old kind|legacy|maps"),
    "map too large": (HEAD + "ARRAY(large, 0xffffffff);\n"
                      'SEC("xdp") int p(void *c) { __u32 k = 0; '
                      "return bpf_map_lookup_elem(&large, &k) ? 1 : 2; }", [], "large"),
    "map without entries": (HEAD + "ARRAY(none, 0);\n"
                            'SEC("xdp") int p(void *c) { __u32 k = 0; '
                            "return bpf_map_lookup_elem(&none, &k) ? 1 : 2; }", [],
                            "none", "Invalid argument"),
    "license": (HEAD.replace("GPL", "Proprietary") +
                'SEC("kprobe/x") int p(void *c) { bpf_trace_printk("x", 2); return 0; }', [],
                "GPL", "license"),
    "return value": (HEAD + 'SEC("cgroup/bind4") int p(void *c) { return 77; }', [], "p: ", "77"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_that_cannot_be_loaded(build_bpf, refused, name):
    source, flags, *said = OBJECTS[name]
    refused(["load", build_bpf(source, "odd", flags)], *said)


def test_verifier_rejection_says_why_and_keeps_the_log(env, example, refused):
    error = refused(["load", example("rejected")], "unchecked_lookup")
    assert error["message"] == "unchecked_lookup: R0 invalid mem access 'map_value_or_null'"
    result = env.run("load", example("rejected"), "--program", "out_of_bounds")
    first, *_ = text(result).splitlines()
    assert first.startswith("bpfman: load: out_of_bounds: invalid access to packet, off=14 size=1")
    out = text(env.ok("log"), "out")
    assert_said(out, "out_of_bounds", "data\\[14\\]", "R2 offset is outside of the packet")


def test_one_rejected_program_rejects_the_object(env, build_bpf, refused):
    source = TRIVIAL + 'SEC("xdp") int bad(struct xdp_md *c) { return *(int *)(long)c->data; }\n'
    refused(["load", build_bpf(source, "half")], "bad: invalid access to packet")
    env.ok("load", build_bpf(source, "half"), "--program", "pass")


def test_unknown_program_lists_those_there_are(example, refused):
    refused(["load", example("multi"), "--program", "multi_xpd"], "no program 'multi_xpd'",
            "multi_xdp", "multi_ingress", "multi_egress", "did you mean")
    refused(["load", example("multi"), "--program", "multi_xdp", "--program", ""],
            "empty|no program", status=2)


def test_name_taken(env, example, refused):
    env.ok("load", example("xdp_pass"))
    refused(["load", example("xdp_pass")], "taken by object 1", "xdp_pass.bpf.o", "--name",
            code="EEXIST")
    refused(["load", example("multi"), "--name", "xdp_pass"], "taken by object 1", code="EEXIST")


# ---- pin paths ----


def taken(env, example):
    env.ok("load", example("tc_count"), "--pin-path", env.pins / "here")
    return env.pins / "here"


def taken_by_others(env, example):
    pin_stranger(env.pins / "here", example("xdp_pass"))
    return env.pins / "here"


def directory(env, example):
    (env.pins / "here").mkdir()
    return env.pins / "here"


def symlink(env, example):
    (env.pins / "real").mkdir()
    os.symlink(env.pins / "real", env.pins / "link")
    return env.pins / "link/prog"


def dangling(env, example):
    os.symlink(env.pins / "nowhere", env.pins / "link")
    return env.pins / "link"


def below_a_pin(env, example):
    return taken_by_others(env, example) / "prog"


PINS = {
    "taken": (taken, "here", "exists|taken"),
    "taken by others": (taken_by_others, "here", "exists|taken"),
    "a directory": (directory, "here", "exists|taken|directory"),
    "below a pin": (below_a_pin, "here", "not a directory|Not a directory"),
    "off bpffs": (lambda env, example: env.dir / "prog", "bpffs"),
    "off bpffs, below nothing": (lambda env, example: env.dir / "a/b/prog", "bpffs"),
    "dot": (lambda env, example: env.pins / "a.b", r"a\.b", r"'\.'|\"\.\"|dot"),
    "dot in a parent": (lambda env, example: env.pins / "a.b/prog", r"a\.b", r"'\.'|\"\.\"|dot"),
    "300 bytes": (lambda env, example: env.pins / ("n" * 300), "255"),
    "parent of 300 bytes": (lambda env, example: env.pins / ("n" * 300) / "prog", "255"),
    "5000 bytes": (lambda env, example: str(env.pins) + "/n" * 2500, "long|4096|4095"),
    "through a symlink": (symlink, "link", "symbolic link|symlink"),
    "a dangling symlink": (dangling, "link", "symbolic link|symlink|exists"),
    "inside the pin root": (lambda env, example: env.root / "mine/prog", "inside the pin root"),
    "the pin root": (lambda env, example: env.root, "inside the pin root|pin root"),
    "inside it by dots": (lambda env, example: f"{env.pins}/./root/../root/mine",
                          "pin root|'\\.\\.?'"),
    "inside it by slashes": (lambda env, example: f"{env.pins}//root///mine", "pin root"),
    "root": (lambda env, example: "/", "."),
}


@pytest.mark.parametrize("name", PINS)
def test_pin_paths(env, example, refused, name):
    make, *said = PINS[name]
    path = make(env, example)
    error = refused(["load", example("xdp_pass"), "--pin-path", path], *said)
    assert_said(error["message"] + (error["hint"] or ""), "(?i)pin|bpffs|path|name|directory|exist")


def test_pin_path_on_another_bpffs(env, example, refused):
    other = env.dir / "bpffs"
    other.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", other], check=True)
    try:
        refused(["load", example("xdp_pass"), "--pin-path", other / "prog"], "another bpffs",
                "same mount")
        assert os.listdir(other) == [] or set(os.listdir(other)) <= {"maps.debug", "progs.debug"}
    finally:
        subprocess.run(["umount", other], check=True)


def test_pin_path_is_for_one_program(example, refused, env):
    refused(["load", example("multi"), "--pin-path", env.pins / "x"], "single program|one program")
    refused(["load", example("multi"), "--pin-path", env.pins / "x", "--program", "multi_xdp",
             "--program", "multi_egress"], "single program", status=2)
    refused(["load", example("xdp_pass"), "--pin-path", ""], "empty", status=2)


# ---- names that would move a terminal ----

EVIL = b"ev\x1b[31mil\n\xff\xc2\x9b2J\x07\x7f"
RUN = (b"load", b"show", b"unload", b"log", b"source")
SHOWN = r"ev\x1b[31mil\x0a\xff\xc2\x9b2J\x07\x7f"


def test_file_names_with_control_bytes(env, example, unchanged):
    path = os.fsencode(env.dir) + b"/" + EVIL + b".o"
    shutil.copy(example("xdp_pass"), path)
    with unchanged(env):
        text(env.ok("load", path, "--name", "tame"), "out")
        for words in (["list", "objects"], ["show", "object:tame"], ["show", "tame"],
                      ["log", "tame"], ["show", "file", path]):
            out = text(env.ok(*words), "out")
            assert SHOWN in out, out
            text(env.ok("-j", *words), "out")
        assert_said(text(env.run("load", path, "--name", "tame")), "taken", r"ev\\x1b\[31mil\\x0a")
        env.ok("unload", "tame")


def test_file_names_with_control_bytes_on_a_terminal(env, example):
    path = os.fsencode(env.dir) + b"/" + EVIL + b".o"
    shutil.copy(example("xdp_pass"), path)
    script = env.file("script.txt", f'load "{SHOWN}.o" --name tame\nlist objects\n'
                                    f'load "{SHOWN}.o" --name tame\n')
    child = env.spawn("--color", "never", "-f", script, columns=500)
    child.expect_exact("taken by object")
    said = child.before
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    said = said.replace("\r\n", "\n") + child.before.replace("\r\n", "\n")
    # Only the progress line moves the cursor, and without an escape sequence.
    assert not set(said) & set("\x1b\x07\x7f\x9b\udcff"), repr(said)
    assert SHOWN in said.replace("\n", ""), repr(said)


@pytest.mark.parametrize("words, said", [
    ([b"load", b"/nothing/" + EVIL], r"ev\\x1b\[31mil"),
    ([b"load", b"/etc/passwd", b"--name", EVIL], r"."),
    ([b"show", EVIL], r"ev\\x1b\[31mil"),
    ([b"unload", EVIL], r"ev\\x1b\[31mil"),
    ([b"log", EVIL], r"ev\\x1b\[31mil"),
    ([b"list", b"--type", EVIL], None),
    ([EVIL], r"ev\\x1b\[31mil"),
    ([b"--" + EVIL], r"ev\\x1b\[31mil"),
    ([b"list", b"--" + EVIL], r"ev\\x1b\[31mil"),
    ([b"list", EVIL], r"ev\\x1b\[31mil"),
    ([b"help", EVIL], r"ev\\x1b\[31mil"),
    ([b"set", EVIL], r"ev\\x1b\[31mil"),
    ([b"-f", b"/nothing/" + EVIL], r"ev\\x1b\[31mil"),
    ([b"source", b"/nothing/" + EVIL], r"ev\\x1b\[31mil"),
    ([b"--db", b"/etc/passwd/" + EVIL + b"/x", b"load", b"/etc/passwd"], r"ev\\x1b\[31mil"),
    ([b"--worker", b"/nothing/" + EVIL, b"verify", b"/etc/passwd"], r"ev\\x1b\[31mil"),
], ids=lambda value: None if not isinstance(value, list) else
    b" ".join(value).replace(EVIL, b"EVIL").decode().replace("/", "|"))
def test_words_with_control_bytes(env, unchanged, words, said):
    with unchanged(env):
        result = env.run(*words)
        assert result.status == (0 if b"--type" in words else 3 if b"--worker" in words or
                                 b"--db" in words else 1 if words[0] in RUN else 2), repr(result)
        for stream in ("out", "err"):
            text(result, stream)
        if said:
            assert_said(result.err, said)
        assert env.run("-j", *words).status == result.status
        result = env.run("-j", *words)
        assert result.raw_err == b"" and len(result.documents()) == 1, repr(result)
        text(result, "out")


def test_names_inside_an_object_with_control_bytes(env, build_bpf, unchanged):
    source = TRIVIAL.replace("xdp", r"xd\033[31mp")
    with unchanged(env):
        assert_failed(env.run("load", build_bpf(source, "odd")), 1, r"xd\\x1b\[31mp")
        env.ok("load", build_bpf(source, "odd"), "--type", "xdp")
        assert r"xd\x1b[31mp" in text(env.ok("show", "pass"), "out")
        assert only(listed(env))["section"] in ("xd\x1b[31mp", r"xd\x1b[31mp")
        env.ok("unload", "pass")
        source = HEAD + 'SEC("xdp") int pass(void *c) asm("pa\\033[31mss");\n' \
                        'int pass(void *c) { return 2; }\n'
        result = env.run("load", build_bpf(source, "odd"))
        assert_said(text(result) + text(result, "out"), r"pa\\x1b\[31mss|pa.*ss")
        env.ok("unload", "--all")


def test_names_of_objects_with_control_bytes(env, example, unchanged):
    with unchanged(env):
        result = env.run("load", example("xdp_pass"), "--name", EVIL)
        text(result)
        text(result, "out")
        if result.status == 0:
            text(env.ok("list"), "out")
            env.ok("unload", "--all")


# ---- damaged objects ----


def mutants(content, count, seed):
    rng = random.Random(seed)
    # Of the ELF header, the section headers and the middle alike: most bytes are instructions.
    table = struct.unpack_from("<Q", content, 40)[0]
    for i in range(count):
        mutant = bytearray(content)
        low, high = ((0, 64), (table, len(content)), (64, table), (0, len(content)))[i % 4]
        for _ in range(1 + i % 3):
            mutant[rng.randrange(low, high)] ^= 1 << rng.randrange(8)
        yield bytes(mutant)


@pytest.mark.parametrize("name, count", [("xdp_pass", 130), ("cgroup_skb", 130),
                                         ("sched_switch", 40)])
def test_bit_flipped_objects_never_cost_the_session(env, example, unchanged, name, count):
    content = pathlib.Path(example(name)).read_bytes()
    files = [env.file(f"m{i}.o", mutant)
             for i, mutant in enumerate(mutants(content, count, uuid.UUID(int=7).int))]
    script = env.file("script.txt", "".join(
        f"show file {f}\nverify {f}\nload {f} --name m\nunload object:m --if-exists\n"
        for f in files) + f"load {example('xdp_pass')} --name after\nlist\nunload after\n")
    with unchanged(env):
        result = env.run("-j", "-k", "-f", script, timeout=120)
        assert result.status == 1, repr(result)[-3000:]
        answers = result.documents()
        assert result.raw_err == b"" and len(answers) == 4 * len(files) + 3
        assert [row["object"] for row in answers[-2]["programs"]] == ["after"]
        failed = [a["error"]["message"] for a in answers if "error" in a]
        assert len(failed) > count / 4 and all(failed)
        loaded = [a for a in answers[2::4] if a.get("changed")]
        assert len(loaded) > count / 20, "flips in names and debug information do no harm"
