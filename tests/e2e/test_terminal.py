# SPDX-License-Identifier: GPL-3.0-or-later
"""The prompt on a terminal: completion, history, ^C, progress, the rc file, leaving no trace."""
import os
import re
import signal
import stat

import pexpect
import pytest

from conftest import BPFMAN
from helpers import listed, only, slow_source, verifying, wait_for
from terminal import CTRL_C, CTRL_D, PROMPT, REVERSE_SEARCH, TAB, UP, Terminal

pytestmark = pytest.mark.usefixtures("need_bpf")


@pytest.fixture
def terminal(env):
    """terminal(*argv): bpfman's prompt in line mode."""
    def start(*argv, rows=24, columns=80, **options):
        child = env.spawn("--line", *argv, rows=rows, columns=columns, **options)
        t = Terminal(child, rows, columns)
        t.see_prompt()
        return t
    return start


# ---- lines ----


def test_commands_at_the_prompt(terminal, env, example):
    t = terminal(columns=200)
    assert t.run("list") == ["no programs"]
    said = t.run(f"load {example('xdp_pass')}")
    assert 'object 1 "xdp_pass" loaded from' in said[0]
    assert t.run("list objects; list maps # both")[0].split()[:2] == ["ID", "NAME"]
    assert t.run("show 99") == ["show: nothing has the id 99", "hint: list shows what there is"]
    assert t.run("show 'x") == ["prompt:1:6: unterminated quote"]
    assert t.run("") == []
    assert t.run("unload xdp_pass")[1].split() == ["2", "program", "xdp_pass"]
    t.type("quit\r")
    assert t.ended() == 0
    assert t.raw.rindex("\x1b[?2004l") > t.raw.rindex("\x1b[?2004h"), "bracketed paste is off again"


def test_the_end(terminal):
    t = terminal()
    t.type(CTRL_D)
    assert t.ended() == 0
    t = terminal()
    t.type("show 99\r")
    t.see("nothing has")
    t.type("list" + CTRL_D)  # deletes the character under the cursor, of which there is none
    t.see_prompt("list")
    t.type("\r" + CTRL_D)
    assert t.ended() == 0, "the last command went well"


def test_prefixes_of_commands_that_change_nothing(terminal, env, example):
    env.ok("load", example("xdp_pass"))
    t = terminal()
    assert t.run("lis objects")[1].split()[1] == "xdp_pass"
    assert t.run("l") == ['"l" is ambiguous: list, log']
    assert t.run("unl xdp_pass") == ['unknown command "unl"', 'hint: did you mean "unload"?']
    assert t.run("unloa xdp_pass")[0] == 'unknown command "unloa"'
    assert only(listed(env))["name"] == "xdp_pass"
    env.file("script.txt", "lis\n")
    assert t.run("source script.txt")[0] == 'script.txt:1: unknown command "lis"'


def test_ctrl_c_clears_the_line(terminal):
    t = terminal()
    t.type("unload --all")
    t.see_prompt("unload --all")
    t.type(CTRL_C)
    t.see_prompt()
    assert "bpfman> unload --all^C" in t.text()
    assert t.run("list") == ["no programs"]
    t.type(REVERSE_SEARCH + "li")
    t.see("reverse-i-search")
    t.type(CTRL_C)
    t.see_prompt()
    assert t.run("list maps") == ["no maps"]


def test_pasted_lines_wait_for_enter(terminal):
    t = terminal()
    t.type("\x1b[200~list maps\nlist objects # x\nlist\x1b[201~")
    t.see("list objects")
    assert "no maps" not in t.text()
    t.type("\r")
    t.see("^no maps\nno objects\nno programs\n")
    t.see_prompt()


# ---- Tab ----


