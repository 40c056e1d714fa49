"""The one loop of all fits: killed, out of memory, or NaN, it does what it says."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn

from autophagy.core.errors import ConfigError, DataError, Diverged, OutOfMemory
from autophagy.core.seeds import Seed
from autophagy.core.workspace import Machine, Workspace
from autophagy.training import Average, Batches, Player, Task, device_of, loop, moved, run, threads
from autophagy.training.checkpoint import NAME

ALWAYS = Machine("cpu", 0.0)  # a checkpoint after every step


class Killed(BaseException):
    """Stands for a SIGKILL between two steps: nothing may run after it."""


class Regression(Task):
    """Learns y = x·w from noise, with a network that has every kind of state there is."""

    def __init__(self, *, dies_at: int | None = None, micro: int | None = None, poison: int | None = None) -> None:
        torch.manual_seed(3)
        network = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.SiLU(), nn.Conv2d(4, 1, 3, padding=1))
        network = network.to(memory_format=torch.channels_last)
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
        self.player = Player(
            network,
            optimiser,
            average=Average(network, 0.9),
            clip=1.0,
            rate=lambda step: 1 / (1 + step),
            micro=micro,
        )
        self.dies_at, self.poison = dies_at, poison

    def state(self) -> Mapping[str, Player]:
        return {"player": self.player}

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        if number == self.dies_at:
            raise Killed
        rng = seed.numpy()
        x = torch.from_numpy(rng.standard_normal((12, 2, 6, 6), np.float32))
        y = x.sum(1, keepdim=True) * (float("nan") if number == self.poison else 1)
        return {"loss": self.player.descend(12, lambda r: (self.player.network(x[r]) - y[r]).square().mean())}

    def weights(self) -> list[np.ndarray]:
        assert self.player.average is not None
        both = (self.player.network, self.player.average.network)
        return [p.detach().numpy() for network in both for p in network.parameters()]


def at(folder: Path, machine: Machine = ALWAYS) -> Workspace:
    def made() -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    return Workspace(made, machine)


def test_a_killed_fit_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole, again = Regression(), Regression()
    course = run(whole, steps=9, seed=Seed(("fit",)), workspace=at(tmp_path / "whole"))
    with pytest.raises(Killed):
        run(Regression(dies_at=4), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path / "killed"))
    resumed = run(again, steps=9, seed=Seed(("fit",)), workspace=at(tmp_path / "killed"))
    assert all(np.array_equal(a, b) for a, b in zip(whole.weights(), again.weights(), strict=True))
    assert resumed.losses == course.losses
    assert len(course.losses["loss"]) == 9
    assert again.player.taken == 9


def test_a_kill_loses_only_the_steps_since_the_last_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(Regression(dies_at=4), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    with pytest.raises(Killed):  # it would not get to step 6 if it began at 0 with dies_at=3
        run(Regression(dies_at=6), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    run(Regression(dies_at=3), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))


def test_restored_state_keeps_its_memory_format(tmp_path: Path) -> None:
    """A contiguous moment beside channels-last weights would take another path through the optimiser."""
    with pytest.raises(Killed):
        run(Regression(dies_at=2), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    task = Regression(dies_at=2)
    with pytest.raises(Killed):
        run(task, steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    for weight in task.player.network.parameters():
        assert task.player.optimiser.state[weight]["exp_avg"].stride() == weight.stride()


def test_steps_since_the_last_checkpoint_are_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(loop.time, "monotonic", lambda: float(next(clock)))  # a second for every look
    every = Machine("cpu", 3.0)
    whole, again, seen = Regression(), Regression(), []
    run(whole, steps=9, seed=Seed(("fit",)), workspace=at(tmp_path / "whole", every))
    with pytest.raises(Killed):
        run(Regression(dies_at=5), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path / "killed", every))
    folder = tmp_path / "killed"
    workspace = Workspace(lambda: folder, every, lambda done, total, note: seen.append(done))
    run(again, steps=9, seed=Seed(("fit",)), workspace=workspace)
    assert 1 < seen[0] < 5  # some of the steps before the kill were lost
    assert all(np.array_equal(a, b) for a, b in zip(whole.weights(), again.weights(), strict=True))


@pytest.mark.parametrize("tree", [None, "[1]", '"x"', "{}", '{"str": [1]}', '{"str": {}}', "[" * 100_000])
def test_a_file_that_is_no_checkpoint_is_none(tmp_path: Path, tree: str | None) -> None:
    save_file({"x": np.zeros(2)}, tmp_path / NAME, None if tree is None else {"step": "3", "tree": tree})
    run(Regression(), steps=2, seed=Seed(("fit",)), workspace=at(tmp_path))


def test_a_checkpoint_of_another_network_is_told_and_lost(tmp_path: Path) -> None:
    class Larger(Regression):
        def __init__(self) -> None:
            super().__init__(dies_at=2)
            network = nn.Conv2d(2, 1, 3, padding=1)
            self.player = Player(network, torch.optim.Adam(network.parameters()))

    with pytest.raises(Killed):
        run(Larger(), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    with pytest.raises(DataError, match="of another fit and was removed; run it again"):
        run(Regression(), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    run(Regression(), steps=3, seed=Seed(("fit",)), workspace=at(tmp_path))


@pytest.mark.parametrize("spoilt", [b"", b"not safetensors", None])
def test_a_spoilt_checkpoint_is_none(tmp_path: Path, spoilt: bytes | None) -> None:
    with pytest.raises(Killed):
        run(Regression(dies_at=4), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[: len(whole) // 2] if spoilt is None else spoilt)
    one, two = Regression(), Regression()
    run(one, steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    run(two, steps=9, seed=Seed(("fit",)), workspace=at(tmp_path / "new"))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights(), two.weights(), strict=True))


def test_pieces_of_a_batch_add_up_to_the_batch(tmp_path: Path) -> None:
    whole, pieces = Regression(), Regression(micro=5)  # 5 + 5 + 2
    one = run(whole, steps=5, seed=Seed(("fit",)), workspace=at(tmp_path / "1"))
    two = run(pieces, steps=5, seed=Seed(("fit",)), workspace=at(tmp_path / "2"))
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(whole.weights(), pieces.weights(), strict=True))
    assert np.allclose(one.losses["loss"], two.losses["loss"], rtol=1e-5)


FULL = (
    "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory",
    "could not create a primitive",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
)


@pytest.mark.parametrize("said", FULL)
def test_out_of_memory_lowers_the_pieces_and_keeps_the_batch(said: str, caplog: pytest.LogCaptureFixture) -> None:
    player = Regression().player
    seen: list[int] = []

    def loss(rows: slice) -> Tensor:
        n = rows.stop - rows.start
        if n > 3:
            raise RuntimeError(said)
        seen.append(n)
        return player.network(torch.ones(n, 2, 6, 6)).mean()

    with caplog.at_level(logging.WARNING):
        player.descend(12, loss)
    assert (player.micro, seen, player.taken) == (3, [3, 3, 3, 3], 1)
    assert "batches of 12 are now summed from pieces of 3" in caplog.text


@pytest.mark.parametrize(
    "said", ["mat1 and mat2 shapes cannot be multiplied", "could not create a primitive descriptor for a deconvolution"]
)
def test_other_errors_are_not_taken_for_a_full_memory(said: str) -> None:
    player = Regression().player

    def loss(rows: slice) -> Tensor:
        raise RuntimeError(said)

    with pytest.raises(RuntimeError, match=said):
        player.descend(12, loss)


def test_one_sample_that_does_not_fit_is_told() -> None:
    player = Regression().player

    def loss(rows: slice) -> Tensor:
        raise MemoryError

    with pytest.raises(OutOfMemory, match="even with one sample"):
        player.descend(12, loss)


@pytest.mark.parametrize(("batch", "pieces"), [(16, [4] * 4), (12, [4] * 3), (10, [4, 4, 2]), (3, [3])])
def test_what_a_loss_looks_at_together_is_not_parted(batch: int, pieces: list[int]) -> None:
    player = Regression().player
    seen: list[int] = []

    def loss(rows: slice) -> Tensor:
        n = rows.stop - rows.start
        if n > 5:
            raise MemoryError
        seen.append(n)
        return player.network(torch.ones(n, 2, 6, 6)).mean()

    player.descend(batch, loss, together=4)
    assert seen == pieces

    def never(rows: slice) -> Tensor:
        raise RuntimeError("could not create a primitive")

    with pytest.raises(
        OutOfMemory, match=rf"even with {min(batch, 4)} samples at a time \(could not create a primitive\); use a"
    ):
        player.descend(batch, never, together=4)


class Scarce(Regression):
    """Has memory for so many samples at a time, from a step on."""

    def __init__(self, room: int, *, since: int = 0, **settings: int) -> None:
        super().__init__(**settings)
        self.room, self.since = room, since

    def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
        descend = self.player.descend

        def checked(n: int, loss: Callable[[slice], Tensor]) -> Tensor:
            def pieces(rows: slice) -> Tensor:
                if number >= self.since and rows.stop - rows.start > self.room:
                    raise MemoryError
                return loss(rows)

            return descend(n, pieces)

        self.player.descend = checked  # type: ignore[method-assign, assignment]
        try:
            return super().step(number, seed)
        finally:
            self.player.descend = descend  # type: ignore[method-assign]


def test_a_fit_remarks_that_it_went_on_in_smaller_pieces(tmp_path: Path) -> None:
    said: list[str] = []
    remark = "memory was full, so that batches were summed from pieces of "

    def fitted(task: Task, name: str) -> None:
        run(task, steps=9, seed=Seed(("fit",)), workspace=replace(at(tmp_path / name), remark=said.append))

    fitted(Regression(), "enough")
    fitted(Regression(micro=5), "asked for")
    assert said == []
    fitted(Scarce(3, since=2), "scarce")
    assert said == [remark + "3"]
    with pytest.raises(Killed):
        fitted(Scarce(3, dies_at=4), "killed")
    fitted(Regression(), "killed")  # which has memory enough, but some steps were taken without
    assert said == [remark + "3"] * 3


def test_which_of_two_players_lacked_memory_is_said(tmp_path: Path) -> None:
    class Two(Scarce):
        def state(self) -> Mapping[str, Player]:
            return {"one": self.player, "other": self.other.player}

        other = Regression()

    said: list[str] = []
    run(Two(6), steps=2, seed=Seed(("fit",)), workspace=replace(at(tmp_path), remark=said.append))
    assert said == ["memory was full, so that batches of 'one' were summed from pieces of 6"]


def test_micro_batches_found_before_a_kill_are_kept(tmp_path: Path) -> None:
    task = Regression(dies_at=2)
    task.player.micro = 4
    with pytest.raises(Killed):
        run(task, steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    again = Regression(dies_at=2)
    with pytest.raises(Killed):
        run(again, steps=9, seed=Seed(("fit",)), workspace=at(tmp_path))
    assert again.player.micro == 4


def test_a_loss_that_is_no_number_names_its_step(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=r"loss 'loss' was nan at step 6 of 9"):
        run(Regression(poison=5), steps=9, seed=Seed(("fit",)), workspace=at(tmp_path, Machine("cpu")))


def test_a_last_step_into_nothing_is_seen(tmp_path: Path) -> None:
    class Explodes(Regression):
        def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
            losses = super().step(number, seed)
            with torch.no_grad():
                next(self.player.network.parameters()).fill_(float("inf"))
            return losses

    with pytest.raises(Diverged, match="were not finite after step 1 of 1"):
        run(Explodes(), steps=1, seed=Seed(("fit",)), workspace=at(tmp_path, Machine("cpu")))


def test_progress_is_told_with_the_loss(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    workspace = Workspace(lambda: tmp_path, Machine("cpu"), lambda *now: told.append(now))
    run(Regression(), steps=3, seed=Seed(("fit",)), workspace=workspace)
    assert [(done, total) for done, total, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert all(note.startswith("loss ") for _, _, note in told)


def test_long_fits_keep_a_short_curve(tmp_path: Path) -> None:
    class Counts(Task):
        def state(self) -> Mapping[str, Player]:
            return {}

        def step(self, number: int, seed: Seed) -> Mapping[str, Tensor]:
            return {"loss": torch.tensor(float(number))}

    course = run(Counts(), steps=1000, seed=Seed(()), workspace=at(tmp_path, Machine("cpu")))
    assert course.losses["loss"] == [10 * i + 4.5 for i in range(100)]


# ── batches, averages, machine ───────────────────────────────────────────────


@pytest.mark.parametrize(("n", "size"), [(10, 3), (3, 10), (8, 8), (1, 4)])
def test_every_row_is_seen_once_an_epoch(n: int, size: int) -> None:
    batches = Batches(n, size, Seed(("order",)))
    seen = np.concatenate([batches.rows(step) for step in range(4 * n)])
    for epoch in range(len(seen) // n):
        assert sorted(seen[epoch * n : (epoch + 1) * n].tolist()) == list(range(n))
    assert all(len(batches.rows(step)) == size for step in range(5))
    assert batches.steps(2) == -(-2 * n // size)


def test_epochs_have_orders_of_their_own() -> None:
    batches = Batches(50, 50, Seed(("order",)))
    assert not np.array_equal(batches.rows(0), batches.rows(1))
    assert np.array_equal(batches.rows(7), Batches(50, 50, Seed(("order",))).rows(7))


def test_an_average_forgets_where_it_began_and_then_moves_slowly() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 100.0)
    average = Average(network, 0.99)
    nn.init.constant_(network.weight, 1.0)
    expected = 100.0
    for step in range(200):
        average.take()
        kept = min(0.99, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * 1.0
    assert average.network.weight.item() == pytest.approx(expected, rel=1e-5)
    assert abs(expected - 1) < 1e-3


def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="'quantum' here; use auto or cpu"):
        device_of("quantum")
    assert device_of("cpu").type == "cpu"


def test_a_read_only_array_is_copied_and_never_written_to() -> None:
    array = np.zeros(3, np.float32)
    array.flags.writeable = False
    moved(array, torch.device("cpu")).add_(1)
    assert array.sum() == 0


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    with threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
