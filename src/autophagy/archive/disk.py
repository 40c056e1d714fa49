"""The store on disk: plain files, one folder for each artefact, or one file where it is only numbers.

STORE/artefacts/3f/3f…/MANIFEST.json    an artefact; a name that exists is whole
STORE/artefacts/3f/3f….json             numbers, or a sheet with all scores of a pool: a manifest alone
STORE/artefacts/.partial-…              being written, or left by a kill
STORE/work/3f…/                         checkpoints of a fit under way
STORE/damaged/3f…                       put aside because a byte had changed
STORE/runs/NAME/                        see run_folder
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from autophagy.core.errors import AutophagyError, Damaged, StoreError
from autophagy.core.files import share
from autophagy.core.parts import Model, Sampler
from autophagy.core.pool import Pool
from autophagy.core.processes import is_left, writer
from autophagy.core.settings import shown
from autophagy.core.workspace import Machine, Workspace

from . import columns, files, manifest
from .manifest import Manifest, Written
from .store import Numbers, Store, noted, remove_tree, sheet
from .strict_json import is_scores
from .under_way import Teller

T = TypeVar("T")
Write = Callable[[T, Path], Written]
_DELETIONS = count()  # so that two of one key under way have names of their own
ALONE = ".json"  # of an artefact that is a manifest alone
_SHELF, _KEY = re.compile("[0-9a-f]{2}"), re.compile("[0-9a-f]+")


class DiskStore(Store):
    """Artefacts under `root`. Several processes may use one store: the first rename wins, the bytes are the same.

    But for sheets of scores, to which one process at a time may add.
    """

    def __init__(self, root: Path | str, machine: Machine | None = None) -> None:
        self.root = Path(root)
        self.machine = machine or Machine()
        self._artefacts = self.root / "artefacts"
        self._syncer = files.Syncer()
        self._sound: dict[str, Manifest] = {}  # checked by this process, so not hashed again
        self._sheets: dict[str, tuple[int, ...]] = {}  # which file it was: others may have added to one since
        self._shelves: set[Path] = set()  # that this process has seen
        self._said: dict[str, dict[str, None]] = {}  # by fits of this process, whose samplers then keep it

    def pool(self, key: str, make: Callable[[], Pool] | None = None) -> Pool:
        made: list[Pool] = []

        def write(pool: Pool, folder: Path) -> Written:
            made.append(columns.sealed(pool))
            return columns.write(made[0], folder)

        found = self._find(key, "pool", make, write)
        return made[0] if made else columns.read(self._folder(key), found.about)

    def sampler(self, key: str, model: Model, make: Callable[[], Sampler] | None = None) -> Sampler:
        fitted: list[Sampler] = []  # lives until its workspace is gone, which it may be holding against another run

        def write(sampler: Sampler, folder: Path) -> Written:
            fitted.append(sampler)
            sampler.save(folder)
            said = list(self._said.pop(key, ()))
            return Written({"remarks": said} if said else {})

        self._find(key, "sampler", make, write)
        if make is not None and (self.root / "work" / key).exists():
            remove_tree(self.root / "work" / key)
        fitted.clear()
        return model.load(self._folder(key)).on(self.machine)

    def numbers(self, key: str, make: Callable[[], Numbers] | None = None) -> Numbers:
        found = self._find(key, "numbers", make).about
        self._syncer.sync_folders()  # facts come last of what is to be durable
        return found

    def scores(self, of: str) -> Mapping[str, Numbers]:
        key = sheet(of)
        try:
            found = _stamp(f"{self._artefacts}/{key[:2]}/{key}{ALONE}")
        except OSError:
            return {}
        if self._sheets.get(key) != found:
            self._sound.pop(key, None)
            with suppress(Damaged):  # which a run puts aside when it measures again
                self._read(key)
            self._sheets[key] = found
        known = self._sound.get(key)
        return known.about if known and _is_sheet(known) else {}

    def add_scores(self, of: str, new: Mapping[str, Numbers]) -> None:
        key = sheet(of)
        final = self._alone(key)
        self._make_shelf(final.parent)
        with files.held(self.root / ".scoring"), self._partial(key) as partial:
            self._sheets.pop(key, None)  # to be read anew, now that nobody else can change it
            before = self.scores(of)
            if not before and final.exists():
                self.put_aside(final)
            whole = Manifest(key, "scores", {**new, **before}, {})
            manifest.write(partial, whole)
            if before:
                files.sync(partial)  # what takes the place of numbers that may be durable must be so itself
            stamp = _stamp(partial)
            partial.replace(final)
        self._sound[key], self._sheets[key] = whole, stamp

    def holds(self, key: str) -> bool:
        try:
            return self._read(key) is not None
        except Damaged:
            place = self.place(key)
            if place is not None:
                self.put_aside(place)
            return False

    def lost(self) -> set[str]:
        aside = {path.name.partition("-")[0] for path in (self.root / "damaged").glob("*-*")}
        return {key for key in aside if self.place(key) is None}

    def delete(self, key: str) -> None:
        self._sound.pop(key, None)
        self._sheets.pop(key, None)
        place = self.place(key)
        if place is None:
            return
        doomed = self._artefacts / f".partial-deleted-{key}-{next(_DELETIONS)}-{writer()}"
        with suppress(FileNotFoundError):  # or another process was first
            place.rename(doomed)  # first the name, in one step, so that no reader sees half an artefact
            self._syncer.do(_discard, doomed)  # freeing its blocks can take 10 ms

    def settle(self) -> None:
        with files.writing(self.root):
            self._syncer.settle()

    def remarks(self, key: str) -> tuple[str, ...]:
        return tuple(self.about(key).about.get("remarks", ()) if self.holds(key) else self._said.get(key, ()))

    def workspace(self, key: str, about: str = "") -> Workspace:
        def folder() -> Path:
            path = self.root / "work" / key
            if path.is_symlink() or path.parent.is_symlink():
                raise StoreError(f"{path} leads elsewhere, and what a fit writes there could too; remove the link.")
            with files.writing(self.root):
                path.mkdir(parents=True, exist_ok=True)
            return path

        teller = Teller(self.root / "work" / key, about)
        return Workspace(folder, self.machine, teller, noted(self._said, key))

    def keys(self) -> Iterator[str]:
        """Every artefact's key, sorted; what is damaged too. Raises StoreError where the system lets nobody read."""
        for shelf in self._stands():
            yield from sorted({name.removesuffix(ALONE) for name in names(shelf) if _is_of(shelf, name)})

    def strays(self) -> Iterator[Path]:
        """What lies among artefacts and is none; but for hidden files, which systems leave everywhere."""
        yield from (
            self._artefacts / name for name in names(self._artefacts) if not _SHELF.fullmatch(name) and name[0] != "."
        )
        for shelf in self._stands():
            yield from (shelf / name for name in names(shelf) if not _is_of(shelf, name) and name[0] != ".")

    def about(self, key: str) -> Manifest:
        """An artefact's manifest; raises Damaged or StoreError."""
        found = self._read(key)
        if found is None:
            raise StoreError(f"nothing is stored under {key} in {self.root}.")
        return found

    def place(self, key: str) -> Path | None:
        """Where an artefact lies, whole or damaged; None if it does not."""
        name = self._name(key)
        return Path(name) if name else None

    def put_aside(self, place: Path) -> None:
        """Moves what lies there among the damaged."""
        aside, key = self.root / "damaged", place.name.removesuffix(ALONE)
        with files.writing(self.root):
            aside.mkdir(exist_ok=True)
            n = sum(name.startswith(key) for name in names(aside))
            with suppress(FileNotFoundError):  # another process was first
                place.rename(aside / f"{key}-{n}")

    def sweep(self) -> None:
        """Removes what killed writers left; a partial artefact says whose it is."""
        for partial in self._artefacts.glob(".partial-*"):
            if is_left(partial):
                _discard(partial)
        for left in (self.root / "work").glob("*"):
            if self._folder(left.name).exists():  # the fit was stored just before its writer was killed
                remove_tree(left)

    def _find(self, key: str, kind: str, make: Callable[[], T] | None, write: Write[T] | None = None) -> Manifest:
        found = self._read(key) if make is None or self.holds(key) else None
        if found is None and make is None:
            raise StoreError(f"nothing is stored under {key} in {self.root}; run the generation that makes it first.")
        if found is None and make is not None:
            try:
                value = make()
            except (AutophagyError, OSError):
                if not self.holds(key):
                    raise
                found = self._read(key)  # another run was at the same, and has stored it
            else:
                found = self._commit(key, kind, value, write)
        if found is None or found.kind != kind:
            raise Damaged(f"artefact {key} is damaged: it should be a {kind}.")
        return found

    def _commit(self, key: str, kind: str, value: Any, write: Write[Any] | None) -> Manifest:
        """Keeps a value that `write` puts into a folder, or that is all in its manifest."""
        final = self._folder(key) if write else self._alone(key)
        self._make_shelf(final.parent)
        with self._partial(key) as partial:
            if write:
                _make_empty(partial)
                found = manifest.of_folder(partial, key, kind, write(value, partial))
                for name in found.files:
                    if name.endswith(".safetensors"):
                        share(partial / name)
                manifest.write(partial / manifest.NAME, found)
            else:
                manifest.write(partial, found := Manifest(key, kind, dict(value), {}))
            is_ours = _rename(partial, final)
        if not is_ours:
            found = (self._read(key) if self.holds(key) else None) or found
        written = [f"{final}/{name}" for name in (*found.files, manifest.NAME)] if write else [final]
        self._syncer.sync(*written)
        self._syncer.sync_at_last(final.parent, self._artefacts)
        self._sound[key] = found
        return found

    def _make_shelf(self, shelf: Path) -> None:
        if shelf not in self._shelves:
            with files.writing(self.root):
                shelf.mkdir(parents=True, exist_ok=True)
            self._shelves.add(shelf)

    @contextmanager
    def _partial(self, key: str) -> Iterator[Path]:
        """A name of our own for what is written; nothing stays there if that goes wrong."""
        partial = self._artefacts / f".partial-{key}-{writer()}"
        with files.writing(self.root):
            try:
                yield partial
            except BaseException:
                _discard(partial)
                raise

    def _read(self, key: str) -> Manifest | None:
        known = self._sound.get(key)
        if known is not None and not known.files:
            return known  # all of it lies in memory: whether the file is still there is all one
        name = self._name(key)
        if name is None:
            return None
        if known is None:
            known = self._sound[key] = _checked(Path(name), key)
        return known

    def _stands(self) -> Iterator[Path]:
        """The shelves that are there, by whomever they were made."""
        return (self._artefacts / name for name in names(self._artefacts) if _SHELF.fullmatch(name))

    def _name(self, key: str) -> str | None:
        """Where an artefact lies, None if it does not; asked so often that a Path would be felt."""
        folder = f"{self._artefacts}/{key[:2]}/{key}"
        return next((name for name in (folder, folder + ALONE) if os.path.lexists(name)), None)

    def _folder(self, key: str) -> Path:
        return self._artefacts / key[:2] / key

    def _alone(self, key: str) -> Path:
        return self._artefacts / key[:2] / (key + ALONE)


