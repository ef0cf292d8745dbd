# SPDX-License-Identifier: GPL-3.0-or-later
"""The full screen on a real terminal: the keys that only a terminal sends, and leaving no trace."""
import os
import re
import signal
import time

import pexpect
import pytest

from conftest import BPFMAN, WORKER
from helpers import HEAD, listed, pin_stranger, run_program, slow_source
from terminal import CTRL_C, ENTER, ESC, F1, PASTE, PASTE_END, PROMPT, TAB, Terminal
from test_atomic import Running

pytestmark = pytest.mark.usefixtures("need_bpf")


class Screen(Terminal):
    def prompt(self):
        """The command line, which stands above the last line."""
        return self.lines()[self.screen.lines - 2]

    def see_prompt(self, typed=""):
        return self.read(lambda: self.prompt() == (PROMPT + typed).rstrip(), f"prompt with {typed!r}")

    def run(self, line, pattern):
        self.type(line + ENTER)
        return self.see(pattern)

    def resize(self, rows, columns):
        self.child.setwinsize(rows, columns)
        self.screen.resize(rows, columns)


@pytest.fixture
def screen(env):
    """screen(*argv): bpfman's full screen."""
    def start(*argv, rows=24, columns=80, **options):
        # Not xterm, whose way of repeating a character pyte does not know.
        s = Screen(env.spawn(*argv, rows=rows, columns=columns, env={"TERM": "screen-256color"},
                             **options), rows, columns)
        s.see_prompt()
        return s
    return start


def test_load_list_unload(screen, env, example):
    s = screen()
    s.see("Nothing is managed yet")
    s.type(f"load {example('xdp_pass')}{ENTER}")
    s.see(r"^> +2 xdp_pass +xdp +loaded")
    s.see("1 program .* 1 map")
    s.type(ESC)
    s.see("Enter detail")
    s.type("U")
    s.see("unload 2\\? This goes:\n  program 2 xdp_pass")
    s.type("n")
    s.see("nothing was changed")
    assert [p["name"] for p in listed(env)] == ["xdp_pass"]
    s.type("U")
    s.see("This goes")
    s.type("y")
    s.see("^> unload 2$")
    s.see("Nothing is managed yet")
    assert listed(env) == []
    s.type("q")
    assert s.ended() == 0


def test_another_session_is_seen_within_a_second(screen, env, example):
    s = screen()
    env.ok("load", example("multi"))
    s.see("multi_egress", timeout=5)
    env.ok("unload", "multi")
    s.see("Nothing is managed yet", timeout=5)


def test_an_undecided_run_is_seen_as_pending(screen, env, example):
    """The screen reads on while a run that is all or nothing holds the locks."""
    env.ok("load", example("xdp_pass"))
    s = screen()
    s.see(r"xdp_pass +xdp +loaded")
    run = Running(env, f"load {example('multi')}", "unload xdp_pass",
                  "map get multi.bss total_packets --expect '>1000000000' --timeout 60")
    s.see(r"multi_egress +\S+ +pending", timeout=10)
    s.see(r"xdp_pass +xdp +pending", timeout=10)
    s.run("help", "help COMMAND tells all of one")
    run.kill()
    env.ok("load", example("by_name"))
    s.see(r"by_name +xdp +loaded", timeout=10)
    s.see(r"xdp_pass +xdp +loaded")
    s.read(lambda: not re.search(r"^>? +\d+ multi_", s.text(), re.M), "end of multi")


def test_a_lost_program_says_so_in_place(screen, env, example):
    env.ok("load", example("multi"))
    s = screen()
    s.see(r"multi_xdp +xdp +loaded")
    os.unlink(env.root / "1" / "p2_multi_xdp")
    s.see(r"multi_xdp +xdp +lost")