COMPLETIONS = [
    ("verif", "verify "), ("set outp", "set output "), ("set output j", "set output json "),
    ("list obj", "list objects "), ("load --pin", "load --pin-path "), ("help qu", "help quit "),
    ("list --state=lo", "list --state=lo"), ("list;sho", "list;show "),
    ("load spa", 'load "spaced name.o" '), ("load 'spa", 'load "spaced name.o" '),
    ("load {multi} --program multi_i", "load {multi} --program multi_ingress "),
    ("load {multi} --program mul", "load {multi} --program multi_"),
    ("unload multi_i", "unload multi_ingress "), ("unload object:w", "unload object:web "),
    ("unload web/multi_e", "unload web/multi_egress "), ("show 1", "show 1 "),
    ("source scr", "source scripts/"), ("source scripts/o", "source scripts/one.txt "),
    ("xyz", "xyz"),
]


def test_tab(terminal, env, example):
    env.ok("load", example("multi"), "--name", "web")
    env.file("spaced name.o")
    (env.dir / "scripts").mkdir()
    env.file("scripts/one.txt")
    os.symlink(example("multi"), env.dir / "multi.o")
    t = terminal()
    for typed, completed in COMPLETIONS:
        t.type(typed.format(multi="multi.o") + TAB)
        t.see_prompt(completed.format(multi="multi.o"))
        t.type(CTRL_C)
        t.see_prompt()
    t.type("lo" + TAB)
    t.see_prompt("lo")
    t.see("load +log")
    t.type(CTRL_C)
    t.type("unload mul" + TAB + TAB)
    t.see("multi_egress +multi_ingress +multi_xdp")
    t.see_prompt("unload multi_")


# ---- history ----


def test_history(terminal, env):
    t = terminal()
    for line in ("list maps", "list objects", "list objects", " list programs", "show 99"):
        t.run(line)
    path = env.db.parent.parent / ".local/state/bpfman/history"
    assert path.read_text() == "list maps\nlist objects\nshow 99\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = terminal()
    other.type(UP)
    other.see_prompt("show 99")
    other.type(UP + UP)
    other.see_prompt("list maps")
    other.type(CTRL_C)
    other.see_prompt()
    other.type(REVERSE_SEARCH + "obj")
    other.see(r"\(reverse-i-search\)`obj': list objects")
    other.type("\r")
    other.see("^no objects$")
    other.see_prompt()
    t.run("list programs --state lost")
    # Each was added when it was entered: neither session loses the other's.
    assert path.read_text().splitlines()[2:] == ["show 99", "list objects",
                                                 "list programs --state lost"]
    elsewhere = terminal(env={"XDG_STATE_HOME": env.dir / "xdg"})
    elsewhere.run("list")
    assert (env.dir / "xdg/bpfman/history").read_text() == "list\n"


def test_history_that_cannot_be_written_is_no_failure(terminal, env):
    env.file("blocked")
    t = terminal(env={"XDG_STATE_HOME": env.dir / "blocked"})
    assert t.run("list") == ["no programs"]
    t = terminal(env={"XDG_STATE_HOME": None, "HOME": None})
    assert t.run("list") == ["no programs"]


def test_searches_that_are_left_by_any_key(terminal):
    """Where readline would enter itself, and lose count of who owns what can be undone."""
    t = terminal()
    for line in ("list maps", "list objects", "help quit", "show 99"):
        t.run(line)
    for key in (UP, "\x1b[B", "\x1b[C", "\x1b[3~", "\x1bb", "\x1b.", "\x1f", "\x01", "\x19", "\x10",
                "\x18\x15", TAB):
        for found in ("list", "he", "zebra"):
            t.type(REVERSE_SEARCH + found + key + UP + "\x1f" + REVERSE_SEARCH + "s" + key + CTRL_C)
    t.type(CTRL_C)
    t.see_prompt()
    assert t.run("list programs") == ["no programs"]


# ---- long work ----


@pytest.fixture
def slow(build_bpf):
    return build_bpf(slow_source(12), "slow")


