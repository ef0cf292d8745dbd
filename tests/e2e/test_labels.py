# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels: given by load, asked for by list and unload."""
import pytest

from helpers import assert_failed, listed

pytestmark = pytest.mark.usefixtures("need_bpf")


@pytest.fixture
def labelled(env, example):
    """one: team=net, tier=edge; two: team=net, tier=core; three: none."""
    path = example("xdp_pass")
    env.ok("-c", f"load {path} --name one --label team=net --label tier=edge; "
                 f"load {path} --name two --label team=net --label tier=core; "
                 f"load {path} --name three")
    return path


def names(env, *words):
    return [row["name"] for row in listed(env, "objects", *words)]


def test_list_finds_what_has_all_of_them(env, labelled):
    assert names(env, "--label", "team=net") == ["one", "two"]
    assert names(env, "--label", "team=net", "--label", "tier=core") == ["two"]
    assert names(env, "--label", "team=ne") == names(env, "--label", "team=") == []
    assert [row["object"] for row in listed(env, "programs", "--label", "tier=edge")] == ["one"]
    assert [row["object"] for row in listed(env, "maps", "--label", "tier=edge")] == ["one"]
    assert listed(env, "objects")[0]["labels"] == {"team": "net", "tier": "edge"}
    assert listed(env, "objects")[2]["labels"] == {}
    assert "team=net, tier=edge" in env.ok("show", "object:one").out


def test_unload_by_label(env, labelled, unchanged):
    with unchanged(env):
        for words in (["--label", "team=web"], ["--label", "team=web", "--if-exists"]):
            assert "nothing to unload" in env.ok("unload", *words).out
        assert "one" in env.ok("-n", "unload", "--label", "team=net").out
    env.ok("unload", "--label", "team=net", "--label", "tier=edge")
    assert names(env) == ["two", "three"]
    env.ok("unload", "--label", "team=net")
    assert names(env) == ["three"]
    env.ok("unload", "--all")
    with unchanged(env):
        for words in (["--all"], ["--all", "--if-exists"], ["one", "--if-exists"]):
            assert "nothing to unload" in env.ok("unload", *words).out
        assert_failed(env.run("unload", "one"), 1, 'is named "one"')


def test_ensure_asks_for_labels_too(env, labelled, unchanged):
    with unchanged(env):
        for words in (["--label", "team=net"], ["--label", "team=net", "--label", "tier=edge"], []):
            document = env.ok("-j", "load", labelled, "--name", "one", "--ensure", *words).json()
            assert document["changed"] is False
        assert_failed(env.run("load", labelled, "--name", "one", "--ensure", "--label",
                              "team=web", "--program", "xdp_pass"), 1, "taken",
                      "differs in --program, --label;")


@pytest.mark.parametrize("words, pattern", [
    (["list", "--label", "team"], "KEY=VALUE"), (["list", "--label", "=x"], "KEY=VALUE"),
    (["unload", "--label", "team"], "KEY=VALUE"),
    (["unload", "one", "--label", "team=net"], "exclude each other"),
    (["unload", "--all", "--label", "team=net"], "exclude each other"),
    (["load", "{path}", "--name", "four", "--label", "team"], "KEY=VALUE"),
    (["load", "{path}", "--name", "four", "--label", "a=1", "--label", "a=2"], "given twice")])
def test_usage(env, labelled, unchanged, words, pattern):
    with unchanged(env):
        assert_failed(env.run(*[word.format(path=labelled) for word in words]), 2, pattern)


def test_completion(env, labelled):
    env.ok("load", labelled, "--name", "four", "--label", "with blank=a b")

    def complete(line):
        return env.ok("complete", line).out.splitlines()
    assert complete("list --label ") == ["team=net", "tier=core", "tier=edge", '"with blank=a b"']
    assert complete("unload --label tier=") == ["tier=core", "tier=edge"]
    assert complete(f"load {labelled} --label te") == ["team=net"]
