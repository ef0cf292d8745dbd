# SPDX-License-Identifier: GPL-3.0-or-later
"""export: what is declared, as a script that makes it anew."""
import pytest

from helpers import assert_failed, listed

pytestmark = pytest.mark.usefixtures("need_bpf")


@pytest.fixture
def elsewhere(env):
    """Another machine, so far as bpfman can tell: another database and another pin root."""
    return {"env": {"BPFMAN_DB": str(env.dir / "elsewhere/bpfman.db"),
                    "BPFMAN_PIN_ROOT": str(env.pins / "elsewhere")}}


def everything(env, example, netns):
    """Things of all kinds, with options that are hard to write."""
    where = f"--netns {netns.name}"
    env.ok("load", example("multi"), "--label", "team=net a", "--label", "odd=\\'\"\n;# $x\\n",
           "--global", "sample_every=7", "--global", "limits.longest=1400")
    env.ok("-c", f"load {example('xdp_pass')} --name two --on-boot --pin-path {env.pins}/two;"
           f"load {example('by_name')}; load {example('xdp_pass')} --name user --reuse-map "
           f"counters=two/counters; load {example('tc_count')};"
           f"attach multi/multi_xdp {netns.interface} {where};"
           f"attach multi/multi_ingress {netns.interface} --ingress {where};"
           f"attach tc_count/tc_count {netns.interface} --ingress --before multi/multi_ingress {where};"
           f"map set two/counters 1 77; map set multi/.data budget -5; "
           f"attach multi/multi_egress {netns.interface} --egress {where} --try 60")


def still(script):
    """Without the contents of maps that count packets: some come by themselves."""
    counting = ("map set multi/traffic", "map set multi/.bss", "map set tc_count/by_protocol")
    return [line for line in script.splitlines() if not line.startswith(counting)]


def test_round_trip(env, example, netns, elsewhere):
    everything(env, example, netns)
    script = env.ok("export", "--maps", "--embed").out
    assert script.count("load ") == 5 and script.count("attach ") == 3
    assert "--try" not in script and "multi_egress" not in script  # a trial is no decision
    assert "map set two/counters 1 77\n" in script and "map set multi/.data budget -5\n" in script
    assert "# not written: the contents of the ringbuf multi/samples\n" in script
    assert still(env.ok("-j", "export", "--maps", "--embed").json()["script"]) == still(script)
    before = [(link["program"], link["target_text"]) for link in listed(env, "links")
              if link["program"] != "multi_egress"]
    env.ok("unload", "--all")
    # The files are not needed: they are in the script.
    there = script.replace(str(example("multi")), "/nowhere/multi.bpf.o")
    env.ok(stdin=there, **elsewhere)
    try:
        assert still(env.ok("export", "--maps", "--embed", **elsewhere).out) == still(there)
        links = env.ok("-j", "list", "links", **elsewhere).json()["links"]
        assert [(link["program"], link["target_text"]) for link in links] == before
        assert {link["state"] for link in links} == {"attached"}
        objects = env.ok("-j", "list", "objects", **elsewhere).json()["objects"]
        assert objects[0]["labels"] == {"team": "net a", "odd": "\\'\"\n;# $x\\n"}
        assert [o["on_boot"] for o in objects] == [False, True, False, False, False]
        assert env.ok("map", "get", "two/counters", "1", **elsewhere).out.split()[-1] == "77"
        maps = env.ok("-j", "list", "maps", **elsewhere).json()["maps"]
        assert [len(m["programs"]) for m in maps if m["name"] == "counters"] == [2]
    finally:
        env.ok("unload", "--all", **elsewhere)


def test_of_some(env, example, netns, elsewhere):
    everything(env, example, netns)
    assert env.ok("export", "two").out == \
        f"load {example('xdp_pass')} --pin-path {env.pins}/two --name two --on-boot\n"
    script = env.ok("export", "tc_count").out
    # Beside a link that the script does not make there is no place.
    assert script.splitlines()[1:] == [
        f"attach tc_count/tc_count {netns.interface} --ingress --netns {netns.name}"]
    assert env.ok("export", "user", "two").out.splitlines()[1].endswith(
        "--name user --reuse-map counters=two/counters")
    env.ok("unload", "--all")
    assert env.ok("export").out == "" and env.ok("-j", "export").json() == {"script": ""}


def test_bad_input(env, example, unchanged):
    env.ok("load", example("xdp_pass"))
    with unchanged(env):
        assert_failed(env.run("export", "xdp_pas"), 1, "no object is named", "xdp_pass")
        for wrong in ("", "!!!", "QUJD\n", "QUJDRA"):
            assert_failed(env.run("load", "x.o", "--bytes", wrong), 1,
                          "--bytes of x.o is not base64 of a file")
        assert_failed(env.run("load", "x.o", "--bytes", "QUJD"), 1, "x.o")  # "ABC" is no ELF file
    env.ok("unload", "--all")