def test_long_work_shows_what_it_is_and_how_long(terminal, slow, env):
    t = terminal(columns=200)
    t.type(f"load '{slow}'\r")
    first = float(t.see(r"^. load.*  (\d+\.\d) s  \^C cancels$").group(1))
    t.see(rf"(?!.* {first} s).* \d+\.\d s  \^C cancels$")
    t.see(r"slow0 .*loaded", timeout=60)
    t.see_prompt()
    assert "cancels" not in t.text(), "the progress line goes"
    assert len(listed(env)) == 12


def test_ctrl_c_cancels_long_work(terminal, slow, env):
    t = terminal(columns=200)
    t.run("list")
    with_session = set(env.processes())
    t.type(f"load '{slow}'\r")
    worker = wait_for(lambda: verifying(t.child.pid), "the worker verifies")
    t.type(CTRL_C)
    t.see("^load: .*interrupted")
    t.see_prompt()
    assert worker not in env.processes() and set(env.processes()) >= with_session
    assert env.rows("objects") == [] and \
        [name for name in os.listdir(env.root) if name[0] in "s0123456789"] == []
    assert t.run("list") == ["no programs"]
    t.type(f"verify '{slow}'\r")
    t.see(r"verify.*cancels")
    t.type(CTRL_C)
    t.see("^verify: .*interrupted")
    t.see_prompt()
    t.type("quit\r")
    assert t.ended() == 0


def test_ctrl_c_ends_watch(terminal):
    t = terminal()
    t.type("watch -n 0.05 list maps\r")
    t.see("^no maps\nno maps\n")
    t.type(CTRL_C)
    t.see_prompt()
    assert t.run("list") == ["no programs"]


def test_statistics_at_the_prompt(terminal, env, example):
    t = terminal(columns=120)
    t.run(f"load '{example('xdp_pass')}'")
    lines = t.run("stats --interval 0.7 --count 2")  # the progress line makes place for each
    assert [line.split()[0] for line in lines] == ["ID", "2", "ID", "2"]
    t.type("stats --interval 600\r")
    t.see(r"stats.* \d+\.\d s  \^C cancels$")
    assert any("bpf-stats" in held for held in descriptors(env))
    t.type(CTRL_C)
    t.see("^stats: .*interrupted")
    t.see_prompt()
    assert not any("bpf-stats" in held for held in descriptors(env))
    assert t.run("list maps --type hash") == ["no maps"]


def descriptors(env):
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for pid in env.processes()
            for fd in os.listdir(f"/proc/{pid}/fd")]


def test_progress_of_one_command_from_the_shell(env, slow):
    t = Terminal(env.spawn("verify", slow, columns=200), columns=200)
    t.see(r"verify.* \d+\.\d s  \^C cancels$")
    t.type(CTRL_C)
    t.see("interrupted")
    assert t.ended() == 130


# ---- long results ----


PAGERS = [{"PAGER": None}, {"PAGER": None, "LESS": "X"}, {"PAGER": "less -X"}, {"PAGER": "more"}]


@pytest.mark.parametrize("environment", PAGERS)
def test_what_is_longer_than_the_terminal_is_paged(terminal, environment):
    t = terminal(env=environment)
    t.type("help load\r")
    t.see(r"^load FILE")
    t.read(lambda: re.match(r":|--More--", t.line()), "the pager's prompt")
    assert "Refused" not in t.text()
    for _ in range(40):
        t.type(" ")
        t.see(r"(?s).")
        if re.search(r"^(\(END\)|bpfman>)", t.line() + "\n", re.M):
            break
    t.type("q")
    t.see_prompt()
    assert t.run("list maps")[-1] == "no maps"


def test_a_pager_that_is_left_early_is_no_failure(terminal):
    t = terminal(env={"PAGER": "less -X"})
    t.type("help load\r")
    t.read(lambda: t.line() == ":", "pager")
    t.type("q")
    t.see_prompt()
    t = terminal(env={"PAGER": "head -n 1; echo over"})
    t.type("help load; " * 40 + "help\r")  # more than a pipe holds
    t.see("^over\n.*bpfman>")
    assert "cannot write" not in t.text()
    t.type(CTRL_D)
    assert t.ended() == 0


