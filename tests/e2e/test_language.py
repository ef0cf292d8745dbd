# SPDX-License-Identifier: GPL-3.0-or-later
"""The command language from end to end: words, mistakes, statuses, options, help, completion."""
import os
import re
import signal
import subprocess

import pytest

from conftest import BPFMAN
from helpers import assert_error_document, assert_failed, assert_said, listed, text

# ---- words ----

WORDS = {
    "blanks": "  list \t maps ",
    "newlines": "\n\nlist maps\n\n",
    "no last newline": "list maps",
    "CRLF": "list maps\r\n",
    "CRLF, several": "\r\n# comment\r\nlist maps\r\n\r\n",
    "semicolons": ";;list maps;;",
    "comment": "# list objects\nlist maps # list objects\n#",
    "single quotes": "'list' 'maps'",
    "double quotes": '"list" "maps"',
    "quotes inside a word": "l'is't ma\"p\"s",
    "escapes": r'"l\x69st" "map\x73"',
    "backslash": r"l\ist map\s",
    "continued line": "list \\\n maps\\\n",
    "continued word": "li\\\nst ma\\\r\nps",
    "byte order mark": "\ufefflist maps",
    "end of options": "list -- maps",
}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("way", ["-c", "stdin", "-f", "source"])
def test_words(env, way, name):
    script = env.file("script.txt", WORDS[name])
    if way == "stdin":
        result = env.ok("-j", stdin=WORDS[name])
    else:
        argument = {"-c": WORDS[name], "-f": script, "source": "source script.txt"}[way]
        result = env.ok("-j", "-f" if way == "-f" else "-c", argument)
    assert result.out == '{"maps":[]}\n' and result.err == ""


def test_hash_begins_a_comment_only_at_the_start_of_a_word(env):
    assert_failed(env.run("-c", "show a#b"), 1, '"a#b"')
    assert_failed(env.run("-c", "show '#b'"), 1, '"#b"')
    assert_failed(env.run("-c", r"show \#b"), 1, '"#b"')
    assert_failed(env.run("-c", "show #b"), 2, "is missing")


def test_words_from_the_shell_are_taken_as_they_are(env):
    for word in ("a b", "a;list", "#x", "'q", '"', "\\", "a\nb", "$HOME"):
        shown = word.replace("\n", r"\x0a")
        assert_failed(env.run("show", word), 1, "named \"" + re.escape(shown) + '"')


BAD_TEXT = {
    "single quote": (b"list\n list 'abc\nlist\n", "2:7", "unterminated quote"),
    "double quote": (b'list; show "abc', "1:12", "unterminated quote"),
    "NUL": (b"list\n\nlist \0x\n", "3:6", "NUL byte"),
    "NUL in a comment": (b"# \0\n", "1:3", "NUL byte"),
    "invalid UTF-8": (b"list \xff\n", "1:6", r"invalid UTF-8 \(byte 0xff\)"),
    "invalid UTF-8 in quotes": (b"show '\xc3\xa4\xc3\x28'\n", "1:8", r"invalid UTF-8"),
    "overlong UTF-8": (b"show \xc0\xaf\n", "1:6", "invalid UTF-8"),
    "surrogate": (b"show \xed\xa0\x80\n", "1:6", "invalid UTF-8"),
    "unknown escape": (b'show "a\\q"\n', "1:8", r"unknown escape \\q"),
    "bad hex": (b'show "\\xg1"\n', "1:7", r"\\x needs two hexadecimal"),
    "hex NUL": (b'show "a\\x00"\n', "1:8", r"\\x00: .*NUL"),
}


@pytest.mark.parametrize("name", BAD_TEXT)
@pytest.mark.parametrize("way", ["stdin", "-f", "source"])
def test_text_that_is_none(env, unchanged, way, name):
    content, place, said = BAD_TEXT[name]
    script = env.file("script.txt", content)
    words = {"stdin": [], "-f": ["-f", script], "source": ["-c", f"list; source '{script}'"]}[way]
    where = "stdin" if way == "stdin" else re.escape(str(script))
    status = 1 if way == "source" else 2
    with unchanged(env):
        result = env.run(*words, stdin=content if way == "stdin" else None)
        assert result.status == status and result.out == ("no programs\n" if status == 1 else "")
        assert_said(text(result), f"^{where}:{place}: {said}")
        result = env.run("-j", *words, stdin=content if way == "stdin" else None)
        assert result.raw_err == b"" and result.status == status
        error = result.documents()[-1]["error"]
        assert len(result.documents()) == (2 if way == "source" else 1), repr(result)
        assert_said(f"{error['where']} {error['message']}", f"{where}:{place}", said)


