# SPDX-License-Identifier: GPL-3.0-or-later
"""The benches: each is a function (world, scale, rounds) that gives rows of the table."""
import collections
import json

from measure import Failed, Side, execute, interleave, row
from world import remove_tree

# loads: in one script; links: of one program; programs: for list; sizes: objects managed; entries:
# of a map; slow: a slow one gets the rounds divided by it; goals: whether they can be asked of so
# few.
Scale = collections.namedtuple("Scale", "loads links programs sizes entries slow goals")
FULL = Scale(100, 100, 5000, (10, 1000, 5000), 100000, 5, True)
QUICK = Scale(5, 4, 40, (2, 20, 40), 200, 1, False)


def _goal(scale, ratio):
    return ratio if scale.goals else None


def _pins(top):
    """How many pins there are below a directory of bpffs."""
    return sum(1 for path in top.rglob("*") if not path.is_dir())


class Twins:
    """bpfman and its peers doing the same loads; each with its own place for pins."""

    def __init__(self, world):
        self.world, self.sides, self.tops, self.pins = world, [], [], 0

    def add(self, name, argv, top, undo, environment=None):
        def check(_):
            found = _pins(top)
            if found != self.pins:
                raise Failed(f"{name} left {found} pins, not {self.pins}")
        self.sides.append(Side(name, argv, undo, check, environment))
        self.tops.append(top)

    def run(self, programs, rounds):
        """Has each do its work once and compares it, then measures."""
        for side in self.sides:
            self.world.output(*side.words(0), environment=side.environment)
        self.world.same_work(self.tops, programs)
        counts = [_pins(top) for top in self.tops]
        self.pins = counts[0]
        if len(set(counts)) != 1:
            raise Failed(f"not as many pins: {counts}")
        for side in self.sides:
            side.undo()
        interleave(self.sides, rounds, self.world.results)


def cold(world, scale, rounds):
    """One load from the shell, durable when the command has ended; bpftool has no database."""
    path, store, top = world.example("xdp_pass"), world.store("cold"), world.peer_directory()
    twins = Twins(world)
    twins.add("bpfman", [world.bpfman, "load", path], store.pins,
              lambda: store.bpfman("-q", "unload", "xdp_pass"), store.environment)
    twins.add("bpftool", [world.bpftool, "prog", "load", path, top / "program", "pinmaps",
                          top / "maps"], top, lambda: remove_tree(top))
    twins.run(1, rounds)
    ours, peer = twins.sides
    return [row("cold", "one load, cold, durable", ours, peer, _goal(scale, 2.5))]


def _many(world, scale, rounds, example, work, bench, goal):
    path, store, top = world.example(example), world.store(bench), world.peer_directory()
    bare, helper = world.peer_directory(), world.helper("bare_load")
    numbers = range(scale.loads)
    script = store.script(bench + ".bpfman", (f"load {path} --name n{i}" for i in numbers))
    batch = store.script(bench + ".bpftool", (
        f"prog load {path} {top}/n{i} pinmaps {top}/maps{i}" for i in numbers))
    twins = Twins(world)
    twins.add("bpfman", [world.bpfman, "-f", script], store.pins, store.unload_all,
              store.environment)
    twins.add("bpftool batch", [world.bpftool, "batch", "file", batch], top,
              lambda: remove_tree(top))
    twins.add("bare libbpf", [helper, path, bare, scale.loads], bare, lambda: remove_tree(bare))
    twins.run(scale.loads, rounds)
    ours, bpftool, libbpf = twins.sides
    work = f"{scale.loads} {work}"
    return [row(bench, work, ours, bpftool, _goal(scale, goal)), row(bench, work, ours, libbpf)]


def script(world, scale, rounds):
    """Many small loads in one script, maps pinned by both."""
    return _many(world, scale, rounds, "xdp_pass", "small loads in one script", "script", 1.5)