def test_ctrl_c_is_the_pager_s(terminal):
    t = terminal(env={"PAGER": "less -X"})
    t.type("help\r")
    t.read(lambda: t.line() == ":", "pager")
    t.type(CTRL_C)
    # less, or the terminal, may drop what comes right behind it.
    t.read(lambda: t.line().startswith(PROMPT) or t.type("q"), "prompt")
    t.type(CTRL_C)
    t.see_prompt()
    assert "interrupted" not in t.text()
    assert t.run("list maps")[-1] == "no maps"


@pytest.mark.parametrize("options, environment", [
    ([], {"PAGER": ""}), ([], {"PAGER": "cat"}), ([], {"TERM": "dumb"}), (["set pager off"], {}),
    (["set pager on", "set pager off"], {})])
def test_not_paged(terminal, options, environment):
    t = terminal(env={"PAGER": "echo paged; cat", **environment})
    for line in options:
        t.run(line)
    t.type("help load; show 99\r")
    t.see("^hint: list shows what there is\n.*bpfman>")
    assert "paged" not in t.raw.replace("echo paged", "") and "load FILE" in t.raw


def test_what_fits_is_not_paged(terminal):
    pager = {"PAGER": "echo paged; cat"}
    t = terminal(rows=24, columns=200, env=pager)
    t.run("list; list maps; show 99")
    assert "paged" not in t.raw
    t.type("watch -n 0.05 list maps\r")
    t.see("(no maps\n){20}")
    t.type(CTRL_C)
    t.see_prompt()
    assert "paged" not in t.raw
    long = terminal(rows=24, columns=20, env=pager)  # lines that take several rows are long too
    long.type("set\r")
    long.read(lambda: "paged" in long.raw, "pager")
    long.see_prompt()


def test_no_control_bytes_reach_the_pager(terminal, env):
    t = terminal("--color", "always", env={"PAGER": "cat -v; echo over"})
    t.type("help load; show 'x\x16\x1b[31m'; list maps\r")
    t.see("^over")
    said = t.raw[t.raw.rindex("load FILE"):]
    assert "^[" not in said and r"x\x1b[31m" in said


def test_a_pager_that_is_not_there(terminal):
    t = terminal(rows=60, env={"PAGER": "/nowhere/pager"})
    t.type("help load; help attach; show 99\r")
    t.see("^hint: list shows what there is\n.*bpfman>")
    assert "/nowhere/pager: not found" in t.raw and "attach PROGRAM" in t.raw


def test_scripts_never_page(env):
    t = Terminal(env.spawn("-c", "help; help load", env={"PAGER": "echo paged; cat"}))
    assert t.ended() == 0
    assert "paged" not in t.raw and "load FILE" in t.raw


def test_a_signal_ends_pager_and_session(terminal, env):
    t = terminal(env={"PAGER": "less -X"})
    t.type("help\r")
    t.read(lambda: t.line() == ":", "pager")
    os.kill(t.child.pid, signal.SIGTERM)
    assert t.ended() == -signal.SIGTERM
    assert not env.processes()


# ---- the terminal as it was ----


@pytest.mark.parametrize("end, status", [("quit\r", 0), (CTRL_D, 0), (signal.SIGTERM, 143),
                                         (signal.SIGHUP, 129)])
