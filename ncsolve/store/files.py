"""Files that are either the old or the new one, whatever happens while they are written."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import StoreError

__all__ = ["locked", "read_arrays", "write_arrays", "write_atomically", "write_text"]


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a temporary file beside `path`, force it to the disk, and let it take the name. Raises StoreError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _force_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        kept = " What was there before is still there." if path.exists() else ""
        raise StoreError(f"cannot write {path}: {error.strerror or error}.{kept}") from error


def _force_folder(folder: Path) -> None:
    """A new name is on the disk only when its folder is; not every system can open one."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda file: file.write(text.encode()))


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], compress: bool = False) -> None:
    """An .npz file; the format stores a CRC-32 of each array."""
    save: Any = np.savez_compressed if compress else np.savez
    write_atomically(path, lambda file: save(file, allow_pickle=False, **arrays))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, each compared with its checksum. Raises StoreError for one that is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise StoreError(f"{path} does not exist.") from None
    except PermissionError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}.") from error
    except (OSError, ValueError, KeyError, EOFError, AttributeError, NotImplementedError, RuntimeError, SyntaxError,
            MemoryError, OverflowError, UnicodeError, zipfile.BadZipFile, zlib.error) as error:  # fmt: skip
        raise StoreError(f"{path} is damaged, or no file of ncsolve: {error}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time writes into a folder. The system gives the lock back when the process dies."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise StoreError(f"cannot write into {folder}: {error.strerror}.") from error
    with file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no such locks here: the last one to write wins, with files that are whole
            pass
        except OSError:
            raise StoreError(f"another process is writing into {folder}. Choose another folder, or wait.") from None
        yield
