# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking bpfman-kernel: requests, what they are expected to be answered, objects to load."""
import pathlib

import pytest

from conftest import WORKER

LICENSE = '\nchar LICENSE[] SEC("license") = "GPL";\n'
HEAD = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
"""
MAP = """
struct {
	__uint(type, BPF_MAP_TYPE_%s);
	__uint(max_entries, %d);
	__type(key, __u32);
	__type(value, %s);
} %s SEC(".maps");
"""
# A sanitizer keeps freed memory to find errors.
SANITIZED = b"__asan_init" in pathlib.Path(WORKER).read_bytes()


def program(section, name="probe", body="return 0;", context="void"):
    return f'SEC("{section}") int {name}({context} *ctx) {{ {body} }}\n'


def source(*parts):
    return HEAD + "".join(parts) + LICENSE


def use(name):
    """A body that refers to a map and does nothing with it."""
    return f'asm volatile("" :: "r"(&{name})); return 0;'


def ask(env, check=True, prefix=(), **request):
    """One request, its answer; fields that are None are left out."""
    fields = {k: str(v) if isinstance(v, pathlib.Path) else v for k, v in request.items()
              if v is not None}
    [answer] = env.worker([fields], check=check, prefix=prefix)
    assert answer["op"] == request["op"] and answer["id"] is None
    return answer


def good(env, **request):
    answer = ask(env, **request)
    assert answer["ok"], answer
    return answer["result"]


def bad(env, stage, reason, **request):
    """The error of a request that must fail in this way."""
    answer = ask(env, **request)
    assert not answer["ok"], answer
    error = answer["error"]
    assert (error["stage"], error["reason"]) == (stage, reason), error
    assert error["errno"] > 0 and error["code"].startswith("E") and error["message"]
    return error


def staged(env, number=3, **more):
    return dict(op="load", staging=f"{env.root}/s{number}", final=f"{env.root}/{number}",
                next_id=number + 1, by_name_dir=f"{env.root}/by_name", **more)


@pytest.fixture
def root(env):
    env.root.mkdir()
    return env.root


@pytest.fixture
def xdp(example):
    return example("xdp_pass")


def forget(root, result, parents=()):
    """The request that takes a load of by_name back, with what it shares."""
    rows = [row for row in result["programs"] + result["maps"]
            if not row["pinned_path"].startswith(f"{root}/3/")]
    return dict(op="unpin", dirs=[f"{root}/3", f"{root}/s3"],
                names=[f"{root}/names/one", f"{root}/names/two"], pins=[
        {"path": row["pinned_path"], "pin_dev": row["pin_dev"], "pin_ino": row["pin_ino"]}
        for row in rows], parents=[f"{root}/by_name", f"{root}/names", *map(str, parents)])
