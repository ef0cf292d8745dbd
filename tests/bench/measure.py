# SPDX-License-Identifier: GPL-3.0-or-later
"""Running commands under the clock, one side after the other, and what comes out of it."""
import os
import signal
import statistics
import time

TIMEOUT = 600  # seconds for one command


class Failed(Exception):
    """A side did not do its work."""


class Side:
    """One of those compared: what it runs, and what is done around that outside the clock.

    name         for the table
    argv         list of words, or a function of the round's number that gives one
    undo         called after each run
    check        called with the path of what the run wrote, before undo; raises Failed
    environment  of the command
    """

    def __init__(self, name, argv, undo=None, check=None, environment=None):
        self.name, self.argv, self.undo, self.check = name, argv, undo, check
        self.environment = os.environ if environment is None else environment
        self.wall, self.cpu = [], []  # seconds, one per round

    def words(self, number):
        words = self.argv(number) if callable(self.argv) else self.argv
        return [str(word) for word in words]


def _alarm(signo, frame):
    raise Failed(f"no end within {TIMEOUT} s")


def execute(argv, output, environment):
    """Runs argv with its output in a file; (seconds, seconds of processor time, with children).

    posix_spawn, not fork: a copy of this interpreter's page tables would be part of the time.
    """
    errors = output + ".err"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
               (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600),
               (os.POSIX_SPAWN_OPEN, 2, errors, flags, 0o600)]
    pid = None
    before = signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(TIMEOUT)
    try:
        begun = time.perf_counter()
        pid = os.posix_spawnp(argv[0], argv, environment, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        took = time.perf_counter() - begun
        pid = None
    except OSError as error:
        raise Failed(f"{argv[0]}: {error.strerror}") from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if status:
        with open(errors, encoding="utf-8", errors="replace") as file:
            said = file.read(2000).strip()
        raise Failed(f"{' '.join(argv)[:200]}: {_ended(status)}: {said}")
    return took, usage.ru_utime + usage.ru_stime


def _ended(status):
    code = os.waitstatus_to_exitcode(status)
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"


def interleave(sides, rounds, output):
    """Runs every side once per round, in turns; the first round warms up and is not counted.

    Who begins changes from round to round: what one leaves to write or to free is paid by each.
    """
    for number in range(-1, rounds):
        shift = number % len(sides)
        for side in sides[shift:] + sides[:shift]:
            wall, cpu = execute(side.words(number + 1), output, side.environment)
            if number >= 0:
                side.wall.append(wall)
                side.cpu.append(cpu)
            if side.check:
                side.check(output)
            if side.undo:
                side.undo()


def _ms(seconds):
    return round(statistics.median(seconds) * 1000, 3)


def _quartiles(values):
    if len(values) < 2:
        return [round(v, 3) for v in values * 3]
    return [round(v, 3) for v in statistics.quantiles(values, n=4, method="inclusive")]


def row(bench, work, side, peer, goal=None):
    """One line of the table: side (bpfman) against peer. The ratio is that of the medians."""
    ratio = statistics.median(side.wall) / statistics.median(peer.wall)
    return {
        "bench": bench, "work": work, "peer": peer.name,
        "bpfman_ms": _ms(side.wall), "peer_ms": _ms(peer.wall), "ratio": round(ratio, 3),
        "goal": goal, "met": None if goal is None else ratio <= goal,
        "rounds": len(side.wall),
        "ratio_quartiles": _quartiles([a / b for a, b in zip(side.wall, peer.wall)]),
        "bpfman_cpu_ms": _ms(side.cpu), "peer_cpu_ms": _ms(peer.cpu),
        "bpfman_samples_ms": [round(s * 1000, 3) for s in side.wall],
        "peer_samples_ms": [round(s * 1000, 3) for s in peer.wall],
    }


COLUMNS = (
    ("work", "<", lambda r: r["work"]),
    ("peer", "<", lambda r: r["peer"]),
    ("bpfman ms", ">", lambda r: _figure(r["bpfman_ms"])),
    ("peer ms", ">", lambda r: _figure(r["peer_ms"])),
    ("ratio", ">", lambda r: f"{r['ratio']:.2f}"),
    ("quartiles", ">", lambda r: "{:.2f}-{:.2f}".format(*r["ratio_quartiles"][::2])),
    ("goal", ">", lambda r: "-" if r["goal"] is None else f"{r['goal']:.2f}"),
    ("met", "<", lambda r: {True: "yes", False: "no", None: "-"}[r["met"]]),
    ("rounds", ">", lambda r: str(r["rounds"])),
    ("cpu ms", ">", lambda r: _figure(r["bpfman_cpu_ms"])),
    ("peer's", ">", lambda r: _figure(r["peer_cpu_ms"])),
)


def _figure(ms):
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def table(rows):
    """The lines of the table; none when there is no row."""
    if not rows:
        return []
    cells = [[title for title, _, _ in COLUMNS]]
    cells += [[text(r) for _, _, text in COLUMNS] for r in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ["  ".join(f"{cell:{align}{width}}" for cell, width, (_, align, _)
                      in zip(line, widths, COLUMNS)).rstrip() for line in cells]
