"""Files that are either the old or the new one, whatever happens while they are written."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import StoreError

__all__ = ["locked", "read_arrays", "write_arrays", "write_atomically", "write_text"]

PART = ".part"
"""How the name of a file ends while it is written."""
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, AttributeError, NotImplementedError, RuntimeError, SyntaxError,
    MemoryError, OverflowError, TypeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy and zipfile raise over bytes that are no archive of arrays."""


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a temporary file beside `path`, force it to the disk, and let it take the name. Raises StoreError.

    What `write` raises besides OSError leaves the old file, too.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(4)}{PART}")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _force_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if not isinstance(error, OSError):
            raise
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
    """As UTF-8; what is no character, half of a pair of surrogates, as Python writes it."""
    write_atomically(path, lambda file: file.write(text.encode(errors="backslashreplace")))


def write_arrays(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    compress: bool = False,
    proceed: Callable[[], object] = lambda: None,
) -> None:
    """An .npz file; the format stores a CRC-32 of each array. `proceed` is called before each, and may raise."""
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, array in arrays.items():
                proceed()
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    _write_array(member, array)

    write_atomically(path, write)


def _write_array(file: IO[bytes], array: NDArray[Any]) -> None:
    """As numpy.save does, but without copies, so that other threads go on meanwhile."""
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        array = np.ascontiguousarray(array)
    header: dict[str, Any] = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_2_0(file, header)
    flat: Any = (array.T if header["fortran_order"] else array).reshape(-1)
    file.write(memoryview(flat).cast("B") if array.size else b"")


def read_arrays(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, NDArray[Any]]:
    """The `wanted` arrays of an .npz file, each compared with its checksum. Raises StoreError for a damaged one."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            return {name: loaded[name] for name in loaded.files if wanted(name)}
    except FileNotFoundError:
        raise StoreError(f"{path} does not exist.") from None
    except PermissionError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}.") from error
    except UNREADABLE as error:
        raise StoreError(f"{path} is damaged, or no file of ncsolve: {error}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time writes into a folder. The system gives the lock back when the process dies.

    What an earlier one left half-written, because it was killed, is taken away.
    """
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
        for left in folder.glob(f".*{PART}"):
            with suppress(OSError):
                left.unlink()
        yield