def test_the_terminal_is_left_as_it_was(env, end, status):
    script = 'stty -g >before; "$@"; echo "status $?"; stty -g >after; echo over'
    child = pexpect.spawn("/bin/bash", ["-c", script, "bash", BPFMAN, "--line"], cwd=str(env.dir),
                          env=env.variables(), dimensions=(24, 80), encoding="utf-8", timeout=20)
    try:
        t = Terminal(child)
        t.see_prompt()
        t.run("list")
        if isinstance(end, str):
            t.type(end)
        else:
            pid, = [p for p in env.processes()
                    if os.readlink(f"/proc/{p}/exe") == os.path.realpath(BPFMAN)]
            os.kill(pid, end)
        t.see("^over$")
        assert f"status {status}" in t.text()
        assert t.raw.rindex("\x1b[?2004l") > t.raw.rindex("\x1b[?2004h")
    finally:
        child.close(force=True)
    assert (env.dir / "before").read_text() == (env.dir / "after").read_text()


def test_a_terminal_that_goes_away_ends_the_session(terminal, env):
    t = terminal()
    t.run("list")
    os.close(t.child.child_fd)
    t.child.closed = t.child.ptyproc.closed = True
    wait_for(lambda: not env.processes(), "end")


def test_stop_and_continue(env):
    child = pexpect.spawn("/bin/bash", ["--norc", "--noprofile", "-i"], cwd=str(env.dir),
                          env=dict(env.variables(), PS1="shell> "), dimensions=(24, 80),
                          encoding="utf-8", timeout=20)
    try:
        t = Terminal(child)
        t.read(lambda: t.line() == "shell> ", "shell")
        t.type(f"{BPFMAN} --line\r")
        t.see_prompt()
        t.type("list ma")
        t.see_prompt("list ma")
        t.type("\x1a")
        t.read(lambda: t.line() == "shell> ", "shell")
        t.see("Stopped")
        t.type("echo here\r")
        t.see("^here$")
        t.type("fg\r")
        t.read(lambda: t.line().startswith(PROMPT + "list ma"), "prompt with the line")
        t.type("ps\r")
        t.see("^no maps$")
        t.type("quit\r")
        t.read(lambda: t.line() == "shell> ", "shell")
    finally:
        child.close(force=True)


def test_a_dumb_terminal_gets_no_sequences(env):
    t = Terminal(env.spawn(env={"TERM": "dumb"}))
    t.see_prompt()
    t.type("show 99\r")
    t.see("nothing has")
    t.type("quit\r")
    assert t.ended() == 0
    assert "\x1b" not in t.raw, repr(t.raw)


def test_no_color(terminal):
    for options, environment, colored in (([], {}, True), (["--color", "never"], {}, False),
                                          ([], {"NO_COLOR": "1"}, False),
                                          (["--color", "always"], {"NO_COLOR": "1"}, True)):
        t = terminal(*options, env=environment)
        t.run("show 99")
        assert ("\x1b[1;31m" in t.raw) is colored, options


# ---- the rc file ----


def test_rc_file(terminal, env):
    home = env.db.parent.parent
    rc = home / ".config/bpfman/rc"
    rc.parent.mkdir(parents=True)
    rc.write_text("list objects\nset timing on\n")
    t = terminal()
    assert t.lines()[0] == "no objects"
    assert re.fullmatch(r"list: [\d.]+ \w+", t.run("list maps")[1])
    assert terminal("--no-rc").lines()[0] == PROMPT.strip()
    assert env.ok("list", "maps").out == "no maps\n", "only interactive sessions read it"
    os.chown(rc, 65534, 65534)
    t = terminal()
    assert "is not yours, and was not read" in t.text() and "no objects" not in t.text()
    os.chown(rc, 0, 0)
    rc.write_text("list objects\nlaod\n")
    t = terminal()
    t.see(r"rc:2: unknown command \"laod\"")
    assert t.run("list maps") == ["no maps"]
    rc.write_text("list objects\nquit\n")
    t = Terminal(env.spawn("--line"))
    assert t.ended() == 0
    other = env.dir / "xdg"
    (other / "bpfman").mkdir(parents=True)
    (other / "bpfman/rc").write_text("list maps\n")
    assert terminal(env={"XDG_CONFIG_HOME": other}).lines()[0] == "no maps"
