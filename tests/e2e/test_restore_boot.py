# SPDX-License-Identifier: GPL-3.0-or-later
"""restore --boot, and its brakes."""
import shutil
import subprocess

import pytest

from conftest import missing
from helpers import assert_failed, assert_said, only
from test_restore import reboot, restored  # noqa: F401: a fixture
from test_states import sql, states

pytestmark = pytest.mark.usefixtures("need_bpf")


def on_boot(env):
    return {row["name"]: row["on_boot"] for row in
            env.ok("-j", "list", "objects").json()["objects"]}


def test_only_what_asked_for_it(env, example, reboot):  # noqa: F811
    env.ok("-c", f"load '{example('xdp_pass')}' --on-boot; load '{example('tc_count')}'")
    assert on_boot(env) == {"xdp_pass": True, "tc_count": False}
    reboot()
    assert list(restored(env, "--boot")) == ["xdp_pass"]
    assert states(env) == {"xdp_pass": ("loaded", None), "tc_count": ("lost", "reboot")}
    assert env.rows("meta") == [row for row in env.rows("meta") if row["key"] != "boot_begun"]
    reboot()
    assert list(restored(env, "--boot")) == ["xdp_pass"]


def test_ensure_asks_for_it_later(env, example):
    env.ok("load", example("xdp_pass"))
    assert env.ok("-j", "load", example("xdp_pass"), "--ensure", "--on-boot").json()["changed"]
    assert on_boot(env) == {"xdp_pass": True}
    again = env.ok("-j", "load", example("xdp_pass"), "--ensure", "--on-boot").json()
    assert again["changed"] is False


def test_what_did_not_come_to_its_end_is_not_tried_again(env, example, reboot,  # noqa: F811
                                                        unchanged):
    env.ok("load", example("xdp_pass"), "--on-boot")
    reboot()
    sql(env, "INSERT INTO meta (key, value) VALUES ('boot_begun', 'of an earlier boot')")
    env.root.mkdir()
    with unchanged(env):
        result = env.run("restore", "--boot")
        assert result.status == 1
        assert_said(result.out, "did not come to its end")
    assert states(env) == {"xdp_pass": ("lost", "reboot")}
    assert list(restored(env)) == ["xdp_pass"]
    reboot()
    assert list(restored(env, "--boot")) == ["xdp_pass"]


def test_switched_off_on_the_kernels_command_line(env, example, reboot, unchanged):  # noqa: F811
    env.ok("load", example("xdp_pass"), "--on-boot")
    reboot()

    file = env.file("cmdline", "quiet bpfman.restore=0 ro\n")
    prefix = ["unshare", "-m", "bash", "-ec",
              f"mount --bind '{file}' /proc/cmdline\nexec \"$@\"", "bash"]
    env.root.mkdir()
    with unchanged(env):
        result = env.ok("restore", "--boot", prefix=prefix)
        assert_said(result.out, "bpfman.restore=0")
    assert states(env) == {"xdp_pass": ("lost", "reboot")}
    file.write_text("bpfman.restore=01 nobpfman.restore=0\n", encoding="ascii")
    env.ok("restore", "--boot", prefix=prefix)
    assert states(env) == {"xdp_pass": ("loaded", None)}


def test_bad_input(env, example):
    env.ok("load", example("xdp_pass"))
    assert_failed(env.run("restore", "--boot", "xdp_pass"), 2, "exclude each other")


def test_the_unit(env):
    """As installed, but for its program's place."""
    from conftest import BPFMAN, TOP
    if not shutil.which("systemd-analyze"):
        missing("no systemd-analyze")
    text = (TOP / "systemd/bpfman-restore.service.in").read_text(encoding="utf-8")
    unit = env.file("bpfman-restore.service",
                    text.replace("@bindir@/bpfman", BPFMAN).replace("man:", "https://"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True,
                          text=True)
    ours = [line for line in done.stderr.splitlines() if "bpfman" in line]
    assert ours == [], done.stderr
