"""A trainer for tests, in the standard library alone so that it starts at once: it learns images by heart.

    command_trainer.py train IMAGES WEIGHTS WORK START SEED [DEED]
    command_trainer.py draw WEIGHTS OUT N SEED BIAS CONDITIONS [DEED]

DEED is something that goes wrong, or a way of going on for long.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path


def train(images, weights, work, start, seed, deed=""):
    images, weights, work, start = map(Path, (images, weights, work, start))
    (work / "attempts").open("a").write("x")
    if deed == "exit 3":
        print("a line before\x1b[2J\n50 %\r100 %\nout of \u202egnp luck", flush=True)
        sys.exit(3)
    if deed == "nothing":
        return
    if deed == "signal":
        os.kill(os.getpid(), 9)
    if deed == "stays":
        stay(work)
    if deed == "leaves a child":
        child(work)
    if deed == "own log":
        (work.parent / "train.log").unlink()
        sys.exit("what went wrong")
    if deed == "stays with an heir":
        stay(work, close_fds=False)
    if deed == "orphans":
        (work / "zombies").write_text(str(orphans()))
    if deed == "waits":
        waits(work)
    for path in images.iterdir():
        shutil.copy(path, weights / path.name)
    (weights / "seen.json").write_text(json.dumps([sorted(p.name for p in start.iterdir()), seed, dict(os.environ)]))
    if deed == "link out":
        (weights / "latest").symlink_to("/etc/passwd")
    if deed == "link in":
        (weights / "latest.png").symlink_to(weights / "000000.png")
    if deed == "link to folder":
        (weights / "all").symlink_to(weights)
    if deed == "pipe":
        os.mkfifo(weights / "pipe")
    if deed == "odd name":
        (weights / os.fsdecode(b"\xff.bin")).touch()
    if deed == "spoils its images":
        shutil.copy(images / "000001.png", images / "000000.png")
        (images / "extra.png").write_bytes(b"")
        sys.exit(3)
    if deed == "program and folder":
        (weights / "tool").write_text("#!/bin/sh")
        (weights / "tool").chmod(0o755)
        (weights / "empty" / "inner").mkdir(parents=True)
    if deed == "nested":
        (weights / "a" / "b").mkdir(parents=True)
        (weights / "a" / "b" / "network.pkl").write_bytes(b"cos\nsystem\n.")


def draw(weights, out, n, seed, bias, conditions, deed=""):
    weights, out, n = Path(weights), Path(out), int(n)
    asked, known = lines(Path(conditions)), lines(weights / "metadata.jsonl")
    chance = random.Random(int(seed))
    if deed == "exit 4":
        sys.exit(4)
    if deed == "stays":
        stay(Path(os.environ["HOME"]))
    for i in range(n - (deed == "fewer") + (deed == "more")):
        want = asked[i] if i < len(asked) else {}
        fits = [line for line in known if want.items() <= line.items()]
        shutil.copy(weights / chance.choice(fits)["file_name"], out / f"seed{i}.png")
    if deed == "no out":
        print("tidied up", flush=True)
        shutil.rmtree(out)
    if deed == "talks":
        print("all is well", flush=True)
    if deed == "no weights":
        shutil.rmtree(weights)
    if deed == "link":
        (out / "seed0.png").unlink()
        (out / "seed0.png").symlink_to("/etc/passwd")
    if deed == "broken":
        (out / "seed0.png").write_bytes(b"GIF89a")
    if deed == "writes":
        (weights / "cache").write_text("")
    if deed == "renames":
        for path in list(weights.iterdir()):
            path.rename(weights / f"{path.name}.bak")
    if deed == "others":
        (out / "log.txt").write_text("")
        (out / ".hidden.png").write_text("")
        (out / "grids").mkdir()
    if deed == "backwards":
        named = [json.dumps({"file_name": f"seed{i}.png"}) for i in reversed(range(n))]
        (out / "metadata.jsonl").write_text("\n".join(named))
    if deed == "misnamed":
        (out / "metadata.jsonl").write_text(json.dumps({"file_name": "../../etc/passwd"}))


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def orphans():
    """Makes processes whose parents are gone and that end at once; says how many of them stay as zombies."""
    for _ in range(5):
        subprocess.run(["sh", "-c", "true & sleep 0.1 &"], check=True)
    time.sleep(1.0)
    watcher = os.getppid()
    stats = [path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    return sum(state == "Z" and int(parent) == watcher for state, parent, *_ in stats)


def waits(work):
    """Goes on until a file tells it to go on."""
    (work / "waits").touch()
    while not (work / "go").exists():
        time.sleep(0.02)


def child(work, close_fds=True):
    """Leaves a process that is in a session of its own and minds no signal that it can ignore."""
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({!r}, 'w').write('x'); time.sleep(60)"
    )
    code = deaf.format(str(work / "child-is-deaf"))
    started = subprocess.Popen([sys.executable, "-I", "-S", "-c", code], start_new_session=True, close_fds=close_fds)
    (work / "child.pid").write_text(str(started.pid))
    while not (work / "child-is-deaf").exists():
        time.sleep(0.005)


def stay(work, close_fds=True):
    """Goes on for a minute, with a child."""
    child(work, close_fds)
    (work / "pid").write_text(str(os.getpid()))
    time.sleep(60)


if __name__ == "__main__":
    {"train": train, "draw": draw}[sys.argv[1]](*sys.argv[2:])