def test_invalid_text_in_an_argument(env):
    assert_failed(env.run("-c", b"list \xff"), 2, r"^-c:1:6: invalid UTF-8 \(byte 0xff\)")
    assert_failed(env.run("-c", "list 'x"), 2, "^-c:1:6: unterminated quote")
    assert_failed(env.run("-c", "list", "-c", '"'), 2, "^-c:1:1: unterminated quote")


def test_nothing_runs_before_everything_is_parsed(env):
    for script in ("list\nlaod x\n", "list\nlist --nope\n", "list\nlist 'x\n", "list\nshow\n"):
        result = env.run(stdin=script)
        assert result.status == 2 and result.out == "", repr(result)
    result = env.run("-c", "list", "-c", "laod")
    assert result.status == 2 and result.out == "", repr(result)


def test_very_long_lines_and_very_many(env, unchanged):
    with unchanged(env):
        comment = b"# " + b"x" * (16 << 20)
        assert env.ok("-j", stdin=comment + b"\nlist maps").out == '{"maps":[]}\n'
        word = b"y" * (16 << 20)
        result = env.run(stdin=b"show " + word, timeout=60)
        assert result.status == 1 and len(result.err) > 16 << 20 and "yyy" in result.err
        blanks = b" " * (16 << 20)
        assert env.ok("-j", stdin=b"list" + blanks + b"maps").out == '{"maps":[]}\n'
        many = env.ok("-j", stdin=b"set quiet off\n" * 100000 + b"list maps\n", timeout=120)
        assert many.out.count("\n") == 100001 and many.out.endswith('{"maps":[]}\n')
        result = env.run(stdin=b"list maps\n" * 99999 + b"laod", timeout=60)
        assert_failed(result, 2, "^stdin:100000: unknown command")
        words = env.run(stdin=b"unload --if-exists" + b" x" * 10000, timeout=120)
        assert (words.status, words.out) == (0, "nothing to unload\n"), repr(words)[-500:]


# ---- source ----


def test_a_script_that_sources_itself(env, unchanged):
    env.file("self.txt", "list maps\nsource self.txt\nlist objects\n")
    env.file("a.txt", "source ./b.txt\n")
    env.file("b.txt", "source ../files/a.txt\n")
    with unchanged(env):
        result = env.run("-c", "source self.txt")
        assert result.status == 1 and result.out == "no maps\n"
        assert_said(text(result), r"^self.txt:2: source: self.txt sources itself\n$")
        assert_failed(env.run("-c", "source a.txt"), 1, "sources itself")
        assert_failed(env.run("-f", "a.txt"), 1, "sources itself")
        assert_error_document(env.run("-j", "-f", "a.txt"), 1, "sources itself")


def test_source_works_to_a_depth_of_16(env):
    env.file("17.txt", "list maps\n")
    for i in range(17):
        env.file(f"{i}.txt", f"source {i + 1}.txt\n")
    assert env.ok("-f", "1.txt").out == "no maps\n"
    assert_failed(env.run("-f", "0.txt"), 1, r"^16.txt:1: source: 17.txt: .*deeper than 16")


def test_mistakes_in_sourced_files(env):
    env.file("inner.txt", "list maps\nlaod\n")
    env.file("outer.txt", "list objects\nsource inner.txt\nlist\n")
    for keep_going, out in (([], "no objects\n"), (["-k"], "no objects\nno programs\n")):
        result = env.run(*keep_going, "-f", "outer.txt")
        assert (result.status, result.out) == (1, out), repr(result)
        assert text(result) == 'inner.txt:2: unknown command "laod"\nhint: did you mean "load"?\n'
    result = env.run("-j", "-f", "outer.txt")
    assert [list(d) for d in result.documents()] == [["objects"], ["error"]]
    assert result.documents()[1]["error"]["where"] == "inner.txt:2"
    assert_failed(env.run("-c", "source nothing.txt"), 1, "^-c:1: source: .*nothing.txt: No such")
    assert_failed(env.run("-c", "source ."), 1, "directory")
    assert env.ok("-c", "source /dev/null; list maps").out == "no maps\n"


def test_scripts_from_pipes(env):
    shell = ["bash", "-c", 'exec "$0" "$@" -f <(echo list maps) -f /dev/null']
    assert env.ok(prefix=shell).out == "no maps\n"
    assert env.ok("-f", "/dev/stdin", stdin="list maps").out == "no maps\n"
    assert env.ok("-c", "source /dev/stdin; list", stdin="list maps").out == \
        "no maps\nno programs\n"