def _is_sheet(found: Manifest) -> bool:
    """Whether these can be scores; a store may be somebody else's."""
    if found.kind != "scores" or not isinstance(found.about, Mapping):
        return False
    return all(
        isinstance(each, Mapping) and is_scores(each.get("values")) and isinstance(each.get("identity"), Mapping)
        for each in found.about.values()
    )


def _stamp(path: Path | str) -> tuple[int, ...]:
    """Differs from file to file that has had this name."""
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns, found.st_size


def names(folder: Path) -> list[str]:
    """What lies in a folder, sorted; nothing if there is none. StoreError where the system lets nobody read."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise refused(folder, error) from None


def refused(folder: Path, error: OSError) -> StoreError:
    """The sentence for a folder that the system lets nobody read."""
    if isinstance(error, PermissionError):
        why = "permission is denied; change the folder's rights or"
    elif isinstance(error, NotADirectoryError):
        why = "a file stands where a folder should be; move it away or"
    else:
        why = f"{error.strerror};"
    return StoreError(f"{shown(str(folder), 200)} cannot be read: {why} choose another --store.")


def _is_of(shelf: Path, name: str) -> bool:
    """Whether a name on a shelf is that of an artefact which belongs there."""
    return bool(_KEY.fullmatch(name.removesuffix(ALONE))) and name.startswith(shelf.name)


def _checked(place: Path, key: str) -> Manifest:
    """The manifest of what lies there; raises Damaged if a byte of it or of its files has changed."""
    if place.name != key:
        return manifest.read(place, key)
    found = manifest.read(place / manifest.NAME, key)
    manifest.check_files(place, found)
    return found


def _make_empty(partial: Path) -> None:
    try:
        partial.mkdir(parents=True)
    except FileExistsError:  # left by an earlier process with our number
        _discard(partial)
        partial.mkdir()


def _rename(partial: Path, final: Path) -> bool:
    """Gives an artefact its name; False if another process was first, whose bytes are the same but for its remarks."""
    try:
        partial.rename(final)
    except OSError:
        if not final.exists():
            raise
        _discard(partial)
        return False
    return True


def _discard(path: Path) -> None:
    """Removes a file or folder that nobody can be reading by its name any more."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)
