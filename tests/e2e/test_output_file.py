# SPDX-License-Identifier: GPL-3.0-or-later
"""`set output FILE`: what is said goes to a file as well."""
import json
import os
import re
import stat
import subprocess

import pytest

from test_screen import screen  # noqa: F401  pylint: disable=unused-import
from terminal import ENTER, ESC

pytestmark = pytest.mark.usefixtures("need_bpf")
F3 = "\x1bOR"


@pytest.fixture
def small_disk(env):
    """A directory with room for two pages."""
    path = env.dir / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", path], check=True)
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_results_and_failures_go_there_too(env):
    said = env.run("-k", "-c", "list; set output ./said.txt; list maps; show 99; set output -; list objects")
    assert said.status == 1 and said.out == "no programs\nno maps\nno objects\n"
    file = env.dir / "said.txt"
    assert file.read_text() == \
        "no maps\n-c:1: show: nothing has the id 99\nhint: list shows what there is\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_json_goes_there_as_json(env):
    said = env.ok("-j", "-c", "set output ./said; list maps; set output json; list objects")
    file = [json.loads(line) for line in (env.dir / "said").read_text().splitlines()]
    assert file == [{"maps": []}, {}, {"objects": []}]
    assert [json.loads(line) for line in said.out.splitlines()] == [{}] + file


def test_format_and_file_are_two_things(env):
    env.ok("-c", "set output ./a; list maps; set output json; list maps; set output ./b; list maps; "
                 "set output table; list maps")
    assert (env.dir / "a").read_text() == 'no maps\n{"maps":[]}\n{}\n'
    assert (env.dir / "b").read_text() == '{"maps":[]}\n{}\nno maps\n'
    shown = env.ok("-c", "set output ./a; set output").out
    assert f"table, also to {env.dir}/a " in shown


def test_a_file_begins_anew_and_keeps_its_mode(env):
    file = env.dir / "said.txt"
    file.write_text("x" * 10000)
    file.chmod(0o640)
    env.ok("-c", "set output said.txt; list maps")
    assert file.read_text() == "no maps\n" and stat.S_IMODE(file.stat().st_mode) == 0o640


def test_names_are_escaped_and_nothing_is_coloured(env):
    env.run("-k", "--color", "always", "-c", 'set output ./said; show "x\\x1b[31m"; list maps')
    text = (env.dir / "said").read_bytes()
    assert b"\x1b" not in text and rb"x\x1b[31m" in text and text.endswith(b"no maps\n")


def test_dry_run_writes_no_file(env):
    said = env.ok("-n", "-c", "set output ./said; list maps")
    assert "results would go to ./said as well" in said.out and not (env.dir / "said").exists()


REFUSED = [
    ("set output jsno", 2, 'did you mean "json"\\? ./jsno is a file of that name'),
    ("set output saidtxt", 2, 'output is table\\|json, not "saidtxt"(.|\\n)*./saidtxt is a file'),
    ("set output ''", 2, "VALUE is empty"),
    ("set output /", 1, "cannot write to /: Is a directory"),
    ("set output ./nowhere/said", 1, "cannot write to .*/nowhere/said: No such file"),
    ("set output ./link", 1, "/link is a symbolic link"),
    ("set output ./fifo", 1, "cannot write to .*/fifo: "),
    ("set output ./both", 1, "/both: it is no regular file"),
    ("set output /dev/full", 1, "/dev/full: it is no regular file"),
    ("set stats ./said", 2, "stats is on\\|off"),
    ("set interval 0.01", 2, "a number of seconds from 0.125 to 64"),
    ("set interval 1e1", 2, "a number of seconds"), ("set interval nan", 2, "a number of seconds"),
    ("set interval 1.2.3", 2, "a number of seconds"), ("set interval .", 2, "a number"),
    ("set mouse sometimes", 2, "mouse is on or off"), ("set pager less", 2, "pager is on\\|off"),
]


@pytest.mark.parametrize("line, code, said", REFUSED)
def test_refused(env, unchanged, line, code, said):
    target = env.file("target", "kept")
    os.symlink(target, env.dir / "link")
    os.mkfifo(env.dir / "fifo")
    os.mkfifo(env.dir / "both")
    reader = os.open(env.dir / "both", os.O_RDONLY | os.O_NONBLOCK)
    with unchanged(env):
        refused = env.run("-c", line)
    assert refused.status == code and re.search(said, refused.err), refused
    os.close(reader)
    assert (env.dir / "target").read_text() == "kept"


def test_no_option_of_the_shell_s_command_line(env, unchanged):
    for option in ("--interval=2", "--mouse", "--pager=off", "--pause", "--others=off"):
        with unchanged(env):
            refused = env.run(option, "load", "x.o")
        assert refused.status == 2 and f'unknown option "{option}"' in refused.err
        assert f"`set {option[2:].partition('=')[0]}` in a session" in refused.err
    refused = env.run("-o", "./said", "list")
    assert refused.status == 2 and "output is table|json" in refused.err
    assert not (env.dir / "said").exists()


@pytest.mark.parametrize("json_wanted", [False, True])
def test_a_full_disk_is_told_once(env, small_disk, json_wanted):
    option = ["-j"] if json_wanted else []
    said = env.run("-k", *option, "-c",
                   f"set output {small_disk}/said; help; " + "help load; " * 8 + "list maps")
    assert said.status == 1
    whole = said.out + said.err
    assert whole.count("No space left on device") == 1, whole
    assert "results do not go there any more" in whole
    assert said.out.splitlines()[-1] == ('{"maps":[]}' if json_wanted else "no maps")
    assert 0 < (small_disk / "said").stat().st_size <= 8192


def test_a_command_whose_result_cannot_be_written_has_failed(env, small_disk):
    said = env.run("-c", f"set output {small_disk}/said; " + "help; " * 9 + "list maps")
    assert said.status == 1 and "no maps" not in said.out


def test_in_line_mode_and_on_completion(env):
    env.file("said.txt")
    words = [c["word"] for c in env.ok("-j", "complete", "set output ./s").json()["candidates"]]
    assert words == ["./said.txt"]
    words = [c["word"] for c in env.ok("-j", "complete", "set output ").json()["candidates"]]
    assert words == ["json", "table"]


def test_on_the_screen(screen, env, example):  # noqa: F811
    s = screen()
    s.run("list maps", "^no maps")
    s.run("show 99", "^show: nothing has")
    s.type(ESC)
    s.see("Enter detail")
    s.type("\x1b[Z")
    s.see("S save")
    s.type("S")
    s.see_prompt("set output ")
    s.type("./said.txt" + ENTER)
    s.see("^> set output ./said.txt")
    s.see_prompt()
    file = env.dir / "said.txt"
    begun = "> list maps\nno maps\n> show 99\nshow: nothing has the id 99\n" \
            "hint: list shows what there is\n> set output ./said.txt\n"
    assert file.read_text() == begun
    s.run("list objects", "^no objects")
    s.type(ESC)
    s.type("p")
    s.see("> set pause on")
    s.type(":set output -" + ENTER)
    s.see("> set output -")
    s.run("list programs", "^no programs")
    assert file.read_text() == begun + "> list objects\nno objects\n> set pause on\n> set output -\n"


def test_a_full_disk_on_the_screen(screen, small_disk):  # noqa: F811
    s = screen()
    s.run(f"set output {small_disk}/said", "> set output")
    s.run("help load; " * 6 + "list maps", r"cannot\s+write\s+the\s+result:\s+No\s+space\s+left")
    s.run("set output", "^output +table +")
    s.run("list objects", "^no objects")
    assert "No space left" not in s.text().partition("> set output\n")[2]