def test_quit_ends_the_session_from_anywhere(env):
    env.file("quit.txt", "list maps\nquit\nlist objects\n")
    assert env.ok("-c", "source quit.txt; list", "-c", "list").out == "no maps\n"
    assert env.ok("-c", "quit; list").out == ""


# ---- misspellings and dialects ----

MISTAKES = [
    ("laod x.o", 2, 'unknown command "laod"', 'did you mean "load"'),
    ("lis", 2, 'unknown command "lis"', 'did you mean "list"'),
    ("''", 2, 'unknown command ""'),
    ("list --lable a=b", 2, '"--lable"', 'did you mean "?--label'),
    ("load x.o --pinpath x", 2, '"--pinpath"', 'did you mean "?--pin-path'),
    ("list program", 2, "programs\\|maps\\|links\\|objects", 'did you mean "programs"'),
    ("list --state lots", 2, "loaded\\|attached\\|lost", 'did you mean "lost"'),
    ("list --sort nam", 2, "--sort is one of", 'did you mean "name"'),
    ("list maps objects", 2, r'^(\S+: list: )?"objects" is one word too many'),
    ("list --type", 2, "--type needs a value"),
    ("list --type a --type b", 2, "--type is given twice"),
    ("list --label nothing", 2, "--label is KEY=VALUE"),
    ("load", 2, "FILE is missing", "usage: load FILE"),
    ("load x.o --ensure=yes", 2, "--ensure takes no value"),
    ("load ''", 2, "FILE is empty"),
    ("load x.o --label a=1 --label b=1 --label a=2", 2, "--label a is given twice"),
    ("load x.o --type p=xdp --type q=tc --type p=tc", 2, "--type p is given twice"),
    ("load x.o --type xdp --type tc", 2, "--type TYPE for all programs is given twice"),
    ("unload", 2, "what to unload is missing"),
    ("unload --all x", 2, "exclude each other"),
    ("show", 2, "ID is missing", r"usage: show \[program\|map\|link\|object\] ID \| file FILE$"),
    ("show thing 3", 2, '"thing" is no kind'),
    ("show program a b", 2, '"b" is one word too many'),
    ("show file", 1, "\"file\""),
    ("help lod", 2, 'did you mean "load"'),
    ("set outptu json", 2, 'did you mean "output"'),
    ("set output xml", 2, "output is table\\|json"),
    ("set quiet maybe", 2, "quiet is on or off"),
    ("set lock-timeout 1.5", 2, "whole number of seconds"),
    ("set db /x", 2, "only when bpfman starts, as --db"),
    ("watch --count 0 list", 2, "--count is a whole number from 1"),
    ("watch -n 0 list", 2, "number of seconds"),
    ("watch -n inf list", 2, "number of seconds"),
    ("watch laod", 2, 'did you mean "load"|unknown command'),
    ("watch unload x", 2, "watch repeats commands that only read"),
    ("watch watch list", 2, "watch repeats commands that only read"),
    ("load --path x.o", 2, "the file is the first argument"),
    ("load x.o --programs xdp:pass", 2, "--program NAME", "section"),
    ("load file x.o", 2, "load FILE|one word too many"),
    ("prog load x.o /sys/fs/bpf/x", 2, "load FILE \\[--program NAME\\] \\[--pin-path PATH\\]"),
    ("prog show", 2, "list programs"),
    ("map list", 2, "list maps"),
    ("program unload 3", 2, "unload PROGRAM"),
    ("ls", 2, "here it is: list"),
    ("rm x", 2, "unload PROGRAM\\|OBJECT"),
    ("exit", 2, "here it is: quit"),
    ("version", 2, "bpfman --version"),
    ("map update pinned /x key 0 value 1", 2, "map"),
    ("link attach xdp", 2, "link|attach"),
]


@pytest.mark.parametrize("line, status, said", [(m[0], m[1], m[2:]) for m in MISTAKES],
                         ids=[m[0] for m in MISTAKES])
def test_mistakes(env, unchanged, line, status, said):
    with unchanged(env):
        assert_failed(env.run("-c", line), status, "^-c:1: ", *said)
        error = assert_error_document(env.run("-j", "-c", line), status, *said)
        assert error["where"] == "-c:1"
        words = [word.strip("'") for word in line.split()]
        assert_failed(env.run(*words), status, "^bpfman: ", *said)


def test_options_of_bpfman_inside_a_script(env):
    assert_failed(env.run("-c", "list --json"), 2, "option of bpfman itself", "`set`")