def btf(world, scale, rounds):
    """Many loads that need the kernel's types."""
    return _many(world, scale, max(rounds // scale.slow, 2), "sched_switch",
                 "loads with kernel BTF", "btf", 0.2)


def _managed(world, count):
    """A store with so many objects, made once."""
    store = world.store(f"managed{count}")
    if not store.filled:
        store.fill(world.example("xdp_pass"), count)
    return store


def lists(world, scale, rounds):
    """All programs, as a table and as JSON."""
    store, count = _managed(world, scale.programs), scale.programs
    ids = {p["kernel_id"] for p in json.loads(store.bpfman("list", "-o", "json"))["programs"]}
    if len(ids) != count:
        raise Failed(f"bpfman lists {len(ids)} programs, not {count}")

    def read(output):
        with open(output, encoding="utf-8", errors="replace") as file:
            return file.read()

    def lines(output):
        if len(read(output).splitlines()) < count:
            raise Failed("fewer lines than programs")

    def document(output):
        found = json.loads(read(output))
        rows = found["programs"] if isinstance(found, dict) else found
        if not ids <= {p.get("kernel_id", p["id"]) for p in rows}:
            raise Failed("programs are missing in JSON")

    ours = Side("bpfman", [world.bpfman, "list"], check=lines, environment=store.environment)
    ours_json = Side("bpfman -j", [world.bpfman, "list", "-j"], check=document,
                     environment=store.environment)
    show = Side("bpftool prog show", [world.bpftool, "prog", "show"], check=lines)
    show_json = Side("bpftool -j prog show", [world.bpftool, "-j", "prog", "show"], check=document)
    loop = Side("bare id loop", [world.helper("bare_list")], check=lines)
    interleave([ours, show, ours_json, show_json, loop], rounds, world.results)
    table, as_json = f"list of {count} programs", f"list of {count} programs, JSON"
    goal = _goal(scale, 0.15)
    return [row("list", table, ours, show, goal), row("list", as_json, ours_json, show_json, goal),
            row("list", table, ours, loop), row("list", as_json, ours_json, loop)]


def managed(world, scale, rounds):
    """Loads where few and where many objects are managed, each against the fewest."""
    path, rows = world.example("xdp_pass"), []
    stores = [_managed(world, size) for size in scale.sizes]

    def sides(argv, undo):
        return [Side(f"with {size} managed", argv(store), undo(store),
                     environment=store.environment)
                for size, store in zip(scale.sizes, stores)]

    def add(found, work):
        interleave(found, rounds, world.results)
        rows.extend(row("managed", f"{work}, {size} objects managed", side, found[0],
                        _goal(scale, 1.2))
                    for size, side in zip(scale.sizes[1:], found[1:]))

    def take_back(names):
        return lambda store: lambda: store.bpfman("-q", "unload", *names)

    add(sides(lambda store: [world.bpfman, "load", path, "--name", "one"], take_back(["one"])),
        "one load")
    names = [f"more{i}" for i in range(scale.loads)]
    add(sides(lambda store: [world.bpfman, "-f", store.script(
        "more", (f"load {path} --name {name}" for name in names))], take_back(names)),
        f"{scale.loads} loads")
    return rows


def _meaning(value):
    """A value of JSON, where 64 bits are a number for the one and a string for the other."""
    if isinstance(value, dict):
        return tuple((key, _meaning(member)) for key, member in value.items())
    if isinstance(value, list):
        return tuple(map(_meaning, value))
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return value


def dump(world, scale, rounds):
    """All entries of a hash whose keys and values are structs."""
    store = world.store("dump")
    store.bpfman("-q", "load", world.example("xdp_flows"))
    [row_of] = json.loads(store.bpfman("-j", "list", "maps"))["maps"]
    world.output(world.helper("fill_map"), row_of["pinned_path"], scale.entries)

    def entries(output):
        with open(output, encoding="utf-8") as file:
            found = json.load(file)
        rows = found["entries"] if isinstance(found, dict) else [r["formatted"] for r in found]
        if len(rows) != scale.entries:
            raise Failed(f"{len(rows)} entries, not {scale.entries}")
        return {_meaning(r["key"]): _meaning(r["value"]) for r in rows}

    def lines(output):
        with open(output, encoding="utf-8") as file:
            if sum(1 for _ in file) != scale.entries + 1:
                raise Failed("a table of another length")

    pin = row_of["pinned_path"]
    ours = Side("bpfman -j", [world.bpfman, "-j", "map", "dump", "flows"],
                environment=store.environment)
    peer = Side("bpftool -j map dump", [world.bpftool, "-j", "map", "dump", "pinned", pin])
    table = Side("bpfman", [world.bpfman, "map", "dump", "flows"], check=lines,
                 environment=store.environment)
    told = []
    for side in (ours, peer):
        execute(side.words(0), world.results, side.environment)
        told.append(entries(world.results))
    if told[0] != told[1]:
        raise Failed("bpfman and bpftool do not tell the same entries")
    interleave([ours, peer, table], max(rounds // scale.slow, 2), world.results)
    work = f"dump of {scale.entries} entries"
    return [row("dump", work + ", JSON", ours, peer, _goal(scale, 0.5)),
            row("dump", work, table, peer)]


def _links(world, rounds, example, name, targets, options="", netns="-"):
    """Links of one program to many targets, attached in a script and detached again."""
    store, top = world.store(f"links_{example}"), world.peer_directory()
    store.bpfman("-q", "load", world.example(example))
    program = next(p for p in json.loads(store.bpfman("list", "-o", "json"))["programs"]
                   if p["name"] == name)
    held, count = _pins(store.pins), len(targets)

    def lines(verb):
        return [f"{verb} {name} {target} {options}" for target in targets]

    def script_of(verb, *more):
        return store.script(f"{verb}.links", sum(map(lines, (verb, *more)), []))

    def check(side, wanted, pins):
        links = world.links(program["kernel_id"], wanted)
        if (links, pins) != (wanted, wanted):
            raise Failed(f"{side} left {links} links and {pins} pins, not {wanted}")

    def ours_check(wanted):
        check("bpfman", wanted, _pins(store.pins) - held)

    def bare_check(wanted):
        check("the bare calls", wanted, _pins(top))

    def told(output):
        with open(output, encoding="utf-8", errors="replace") as file:
            said = sum("attached to " in line for line in file)
        if said != count:
            raise Failed(f"bpfman told of {said} links, not {count}")
        ours_check(0)

    bare = [world.helper("bare_links"), program["pinned_path"], top, netns]
    halves = ("attach", count), ("detach", 0)
    for verb, wanted in halves:
        store.bpfman("-f", script_of(verb))
        ours_check(wanted)
    for verb, wanted in halves:
        world.output(*bare, verb, *targets)
        bare_check(wanted)
    ours = Side("bpfman", [world.bpfman, "-f", script_of("attach", "detach")], check=told,
                environment=store.environment)
    calls = Side("bare calls", [*bare, "both", *targets], check=lambda _: bare_check(0))
    interleave([ours, calls], rounds, world.results)
    return ours, calls


def links(world, scale, rounds):
    """Many tcx links, each to its own interface: a hook takes a program once, and 64 in all."""
    names, namespace = world.interfaces(scale.links)
    sides = _links(world, rounds, "tc_count", "tc_count", names,
                   f"--ingress --netns {namespace}", f"/run/netns/{namespace}")
    return [row("links", f"attach, detach of {scale.links} tcx links", *sides, _goal(scale, 1.5))]


def cgroup(world, scale, rounds):
    """The same where the kernel does not wait for the end of what runs: our own time shows."""
    sides = _links(world, rounds, "cgroup_skb", "cgroup_received",
                   world.cgroups(scale.links))
    return [row("cgroup", f"attach, detach of {scale.links} cgroup links", *sides)]


WORKS = {"cold": cold, "script": script, "links": links, "cgroup": cgroup, "btf": btf,
         "list": lists, "managed": managed, "dump": dump}
