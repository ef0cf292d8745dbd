# SPDX-License-Identifier: GPL-3.0-or-later
"""Links whose targets got other names, or that somebody else detached; names that look like options."""
import os
import subprocess

import pytest
from conftest import wait_until
from helpers import HEAD, assert_said, bpftool, listed, only

TWO = HEAD + """
SEC("xdp") int first(void *ctx) { return 2; }
SEC("tc") int second(void *ctx) { return -1; }
SEC("tc") int third(void *ctx) { return -1; }
"""
DIRECTIONS = {"first": [], "second": ["--ingress"]}


@pytest.fixture
def two(env, build_bpf):
    env.ok("load", build_bpf(TWO, "two"))


def rename(netns, name):
    netns.run("ip", "link", "set", netns.interface, "down")
    netns.run("ip", "link", "set", netns.interface, "name", name)
    netns.interface = name


@pytest.mark.parametrize("program", DIRECTIONS)
def test_ensure_knows_an_interface_by_what_it_is(env, netns, two, program):
    words = ["attach", program, *DIRECTIONS[program]]
    link = env.ok("-j", *words, "veth0", "--netns", netns.name).json()["link"]
    rename(netns, "other0")
    with subprocess.Popen([*netns.prefix, "sleep", "600"]) as inside:
        for where in (netns.name, netns.path, f"/var{netns.path}", f"/run/../{netns.path}",
                      f"pid:{inside.pid}"):
            again = env.ok("-j", *words, "other0", "--netns", where, "--ensure").json()
            assert (again["changed"], again["link"]["id"]) == (False, link["id"]), where
        inside.kill()
    again = env.ok("-j", *words, "other0", "--ensure", prefix=netns.prefix).json()
    assert (again["changed"], again["link"]["id"]) == (False, link["id"])
    # One of that name now is another one.
    netns.run("ip", "link", "add", "veth0", "type", "veth", "peer", "name", "vp")
    again = env.ok("-j", *words, "veth0", "--netns", netns.name, "--ensure").json()
    assert again["changed"] is True and len(listed(env, "links")) == 2


@pytest.mark.parametrize("program", DIRECTIONS)
def test_ensure_sees_that_somebody_else_detached_it(env, netns, two, program):
    words = ["-j", "attach", program, *DIRECTIONS[program], "veth0", "--netns", netns.name]
    link = env.ok(*words).json()["link"]
    assert bpftool("link", "detach", "id", link["kernel_id"]) is not None
    again = env.ok(*words, "--ensure").json()
    assert again["changed"] is True and again["link"]["kernel_id"] != link["kernel_id"]
    assert env.ok(*words, "--ensure").json() == {**again, "order": None, "changed": False}
    env.ok("detach", str(link["id"]))
    assert only(listed(env, "links"))["id"] == again["link"]["id"]
    assert env.ok(*words, "--ensure").json()["changed"] is False


@pytest.mark.parametrize("name", ["--first", "-x", "-", "--", 'a"b', "a;b#", "a\\b'", "\x1b[31m"])
def test_what_is_shown_attaches_again(env, netns, two, name):
    rename(netns, name)
    where = ["--netns", netns.name, "--", name]
    link = env.ok("-j", "attach", "first", *where).json()["link"]
    assert link["target"]["interface"] == name
    env.ok("detach", str(link["id"]))
    env.ok("-c", "attach first " + link["target_text"])
    assert only(listed(env, "links"))["target_text"] == link["target_text"]
    env.ok("-c", "detach first " + link["target_text"])
    assert listed(env, "links") == []


def test_another_namespace_with_the_same_inode(env, netns, two):
    """The kernel uses the inodes of namespaces again, and counts the interfaces of each from 1."""
    def ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)

    def same():
        ip("netns", "add", f"{netns.name}{len(later)}")
        later.append(f"{netns.name}{len(later)}")
        return os.stat(f"/run/netns/{later[-1]}").st_ino == inode
    later = []
    words = ["-j", "attach", "second", "veth0", "--ingress", "--netns"]
    link = env.ok(*words, netns.name).json()["link"]
    assert link["target"]["netns_cookie"] == netns.cookie()
    inode = os.stat(netns.path).st_ino
    ip("netns", "del", netns.name)
    try:
        if not wait_until(same):
            pytest.skip("this kernel did not use the inode again")
        ip("-n", later[-1], "link", "add", "veth0", "index", str(link["target"]["ifindex"]), "type",
           "veth", "peer", "name", "vp", "index", "77")
        row = only(listed(env, "links"))
        assert (row["state"], row["lost_reason"]) == ("target_gone", "netns")
        assert env.ok(*words, later[-1], "--ensure").json()["changed"] is True
        assert [row["state"] for row in listed(env, "links")] == ["target_gone", "attached"]
    finally:
        for name in later:
            ip("netns", "del", name)


def test_a_dry_run_knows_the_order_it_plans(env, netns, two, unchanged):
    there = f"veth0 --ingress --netns {netns.name}"
    with unchanged(env):
        out = env.ok("-n", "-c", f"attach second {there}; attach third {there} --before second; "
                     "detach second; detach third").out
        assert_said(out, "would attach third")