def test_mistakes_in_the_options_of_bpfman(env, unchanged):
    with unchanged(env):
        for words, *said in (
                (["--otuput", "json", "list"], '"--otuput"', "did you mean --output"),
                (["-o", "xml", "list"], "output is table\\|json"),
                (["--quiet=yes", "list"], "--quiet takes no value"),
                (["list", "--db"], "--db needs a value"),
                (["--db", "", "list"], "empty"),
                (["-c"], "-c needs a value"),
                (["-f"], "-f needs a value"),
                (["list", "-c", "list"], "exclude each other"),
                (["-Z", "list"], "-Z"),
                (["--lock-timeout", "soon", "list"], "whole number of seconds")):
            assert_failed(env.run(*words), 2, *said)
            if "--db" not in words[-1:]:
                assert_error_document(env.run("-j", *words), 2, *said)
        assert_failed(env.run("-f", "nothing.txt"), 2, "nothing.txt: No such file")


# ---- options ----


@pytest.mark.parametrize("words", [
    ["-j", "list", "maps"], ["list", "-j", "maps"], ["list", "maps", "-j"],
    ["list", "maps", "-o", "json"], ["-ojson", "list", "maps"], ["--output=json", "list", "maps"],
    ["--output", "json", "list", "maps"], ["list", "maps", "--json"],
    ["-qj", "-c", "set quiet off", "-c", "list maps"],
    ["-c", "set output json", "-c", "list maps"], ["-j", "list", "--", "maps"]])
def test_options_before_and_after_the_command(env, words):
    assert env.ok(*words).out.splitlines()[-1] == '{"maps":[]}'


def test_environment_is_weaker_than_options(env):
    other = env.dir / "other.db"
    other.write_text("not a database, long enough to be seen as something else " * 20)
    assert env.run("list", env={"BPFMAN_DB": other}).status == 3
    env.ok("list", "--db", env.db, env={"BPFMAN_DB": other})
    assert env.run("list", "--db", other).status == 3


def test_statuses_and_keep_going(env):
    assert env.run("-c", "show 98; list").out == ""
    result = env.run("-k", "-c", "show 98; list; show 99")
    assert (result.status, result.out) == (1, "no programs\n")
    assert_said(text(result), "id 98(.|\n)*id 99")
    result = env.run("-k", "-c", "show 98", "-c", "list")
    assert (result.status, result.out) == (1, "no programs\n")
    result = env.run("-k", "-c", "show 98; verify /bin/true; show 99", "--worker", "/nothing")
    assert result.status == 3, "the gravest counts"
    assert_said(text(result), "/nothing", "id 99")
    assert env.run("-k", "-c", "set keep-going off; show 98; list").out == ""
    assert env.run("-c", "set keep-going on; show 98; list").out == "no programs\n"
    assert env.ok("-c", "").out == env.ok(stdin="").out == env.ok(stdin="# x\n").out == ""


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM),
                                            (signal.SIGHUP, -signal.SIGHUP)])
