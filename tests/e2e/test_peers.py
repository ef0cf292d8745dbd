# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that Debian ships with libxdp: loaded, attached in a veth, unloaded; by their names."""
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import missing
from helpers import assert_failed, listed, only, wait_until_freed

PACKAGE = "libxdp1"
# Object, program that is attached, what its maps are.
OBJECTS = [
    ("xdp-dispatcher", "xdp_dispatcher", {"array"}),
    ("xdpfilt_alw_all", "xdpfilt_alw_all", {"percpu_array", "percpu_hash"}),
    ("xdpfilt_dny_ip", "xdpfilt_dny_ip", {"percpu_array", "percpu_hash"}),
    ("xdpfilt_dny_tcp", "xdpfilt_dny_tcp", {"percpu_array"}),
    ("xdpdump_xdp", "xdpdump", {"array", "perf_event_array"}),
    ("xsk_def_xdp_prog", "xsk_def_prog", {"array", "xskmap"}),
]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The directory of the package's objects: installed, kept by an earlier run, or downloaded."""
    kept = os.environ.get("BPFMAN_OBJECTS")
    cache = pathlib.Path(kept, "shipped") if kept else tmp_path_factory.mktemp("shipped")
    places = [*pathlib.Path("/usr/lib").glob("*/bpf/xdp-dispatcher.o"),
              *cache.glob("**/xdp-dispatcher.o")]
    if not places:
        if not shutil.which("apt-get"):
            missing(f"no objects of {PACKAGE}, and no apt-get for them")
        cache.mkdir(exist_ok=True)
        done = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", PACKAGE],
                              cwd=cache, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"{PACKAGE} cannot be downloaded: {done.stderr.strip()}")
        [package] = cache.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", package, cache], check=True, timeout=60)
        places = [*cache.glob("**/xdp-dispatcher.o")]
    return places[0].parent


@pytest.mark.parametrize("name, program, kinds", OBJECTS, ids=[row[0] for row in OBJECTS])
def test_shipped_object(env, netns, shipped, unchanged, name, program, kinds):
    with unchanged(env):
        env.ok("load", shipped / f"{name}.o")
        assert program in [row["name"] for row in listed(env)]
        assert {row["type"] for row in listed(env, "maps")} == kinds
        env.ok("attach", program, "veth0", "--netns", netns.name)
        link = only(listed(env, "links"))
        assert (link["type"], link["state"]) == ("xdp", "attached")
        ids = [row["kernel_id"] for row in listed(env)]
        env.ok("unload", f"object:{name}")
        wait_until_freed("prog", *ids)
        assert not listed(env, "maps")


def test_an_object_that_is_for_another_program(env, shipped, need_bpf, unchanged):
    """Its section, fentry/func, is a placeholder for a function of a program that it watches."""
    with unchanged(env):
        assert_failed(env.run("load", shipped / "xdpdump_bpf.o"), 1, "trace_on_entry", "'func'",
                      "this kernel has no such function|refuses programs of type tracing")
