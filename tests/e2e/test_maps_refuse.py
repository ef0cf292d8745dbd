# SPDX-License-Identifier: GPL-3.0-or-later
"""Map contents: what is refused, with what message, and that nothing changes by it."""
import os
import threading

import pytest

from conftest import WORKER
from helpers import assert_error_document, assert_failed, assert_said, listed, wait_for, worker_of
from map_kinds import KINDS, contents

pytestmark = pytest.mark.usefixtures("need_bpf")


@pytest.fixture
def kinds(env, build_bpf):
    """The object, loaded, with some entries: its maps' pins by name."""
    env.ok("load", build_bpf(KINDS, "kinds"))
    env.ok("-c", "map set numbers 1 10; map set names eth0 GREEN; map set hash '{1, web}' '{1}';"
           "map set hash '{2}' {}; map set hash '{3}' {}; map set hash '{4}' {}")
    return {row["name"]: row["pinned_path"] for row in listed(env, "maps")}


REFUSED = [
    # keys
    ("get numbers", "numbers has keys: name one"),
    ("get numbers 2", "numbers has no key 2"),
    ("get numbers x", "'x' is no integer"),
    ("get numbers 4294967296", "4294967296 is out of range: .* takes 0 to 4294967295"),
    ("get numbers hex:01", "hex: with 1 bytes for a value of 4"),
    ("get hash '{.idd = 1}'", "struct key has no member 'idd'", "did you mean 'id'"),
    ("get hash '{.name = \"123456789\"}'", "text of 9 bytes does not fit into 8"),
    ("get array 4", "array: index 4 is out of range: there are 0 to 3"),
    ("get array -1", '"-1" is no key: an index is a whole number from 0'),
    ("get names eth1", "names has no key eth1"),
    ("get routes4 10.0.0.0/33", "a prefix has 0 to 32 bits, not 33"),
    ("get routes4 10.0.0/8", '"10.0.0/8" is no key: a prefix here is an IPv4 address'),
    ("get routes4 10.0.0.0/x", "behind the / is the length in bits"),
    ("get routes6 10.0.0.0/8", "a prefix here is an IPv6 address"),
    ("get routes8 1/8", "a prefix here is hex:BYTES/LENGTH"),
    ("get routes4 10.0.0.1", "routes4 has no key 10.0.0.1"),
    ("get queue 1", "queue has no keys: name none"),
    ("get queue", "queue is empty"),
    ("get kinds.data", "kinds.data holds variables: name one"),
    ("get kinds.data limmit", 'kinds.data has no variable "limmit"', 'did you mean "limit"'),
    ("get kinds.data config.levle", "has no member 'levle'", "did you mean 'level'"),
    ("get kinds.data config.ports[2]", "the array has 2 elements, counted from 0"),
    # values
    ("set numbers 1 x", "'x' is no integer"),
    ("set numbers 1 9223372036854775808", "out of range"),
    ("set numbers 1 1 2", "numbers: an entry has one value, not 2"),
    ("set numbers 1", "numbers has keys: name one"),
    ("set names eth0 GREN", "'GREN' is neither a name of the enum nor a number",
     "did you mean 'GREEN'"),
    ("set array 0 '{.ports = {1, 2, 3}}'", "the array has 2 elements, and there are more values"),
    ("set array 0 '{.low = 8}'", "8 is out of range"),
    ("set untyped hex:010203 5", "'5' is not hex: and two digits for each byte"),
    ("set untyped hex:010203 hex:01", "hex: with 1 bytes for a value of 5"),
    ("set cpu_hash 1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "one for each CPU, not 17"),
    ("set cpu_mixed 0 {}", "both numbers and other things has no sum"),
    ("set kinds.data limit x", "'x' is no integer"),
    ("set kinds.data limit 1 2", "a variable has one value"),
    # maps that do not allow it
    ("set hash '{5}' {}", "hash is full: it has room for 4 entries", "map delete makes room"),
    ("set numbers 1 1 --create", "numbers has the key 1 already"),
    ("set numbers 9 1 --existing", "numbers has no key 9"),
    ("set kinds.rodata fixed 1", "kinds.rodata is frozen", "load --global"),
    ("set outer 0 1", "outer holds maps: 1 is an object, not a map"),
    ("delete numbers 9", "numbers has no key 9"),
    ("delete array 0", "elements of an array stay; set them to zero"),
    ("delete kinds.data limit", "it holds variables"),
    ("delete outer 1", "outer has no key 1"),
    ("delete queue", "queue is empty"),
    ("dump ring", "ring is a ringbuf and cannot be read: it is a stream"),
    ("dump events", "events is a perf_event_array and cannot be read"),
    ("get bloom 1", "bloom is a bloom_filter and cannot be read"),
    ("dump bloom", "a bloom filter does not tell what is in it"),
    ("dump tasks", "tasks is a task_storage and cannot be read"),
    # which map
    ("dump nubmers", 'no map is named "nubmers"', 'did you mean "numbers"'),
    ("dump kinds", 'no map is named "kinds"'),
    ("dump 1", "1 is an object, not a map"),
    ("dump kernel:4294967295", "the kernel has no map of id 4294967295"),
    ("dump kernel:x", '"kernel:x" is no kernel id'),
    ("dump /sys/fs/bpf/nothing/here", "does not exist|not in a BPF file system"),
]


@pytest.mark.parametrize("line, patterns", [(line, patterns) for line, *patterns in REFUSED],
                         ids=[row[0] for row in REFUSED])
def test_refused(env, kinds, unchanged, line, patterns):
    before = {name: contents(path) for name, path in kinds.items()
              if name in ("numbers", "names", "hash", "array", ".data")}
    with unchanged(env):
        assert_failed(env.run("-c", "map " + line), 1, "^-c:1: map [a-z]+: ", *patterns)
    assert_error_document(env.run("-j", "-c", "map " + line), 1, *patterns)
    assert before == {name: contents(kinds[name]) for name in before}


@pytest.mark.parametrize("line, patterns", [
    ("map", ["a second word is missing: map dump, get, set or delete"]),
    ("map dumb x", ['"map dumb" is no command', 'did you mean "map dump"']),
    ("map update x 1 2", ["here it is: map set MAP KEY VALUE"]),
    ("map show", ["list maps, or show map ID"]),
    ("map dump", ["MAP is missing"]),
    ("map set x", ["VALUE is missing"]),
    ("map dump x y", ['"y" is one word too many']),
    ("map dump x --limit 0", ["--limit is a whole number from 1"]),
    ("map set x 1 2 --create --existing", ["exclude each other"]),
    ("map get x 1 --timeout 1", ["--timeout needs --expect"]),
    ("map get x 1 --expect 5", [r"--expect is \[PART\]OPERATOR VALUE"]),
    ("map get x 1 --expect '>a'", ['compares whole numbers, and "a" is none']),
    ("watch map set x 1 2", ["watch repeats commands that only read"]),
])
def test_usage(env, line, patterns):
    assert_failed(env.run("-c", line), 2, *patterns)


# ---- what is expected ----


@pytest.mark.parametrize("key, expect, holds", [
    ("numbers 1", "=10", True), ("numbers 1", "==0xa", True), ("numbers 1", "!=10", False),
    ("numbers 1", ">9", True), ("numbers 1", ">10", False), ("numbers 1", ">=10", True),
    ("numbers 1", "<-1", False), ("numbers 1", "<=10", True), ("numbers 1", "<18446744073709551615",
                                                               True),
    ("names eth0", "=GREEN", True), ("names eth0", "!=RED", True), ("names eth0", "=RED", False),
    ("hash '{1, web}'", "small=1", True), ("hash '{1, web}'", "on = false", True),
    ("hash '{1, web}'", "ports[1]<1", True), ("hash '{1, web}'", "inner.at>=0", True),
    ("hash '{1, web}'", "inner.at<0", False), ("kinds.data config", "ports[1].max=4", True),
])
def test_expect(env, kinds, key, expect, holds):
    said = env.run("-c", f"map get {key} --expect '{expect}'")
    assert said.status == (0 if holds else 1), repr(said)
    if not holds:
        assert_said(said.err, f"is [^ ]+, not {expect.lstrip('abcdefghijklmnopqrstuvwxyz.[]')}")


def test_expect_of_a_part_that_is_not_there(env, kinds):
    assert_failed(env.run("map", "get", "numbers", "1", "--expect", "x=1"), 1,
                  'the value has no part "x"')


def test_expect_waits(env, kinds):
    failed = []

    def wait(*argv):
        said = env.run("map", "get", *argv, "--timeout", "30")
        failed.extend([said] if said.status or not said.out else [])
    waiting = [threading.Thread(target=wait, args=("numbers", "1", "--expect", ">10")),
               threading.Thread(target=wait, args=("numbers", "7", "--expect", "=1"))]
    for thread in waiting:
        thread.start()
    env.ok("map", "set", "numbers", "1", "11")
    env.ok("map", "set", "numbers", "7", "1")
    for thread in waiting:
        thread.join()
    assert not failed


def test_expect_gives_up(env, kinds):
    assert_failed(env.run("map", "get", "numbers", "1", "--expect", ">10", "--timeout", "0.1"), 1,
                  "the value is 10, not >10, after 0.1 s")
    assert_failed(env.run("map", "get", "numbers", "5", "--expect", ">1", "--timeout", "0.1"), 1,
                  "not within 0.1 s: numbers has no key 5")
    assert_error_document(env.run("-j", "map", "get", "hash", "{1, web}", "--expect", "small>1",
                                  "--timeout", "0.05"), 1, "small is 1, not >1, after 0.05 s")


def test_waiting_can_be_interrupted(env, kinds):
    child = env.spawn("map", "get", "numbers", "1", "--expect", ">10", "--timeout", "60")
    wait_for(lambda: worker_of(child.pid), "reading begins")
    child.sendintr()
    child.expect("interrupted")
    child.wait()
    assert child.exitstatus == 130


DYING = """#!/usr/bin/python3
import os, subprocess, sys
worker = subprocess.Popen([sys.argv[0] + ".real"], stdin=subprocess.PIPE)
for line in sys.stdin.buffer:
    if b'"%s"' in line:
        worker.kill()
        worker.wait()
        os.kill(os.getpid(), 9)
    worker.stdin.write(line)
    worker.stdin.flush()
worker.stdin.close()
sys.exit(worker.wait())
"""


@pytest.mark.parametrize("op, command, hint", [
    ("map_set", "map set numbers 1 20", "whether it was done is not known: map get tells"),
    ("map_delete", "map delete numbers 1", "whether it was done is not known: map get tells"),
    ("run", "run entry --data hex:00", "whether the program ran is not known"),
])
def test_worker_dies_over_a_change(env, kinds, op, command, hint):
    worker = env.file("dying", DYING % op, 0o700)
    os.symlink(WORKER, str(worker) + ".real")
    name = listed(env)[0]["name"]
    said = env.run("-c", command.replace("entry", name), env={"BPFMAN_WORKER": str(worker)})
    assert_failed(said, 1, "the worker was killed by signal 9", hint)
    assert env.ok("map", "get", "numbers", "1").out.split()[-1] == "10"
