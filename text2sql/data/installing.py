"""Get a published data set from its official place into the data root.

    >>> install("wikisql", data_root="data").splits
    ['dev', 'test', 'train']

Its files are fetched into `<root>/.downloads/<name>/`, unpacked beside the place where it belongs,
and moved there when all of it is whole. A second run goes on where the first one stopped.

Covered: zip and tar archives, archives in archives (BIRD's databases), paths and links that would
leave the folder.
Not covered: an archive whose content is larger than the disk: it says so and leaves nothing.
"""

import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from text2sql.data.catalog import DATASETS, find_root
from text2sql.data.fetching import Fetched, Progress, fetch
from text2sql.data.layouts import find_splits
from text2sql.data.sources import ORIGINS, File, Origin
from text2sql.errors import FetchError, OutputError, UnknownName
from text2sql.outputs import full_disk

ARCHIVES = (".zip", ".tar.gz", ".tar.bz2", ".tgz")
_LEFT_OUT = ("__MACOSX", ".DS_Store")


@dataclass(frozen=True, slots=True)
class Installed:
    """A data set that is in its place."""

    folder: Path
    splits: list[str]
    fetched: list[tuple[File, Fetched]]


def install(
    name: str,
    *,
    data_root: str | Path | None = None,
    origins: Mapping[str, Origin] = ORIGINS,
    note: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda done, total: None,
) -> Installed:
    """Fetch a data set and put it where `find_dataset` looks for it.

    Args:
        name: a registered data set.
        data_root: as `find_dataset` takes it.
        origins: where data sets come from.
        note: takes a line about each file.
        progress: takes bytes done and in all, of each file.

    Raises:
        UnknownName: no such data set.
        FetchError: it is bundled, no program can fetch it (the message says where it is and where
            to put it), or a file of it cannot be had.
        OutputError: its folder is there already, or cannot be written.
    """
    if name not in origins and name in DATASETS:
        raise FetchError(f"{name} is bundled: there is nothing to fetch", "")
    if name not in origins:
        raise UnknownName("data set", name, origins)
    origin, folder = origins[name], find_root(data_root) / name
    if not origin.files:
        raise FetchError(
            f"{name} cannot be fetched by a program: get it from {origin.page} and put"
            f" {origin.holds} into {folder}",
            origin.page,
        )
    if folder.exists():
        raise OutputError(f"{folder} is there already: remove it to fetch {name} again")
    downloads = folder.parent / ".downloads" / name
    fetched = []
    for file in origin.files:
        note(f"{file.name} from {file.url}")
        got = fetch(file.url, downloads / file.name, sha256=file.sha256, progress=progress)
        fetched.append((file, got))
        known = "as pinned" if file.sha256 else "no checksum of it is known to compare with"
        note(f"{got.size:,} bytes, SHA-256 {got.sha256} ({known})")
    _place(fetched, folder, origin)
    shutil.rmtree(downloads)
    return Installed(folder, sorted(find_splits(folder)), fetched)


def _place(fetched: list[tuple[File, Fetched]], folder: Path, origin: Origin) -> None:
    scratch = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
    try:
        scratch.mkdir(parents=True)
        with full_disk(folder.parent):
            for file, got in fetched:
                if file.name.endswith(ARCHIVES):
                    unpack(got.path, scratch, strip=file.strip)
                else:
                    shutil.copyfile(got.path, scratch / file.name)
        if not find_splits(scratch):
            raise FetchError(
                f"what {origin.page} gives is not as expected: none of {origin.holds}", origin.page
            )
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def unpack(archive: Path, folder: Path, *, strip: int = 0) -> None:
    """Unpack an archive, and the archives in it, each into the folder in which it lies.

    Args:
        archive: zip, or tar with any compression.
        folder: where its content goes; it exists.
        strip: leading folders that are dropped from paths.

    Raises:
        FetchError: it is no archive, or is damaged.
    """
    scratch = folder / f".{archive.name}.content"
    _extract(archive, scratch)
    for inner in [path for path in scratch.rglob("*") if path.name.endswith(ARCHIVES)]:
        content = inner.with_name(f".{inner.name}.content")
        _extract(inner, content)
        _move_up(content, inner.parent, 0)
        inner.unlink()
    _move_up(scratch, folder, strip)


def _extract(archive: Path, folder: Path) -> None:
    folder.mkdir()
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder)  # drops what would lead elsewhere from a path
        else:
            with tarfile.open(archive) as packed_tar:
                _extract_tar(packed_tar, folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise FetchError(f"{archive} cannot be unpacked: {error}", str(archive)) from None


def _extract_tar(packed: tarfile.TarFile, folder: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        packed.extractall(folder, filter="data")
        return
    for member in packed:  # Python before 3.11.4
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.ExtractError(f"{member.name!r} leads elsewhere")
        packed.extract(member, folder, set_attrs=False)


def _move_up(scratch: Path, folder: Path, strip: int) -> None:
    """Move what is in one folder, or so many folders deeper, to another; the first one goes."""
    tops = [scratch]
    for _ in range(strip):
        tops = [inner for top in tops for inner in top.iterdir() if inner.is_dir()]
        tops = [top for top in tops if top.name not in _LEFT_OUT]
    for entry in (entry for top in tops for entry in top.iterdir()):
        if entry.name not in _LEFT_OUT:
            _merge(entry, folder / entry.name)
    shutil.rmtree(scratch)


def _merge(entry: Path, place: Path) -> None:
    if not (entry.is_dir() and place.is_dir()):
        shutil.move(entry, place)
        return
    for inner in entry.iterdir():
        _merge(inner, place / inner.name)
