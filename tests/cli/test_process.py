"""The command as a process: what it loads, how it stops, what it leaves on stderr."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("torch", "sklearn", "scipy", "pandas", "matplotlib", "PIL", "datasets")
START = "import sys; from autophagy.cli.main import main; sys.argv = ['autophagy', *sys.argv[1:]]"


def autophagy(*arguments: object, **more) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autophagy", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


@pytest.mark.parametrize(
    ("arguments", "also"),
    [
        (["--help"], ["numpy"]),
        (["run", "--help"], ["numpy"]),
        (["plan", "toy.toml"], []),
        (["status"], []),
        (["list"], []),
    ],
)
def test_what_needs_no_heavy_package_loads_none(ran, arguments, also):
    code = f"""{START}
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
print([m for m in {(*HEAVY, *also)} if m in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]"
    assert done.returncode == 0


def records(folder: Path) -> Path:
    return folder / "autophagy-runs" / "runs" / "toy" / "records.jsonl"


def wait_for_lines(path: Path, n: int) -> None:
    for _ in range(600):
        if path.exists() and path.read_bytes().count(b"\n") >= n:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not get {n} lines in 30 s")


def twice(running: subprocess.Popen[str], number: int) -> None:
    """As `timeout` does, to the process and then to its group, or somebody who does not wait."""
    running.send_signal(number)
    time.sleep(0.05)
    running.send_signal(number)


LONG = """
import time
import typer
from autophagy.cli.endings import ended
from autophagy.simulate.workers import outcomes

@ended
def simulate(store: str = "here") -> None:
    for _ in outcomes(time.sleep, [0, 300, 300, 300], "processes:2"):
        print("begun", flush=True)

if __name__ == "__main__":
    app = typer.Typer()
    app.command()(simulate)
    app()
"""


@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGINT, 130, "stopped"), (signal.SIGTERM, 143, "ended")])
def test_what_is_half_done_is_not_waited_for(tmp_path, number, code, word):
    (tmp_path / "long.py").write_text(LONG)
    running = subprocess.Popen(
        [sys.executable, tmp_path / "long.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert running.stdout.readline() == "begun\n"
    twice(running, number)
    _, said = running.communicate(timeout=60)
    assert said.startswith(f"autophagy: {word}")
    assert len(said.splitlines()) == 1
    assert running.returncode == code


@pytest.mark.parametrize("on", ["serial", "processes:2"])
def test_ctrl_c_stops_in_one_sentence_and_the_same_command_goes_on(here, call, on):
    command = ["run", "toy.toml", "--set", "generations=8", "--on", on]
    running = subprocess.Popen(
        [sys.executable, "-m", "autophagy", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    wait_for_lines(records(here), 4)
    twice(running, signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "autophagy: stopped; the same command goes on where this one was.\n"
    assert call(*command[:-1], "serial")[0] == 0
    assert call("run", "toy.toml", "--set", "generations=8", "--on", "serial", "--store", "other")[0] == 0
    whole = here / "other" / "runs" / "toy" / "records.jsonl"
    assert records(here).read_bytes() == whole.read_bytes()


def test_status_sees_from_another_process_that_a_run_is_at_work(ran):
    from autophagy.archive.run_folder import RunFolder

    with RunFolder(ran / "autophagy-runs", "toy").locked():
        during = autophagy("status")
    after = autophagy("status")
    assert during.stdout.splitlines()[-1] == "at work."
    assert after.stdout.splitlines()[-1] == "done."


def test_a_second_process_is_told_that_one_is_at_work(ran):
    from autophagy.archive.run_folder import RunFolder

    with RunFolder(ran / "autophagy-runs", "toy").locked():
        done = autophagy("run", "toy.toml")
    assert done.returncode == 1
    assert "run 'toy' is already at work" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_leaves_is_no_error(ran):
    read_end, write_end = os.pipe()
    os.close(read_end)  # like `| head`, gone before the first line
    with os.fdopen(write_end, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "autophagy", "records", "toy"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.stderr == ""
    assert done.returncode == 141


def through_a_shell(redirected: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with its streams as a shell leaves them."""
    command = shlex.join([sys.executable, "-m", "autophagy", *arguments])
    return subprocess.run(
        ["bash", "-c", f"{command} {redirected}"], stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("arguments", [["plan", "toy.toml"], ["status"], ["list", "loop"], ["--help"], ["--version"]])
def test_whoever_prints_a_reader_that_leaves_is_told_by_the_code_alone(ran, arguments):
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as closed:
        command = [sys.executable, "-m", "autophagy", *arguments]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("arguments", [["records", "toy"], ["plan", "toy.toml"], ["--version"]])
def test_an_output_that_cannot_be_written_is_one_sentence(ran, arguments):
    done = through_a_shell(">/dev/full", *arguments)
    assert done.returncode == 1
    assert done.stderr == (
        "autophagy: the output cannot be written: No space left on device; send it elsewhere and run the same command "
        "again.\n"
    )


@pytest.mark.parametrize(
    ("closed", "arguments"),
    [
        (">&-", ["list", "loop"]),
        (">&-", ["plan", "toy.toml"]),
        ("2>&- >/dev/null", ["list", "loop"]),
        (">&- 2>&-", ["--version"]),
    ],
)
def test_a_stream_closed_from_the_start_is_nobodys_fault(ran, closed, arguments):
    done = through_a_shell(closed, *arguments)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", ["2>/dev/full", "2>&-"])
def test_what_goes_wrong_still_has_its_code_where_nobody_hears_of_it(here, closed):
    assert through_a_shell(closed, "plan", "nowhere.toml").returncode == 2


def test_damage_found_is_no_success_where_the_report_of_it_is_not_written(ran):
    next((ran / "autophagy-runs" / "artefacts").glob("??/*/samples.npy")).unlink()
    done = through_a_shell(">/dev/full", "verify")
    assert done.returncode == 1
    assert "the output cannot be written" in done.stderr


def test_a_fault_is_one_sentence_and_the_traceback_is_there_for_the_asking(ran):
    code = f"{START}; import autophagy.experiment.status as s; s.read = lambda folder: 1 / 0; main()"
    command = [sys.executable, "-c", code, "status"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 70
    assert done.stderr.count("\n") == 1
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "AUTOPHAGY_DEBUG=1 shows the traceback" in done.stderr
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, "AUTOPHAGY_DEBUG": "1"}
    )
    assert "Traceback (most recent call last)" in done.stderr
    assert done.returncode == 70


def test_a_terminal_without_greek_gets_question_marks(ran):
    done = autophagy("list", "loop", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr
    assert "fully-synthetic" in done.stdout


def test_the_version_is_told():
    assert autophagy("--version").stdout.startswith("autophagy ")


def test_an_unknown_command_is_a_usage_error():
    done = autophagy("fly")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_run_that_is_ended_says_so_and_leaves_nobody_behind(here):
    command = [sys.executable, "-m", "autophagy", "run", "toy.toml", "--on", "processes:2"]
    changes = ["--set", "generations=300"]
    process = subprocess.Popen([*command, *changes], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "left" in line:
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.terminate()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 143
    assert "ended from outside; the same command goes on" in said
    until = time.monotonic() + 20
    while (left := [child for child in children if Path(f"/proc/{child}").exists()]) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left
