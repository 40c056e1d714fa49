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
    if deed == "link":
        (out / "seed0.png").unlink()
        (out / "seed0.png").symlink_to("/etc/passwd")
    if deed == "broken":
        (out / "seed0.png").write_bytes(b"GIF89a")
    if deed == "writes":
        (weights / "cache").write_text("")
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
    return [json.loads(line) for line in path.read_text().splitlines()]


def child(work):
    """Leaves a process that is in a session of its own and minds no signal that it can ignore."""
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({!r}, 'w').write('x'); time.sleep(60)"
    )
    code = deaf.format(str(work / "child-is-deaf"))
    started = subprocess.Popen([sys.executable, "-I", "-S", "-c", code], start_new_session=True)
    (work / "child.pid").write_text(str(started.pid))
    while not (work / "child-is-deaf").exists():
        time.sleep(0.005)


def stay(work):
    """Goes on for a minute, with a child."""
    child(work)
    (work / "pid").write_text(str(os.getpid()))
    time.sleep(60)


if __name__ == "__main__":
    {"train": train, "draw": draw}[sys.argv[1]](*sys.argv[2:])