def test_numbers_move_under_traffic(screen, env, example, netns):
    env.ok("load", example("xdp_pass"))
    s = screen(columns=100)
    s.see(r"xdp_pass +xdp +loaded")
    s.type(f"attach xdp_pass veth0 --netns {netns.name}" + ENTER)
    s.see(r"xdp_pass +xdp +attached")
    s.see("1 link")
    s.read(lambda: netns.ping(5) or re.search(r"xdp_pass +xdp +attached +[1-9]", s.text()), "runs")
    s.type(ESC)
    s.see("Enter detail")
    s.type(ENTER)
    s.see("Detail: show 2")
    s.type("g")
    s.see("Runs a second")
    s.type("3")
    s.see(rf"veth0 --netns {netns.name}")
    s.type("D")
    s.see("detach 4\\? This goes:\n  link 4 xdp veth0")
    s.type("y")
    s.see("nothing is attached")
    s.type(":set stats off" + ENTER)
    s.see("stats off")


def test_entries_are_read_on_and_tell_how_they_move(screen, env, build_bpf):
    source = HEAD + """
struct traffic { __u64 packets, bytes; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1200);
	__type(key, __u32);
	__type(value, struct traffic);
} table SEC(".maps");
SEC("xdp") int count(void *ctx)
{
	__u32 key = 1199;
	struct traffic *t = bpf_map_lookup_elem(&table, &key);

	if (t) {
		t->packets += 1;
		t->bytes += 100;
	}
	return 2;
}
"""
    row, = env.ok("-j", "load", build_bpf(source, "entries")).json()["programs"]
    s = screen(rows=40, columns=120)
    s.type(ESC)
    s.see("Enter detail")
    s.type(TAB + ENTER)
    s.see(r"Entries of map 3 table \(500 of at most 1200 read\) .* \[1/500\]")
    s.type("z")
    for end in ("1000 of at most 1200 read", r"\[\d+/1200\]", r"\[1200/1200\]"):
        s.type("G")
        s.see(end)
    # What is seen is live, whichever part it is of.
    s.read(lambda: run_program(row["pinned_path"], bytes(64), 5, env.dir)
           or re.search(r"^> 1199 .*\+\S+ packets, \+\S+ bytes$", s.text(), re.M), "it moves")


def test_what_others_run_is_counted_too(screen, env, build_bpf):
    pin = env.pins / "stranger"
    pin_stranger(pin, build_bpf(
        HEAD + 'SEC("xdp") int a_stranger(void *ctx) { return 2; }\n', "a_stranger"))
    s = screen(rows=60, columns=100)
    s.type(ESC)
    s.see("Enter detail")
    s.type("z")
    s.see(r"k:\d+ a_stranger")
    s.read(lambda: run_program(pin, bytes(64), 50, env.dir)
           or re.search(r"a_stranger +xdp +\S+ +[1-9]", s.text()), "its runs")


def test_escape_and_meta(screen):
    s = screen()
    s.type("one two")
    s.see_prompt("one two")
    s.type(ESC + "b")  # Meta: a word back
    s.read(lambda: s.screen.cursor.x == len(PROMPT) + 4, "cursor on two")
    s.type(ESC)
    time.sleep(0.2)  # so that it is a lone one: it does nothing to a line that is not empty
    s.type("x")
    s.see_prompt("one xtwo")


def test_cursor_keys_and_wide_characters(screen):
    s = screen()
    s.type("中文é")
    s.see_prompt("中文é")
    s.read(lambda: s.screen.cursor.x == len(PROMPT) + 5, "cursor behind them")
    s.type("\x1bOD\x1bOD")
    s.read(lambda: s.screen.cursor.x == len(PROMPT) + 2, "cursor on the second")
    s.type("\x7f")
    s.see_prompt("文é")


def test_a_script_is_pasted(screen, env):
    s = screen()
    script = "list maps # not; this\nlist objects\n" + "# a long comment " * 1200 + "\nlist programs"
    assert len(script) > 20000
    s.type(PASTE + script.replace("\n", "\r") + PASTE_END)
    s.read(lambda: s.prompt().endswith("list programs"), "end of the paste")
    assert "no objects" not in s.text(), "nothing runs before Enter"
    s.type(ENTER)
    s.see("no programs")
    s.see_prompt()
    s.type("\x1bOA")  # all of it is one line of the history
    s.read(lambda: s.prompt().endswith("list programs"), "the line again")