@pytest.mark.parametrize("keep_going", [[], ["-k"]])
def test_signals_end_a_script(env, number, status, keep_going):
    process = subprocess.Popen([BPFMAN, *keep_going, "-c",
                                "list maps; watch -n 60 list; list objects"],
                               env=env.variables(), cwd=env.dir, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"no maps\n"
        assert process.stdout.readline() == b"no programs\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == status, (out, err)
    assert out == b""


def test_quiet(env):
    assert env.ok("-q", "list").out == env.ok("-q", "-j", "list").out == ""
    assert_failed(env.run("-q", "show", "99"), 1, "nothing has the id 99")
    assert_error_document(env.run("-q", "-j", "-c", "list; show 99"), 1, "nothing has the id 99")


def test_echo_and_timing(env):
    out = env.ok("-x", "-c", "list  'maps' # x\nlist objects").out
    assert out == "> list  'maps'\nno maps\n> list objects\nno objects\n"
    document = env.ok("-x", "--timing", "-j", "list", "maps").json()
    assert document["maps"] == [] and document["command"] == "list maps"
    assert re.fullmatch(r"[1-9]\d*", document["elapsed_ns"])
    out = env.ok("--timing", "list", "maps").out
    assert re.fullmatch(r"no maps\nlist: [\d.]+ (ns|us|ms|s)\n", out)


def test_set_lists_and_changes(env):
    rows = env.ok("-j", "set").json()["options"]
    values = {row["name"]: row["value"] for row in rows}
    assert values == {"output": "json", "keep-going": "off", "quiet": "off", "echo": "off",
                      "timing": "off", "lock-timeout": "30", "color": "auto", "stats": "on",
                      "interval": "1", "pause": "off", "others": "on", "mouse": "off",
                      "pager": "on"}
    changed = env.ok("-c", "set lock-timeout 7; set lock-timeout; set output json; list").out
    assert re.search(r"lock-timeout +7 ", changed) and changed.endswith('{"programs":[]}\n')


# ---- help, completion, watch ----

COMMANDS = ["load", "verify", "list", "show", "unload", "attach", "detach", "keep", "log", "events",
            "stats", "source", "watch", "set", "help", "complete", "quit"]


def test_help(env):
    commands = {c["name"]: c for c in env.ok("-j", "help").json()["commands"]}
    assert set(COMMANDS) <= set(commands)
    assert [n for n, c in commands.items() if c["mutates"] and n in COMMANDS] == \
        ["load", "unload", "attach", "detach", "keep"]
    load = env.ok("-j", "help", "load").json()["commands"]
    assert load == [commands["load"]]
    options = {a["name"]: a for a in load[0]["arguments"]}
    assert {"FILE", "--program", "--pin-path", "--name", "--type", "--label", "--ensure"} <= \
        set(options)
    assert options["FILE"]["required"] and options["--label"]["repeats"]
    out = env.ok("help").out
    assert all(re.search(f"^  {name} ", out, re.M) for name in COMMANDS)
    top = env.ok("--help").out
    assert out.splitlines()[0] in top and "--lock-timeout" in top
    assert env.ok("list", "-h").out == top
    for name in COMMANDS:
        assert env.ok("help", name).out.startswith(name)


def test_version(env):
    versions = env.ok("-j", "--version").json()
    assert {"bpfman", "libbpf", "sqlite", "readline", "ncurses", "kernel"} <= set(versions)
    assert versions["kernel"] == os.uname().release and all(versions.values())
    out = env.ok("-V").out
    assert versions["bpfman"] in out and f"SQLite {versions['sqlite']}" in out
    assert "libbpf" in env.ok("--version", "--worker", "/nothing").out


@pytest.mark.usefixtures("need_bpf")
def test_complete(env, example):
    env.ok("-c", f"load {example('multi')} --name web; load {example('xdp_pass')}")
    env.file("an object.o")
    (env.dir / "scripts").mkdir()
    one = listed(env)[0]["id"]

    def offered(line):
        return env.ok("complete", line).out.splitlines()
    first = {c["name"].split()[0] for c in env.ok("-j", "help").json()["commands"]}
    assert offered("") == sorted(first) == offered(";list; ")
    assert offered("lo") == ["load", "log"] and offered("xy") == offered("xy ") == []
    assert "--pin-path" in offered("load x --") and offered("load x --na") == ["--name"]
    assert offered("load ") == ['"an object.o"', "scripts/"]
    assert offered(f"load {example('multi')} --program multi_") == \
        ["multi_egress", "multi_ingress", "multi_xdp"]
    assert offered(f"load --program x {example('xdp_pass')} --program=") == ["--program=xdp_pass"]
    assert "sched_cls" in offered("load x --type s") and "lost" in offered("list --state ")
    assert offered("list --state=lo") == ["--state=loaded", "--state=lost"]
    assert offered("list ") == ["links", "maps", "objects", "programs"]
    assert offered("unload multi_x") == ["multi_xdp"] and offered("unload object:") == \
        ["object:web", "object:xdp_pass"]
    assert offered("unload web/multi_e") == ["web/multi_egress"]
    assert str(one) in offered(f"show {str(one)[0]}") and "counters" in offered("show map c")
    assert "counters" in offered("upgrade xdp_pass x.o --reset-map c")
    assert offered("upgrade nobody x.o --reset-map ") == []
    assert offered("set out") == ["output"] and offered("set output j") == ["json"]
    assert offered("set quiet o") == ["off", "on"] and offered("help qu") == ["quit"]
    assert offered("watch l") == ["list", "log"]
    assert offered("show file ") == ['"an object.o"', "scripts/"]
    word = env.ok("-j", "complete", "show web/multi_x").json()["candidates"]
    assert word == [{"word": "web/multi_xdp", "start": 5, "final": True}]


def test_watch(env):
    out = env.ok("-j", "watch", "--count", "3", "-n", "0.05", "list", "maps").out
    assert out == '{"maps":[]}\n' * 3
    assert env.ok("-c", "watch --count 2 --interval 0.05 list objects; list").out == \
        "no objects\nno objects\nno programs\n"
    assert_failed(env.run("watch", "--count", "2", "-n", "0.05", "show", "99"), 1, "id 99")
