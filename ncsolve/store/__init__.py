"""KEEP: runs in folders, written so that neither a kill nor a full disk loses what was there."""

from ncsolve.store.checkpoint import Checkpoint, CheckpointFile, Header, read_checkpoint
from ncsolve.store.files import read_arrays, write_arrays, write_text
from ncsolve.store.fingerprint import fingerprint
from ncsolve.store.folder import RunFolder, keep
from ncsolve.store.index import Stored, listed_runs, read_run, run_files, stored_runs
from ncsolve.store.provenance import all_versions
from ncsolve.store.resume import absolute, check_same, configured, problem_of

__all__ = [
    "Checkpoint",
    "CheckpointFile",
    "Header",
    "RunFolder",
    "Stored",
    "absolute",
    "all_versions",
    "check_same",
    "configured",
    "fingerprint",
    "keep",
    "listed_runs",
    "problem_of",
    "read_arrays",
    "read_checkpoint",
    "read_run",
    "run_files",
    "stored_runs",
    "write_arrays",
    "write_text",
]