def test_sizes(screen, env, example):
    env.ok("load", example("multi"))
    s = screen()
    s.see("multi_xdp")
    s.type("typed")
    for rows, columns, pattern in ((60, 200, "│Output"), (14, 59, "^Programs"), (3, 10, "too small"),
                                   (24, 80, "multi_ingress")):
        s.resize(rows, columns)
        s.see(pattern)
    s.see_prompt("typed")


def test_long_work_leaves_the_screen_alive(screen, env, build_bpf):
    s = screen()
    s.type(f"load '{build_bpf(slow_source(48), 'slow')}'{ENTER}")
    s.see(r"load .* \d\.\d s  \^C cancels")
    s.type("list objec")
    s.see_prompt("list objec")
    s.type("ts" + ENTER)
    s.see("1 waiting")
    s.type(CTRL_C)
    s.see("^load: .*interrupted")
    s.see("1 waiting commands were dropped")
    assert listed(env) == []
    s.type("list maps" + ENTER)
    s.see("no maps")


def test_tab_and_help(screen):
    s = screen()
    s.type("lo" + TAB + TAB)
    s.see("load  log")
    s.type(CTRL_C)
    s.see_prompt()
    s.type(F1)
    s.see("Detail: keys")


@pytest.mark.parametrize("end, status", [("quit" + ENTER, 0), ("\x04", 0), (signal.SIGTERM, 143),
                                         (signal.SIGHUP, 129), (signal.SIGABRT, 134),
                                         (signal.SIGSEGV, 139)])
def test_the_terminal_is_left_as_it_was(env, end, status):
    if status in (134, 139) and "build-san" in BPFMAN:
        pytest.skip("there the sanitizer catches these signals")
    script = 'ulimit -c 0; stty -g >before; "$@"; echo "status $?"; stty -g >after; echo over'
    child = pexpect.spawn("/bin/bash", ["-c", script, "bash", BPFMAN], cwd=str(env.dir),
                          env=env.variables(), dimensions=(24, 80), encoding="utf-8", timeout=20)
    try:
        s = Screen(child)
        s.see_prompt()
        if isinstance(end, str):
            s.type(end)
        else:
            pid, = [p for p in env.processes()
                    if os.readlink(f"/proc/{p}/exe") == os.path.realpath(BPFMAN)]
            os.kill(pid, end)
        s.see("^over")
        assert f"status {status}" in s.text()
        for off, on in (("\x1b[?2004l", "\x1b[?2004h"), ("\x1b[?1049l", "\x1b[?1049h")):
            assert s.raw.rindex(off) > s.raw.rindex(on)
    finally:
        child.close(force=True)
    assert (env.dir / "before").read_text() == (env.dir / "after").read_text()


def test_stop_and_continue(env):
    child = pexpect.spawn("/bin/bash", ["--norc", "--noprofile", "-i"], cwd=str(env.dir),
                          env=dict(env.variables(), PS1="shell> "), dimensions=(24, 80),
                          encoding="utf-8", timeout=20)
    try:
        s = Screen(child)
        s.see("shell>")
        s.type(BPFMAN + ENTER)
        s.see_prompt()
        s.run("set mouse on", "^> set mouse on")
        s.read(lambda: mouse_is_on(s), "mouse")
        s.type("list ma")
        s.see_prompt("list ma")
        s.type("\x1a")
        s.see("Stopped")
        assert not mouse_is_on(s)
        s.type("stty -a | grep -o -- '-raw\\|[-]*icanon'; echo here" + ENTER)
        s.see("^here")
        assert "-icanon" not in s.text()
        s.type("fg" + ENTER)
        s.see_prompt("list ma")
        s.read(lambda: mouse_is_on(s), "mouse again")
        s.type("ps" + ENTER)
        s.see("no maps")
        s.type("quit" + ENTER)
        s.see("^shell>")
    finally:
        child.close(force=True)


