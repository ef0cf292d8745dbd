# SPDX-License-Identifier: GPL-3.0-or-later
"""backup: a copy of the database."""
import os
import shutil
import sqlite3
import threading

import pytest

from helpers import TRIVIAL, assert_failed, listed


@pytest.mark.usefixtures("need_bpf")
def test_it_is_a_database_like_any_other(env, example):
    env.ok("load", example("xdp_pass"), "--label", "a=b")
    env.ok("backup", "copy.db")
    copy = env.dir / "copy.db"
    assert copy.stat().st_mode & 0o7777 == 0o600
    assert os.listdir(env.dir) == ["copy.db"]
    seen = env.ok("-j", "--db", copy, "list").json()
    assert seen == env.ok("-j", "list").json()
    # In the database's place, after what happened since.
    env.ok("unload", "--all")
    for name in os.listdir(env.db.parent):
        if name.startswith("bpfman.db") and not name.endswith(".lock"):
            os.unlink(env.db.parent / name)
    shutil.copy(copy, env.db)
    assert {row["state"] for row in listed(env)} == {"lost"}
    env.ok("restore")
    assert {row["state"] for row in listed(env)} == {"loaded"}
    env.ok("unload", "--all")


@pytest.mark.usefixtures("need_bpf")
def test_while_others_write(env, build_bpf):
    file = build_bpf(TRIVIAL, "one")
    script = "".join(f"load '{file}' --name n{i}; unload n{i}\n" for i in range(40))
    env.ok("load", file)
    writer = threading.Thread(target=lambda: env.ok(stdin=script))
    writer.start()
    for i in range(5):
        env.ok("backup", f"copy{i}")
    writer.join()
    for i in range(5):
        with sqlite3.connect(env.dir / f"copy{i}") as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("SELECT name FROM objects WHERE id = 1").fetchall() == [("one",)]
        db.close()


@pytest.mark.usefixtures("need_bpf")
def test_bad_input(env, example, unchanged):
    env.ok("load", example("xdp_pass"))
    env.file("there", "precious")
    (env.dir / "link").symlink_to("nowhere")
    with unchanged(env):
        assert_failed(env.run("backup", "there"), 1, "there is there already", "overwrites nothing")
        assert_failed(env.run("backup", "link"), 1, "is there already")
        assert_failed(env.run("backup", "no/such/dir"), 1, "cannot write the backup", "No such file")
        assert_failed(env.run("backup"), 2, "FILE")
        assert "would be written" in env.ok("-n", "backup", "copy").out
    assert not (env.dir / "copy").exists()


def test_no_database(env):
    assert_failed(env.run("backup", "copy"), 1, "there is no database")
    assert os.listdir(env.dir) == [] and not env.db.exists()