@pytest.mark.parametrize("term, said", [("dumb", "cannot hold a screen"), ("nosuch-term", "not known")])
def test_without_a_screen_it_is_the_line_mode(env, term, said):
    t = Terminal(env.spawn(env={"TERM": term}))
    t.see(f'the terminal "{term}".*{said}.*\n?.*line mode')
    t.see_prompt()
    t.type("list maps" + ENTER)
    t.see("^no maps")
    t.type("quit" + ENTER)
    assert t.ended() == 0


def workers(env):
    return [p for p in env.processes()
            if os.readlink(f"/proc/{p}/exe") == os.path.realpath(WORKER)]


def test_a_worker_that_dies_costs_its_command_alone(screen, env, build_bpf, example):
    s = screen()
    s.type(f"load '{build_bpf(slow_source(48), 'slow')}'{ENTER}")
    s.see(r"load .* \d\.\d s  \^C cancels")
    for pid in workers(env):
        os.kill(pid, signal.SIGKILL)
    s.see("^load: .*worker")
    s.see_prompt()
    assert listed(env) == []
    s.type(f"load '{example('xdp_pass')}'{ENTER}")
    s.see(r"xdp_pass +xdp +loaded")
    s.type("quit" + ENTER)
    assert s.ended() == 0
    assert s.raw.rindex("\x1b[?1049l") > s.raw.rindex("\x1b[?1049h")


def test_a_failed_load_is_read(screen, env, example):
    s = screen()
    s.run(f"load '{example('rejected')}'", "^load: unchecked_lookup: R0 invalid mem access")
    s.type(ESC)
    s.see("Enter detail")
    s.type("Lz")
    s.see("^Reason: +unchecked_lookup: R0 invalid mem access 'map_value_or_null'$")
    s.type("/map_value" + ENTER)
    s.see("search map_value")
    s.type("n")
    s.see("^R0 invalid mem access 'map_value_or_null'$")
    env.ok("load", example("xdp_pass"))  # by somebody else, whose log is not what is read
    s.see("1 program ")
    s.see("^R0 invalid mem access 'map_value_or_null'$")
    s.type("g")
    s.see("^Load of: +rejected")


# ---- the mouse ----


def press(button, row, column):
    """A button pressed and let go, as terminals tell it: 0 the left one, 64 and 65 the wheel."""
    place = chr(33 + column) + chr(33 + row)
    return f"\x1b[M{chr(32 + button)}{place}" + (f"\x1b[M#{place}" if button < 64 else "")


def mouse_is_on(s):
    """What was said last about presses being told."""
    said = re.findall(r"\x1b\[\?(?:1006;)?1000([hl])", s.raw)
    return bool(said) and said[-1] == "h"


def test_the_mouse(screen, env, example):
    env.ok("load", example("multi"))
    s = screen()
    s.see("multi_xdp")
    assert "?1000h" not in s.raw and "1000h" not in s.raw, "off until it is asked for"
    s.type("set mouse on" + ENTER)
    s.see("^> set mouse on")
    s.read(lambda: mouse_is_on(s), "mouse")
    row = next(y for y, line in enumerate(s.lines()) if "multi_ingress" in line)
    s.type(press(0, row, 10))
    s.see("^> +[0-9]+ multi_ingress")
    s.type(press(64, row, 10))
    s.see(r"^Programs.*\[1/")
    s.type(press(65, row, 10) + press(64, row, 10))
    s.see(r"^Programs.*\[1/")
    s.type(press(0, row, 10) + press(0, row, 10))
    s.see("Detail: show [0-9]+")
    s.type(":set mouse off" + ENTER)
    s.read(lambda: not mouse_is_on(s), "no mouse")
    s.run("show 99", "^show: nothing has")


@pytest.mark.parametrize("end", ["quit" + ENTER, signal.SIGTERM, signal.SIGABRT])
def test_the_mouse_is_off_when_we_are_gone(screen, end):
    if end == signal.SIGABRT and "build-san" in BPFMAN:
        pytest.skip("there the sanitizer catches it")
    s = screen()
    s.run("set mouse on", "^> set mouse on")
    s.read(lambda: mouse_is_on(s), "mouse")
    if isinstance(end, str):
        s.type(end)
    else:
        os.kill(s.child.pid, end)
    s.read(lambda: not mouse_is_on(s), "mouse off")
