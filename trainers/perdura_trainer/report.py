"""Reports: JSON lines on stdout. Only they count as signs of life."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

_lock = threading.Lock()


def metric(name: str, step: int, value: float) -> None:
    """One value after a step: `metric("loss", 3, 0.41)`. A value that is not finite is told by a line of progress: JSON has none."""
    if value != value or value in (float("inf"), float("-inf")):
        progress(f"{name} is {value} after step {step}")
    else:
        _say({"perdura": "metric", "name": name, "step": int(step), "value": float(value)})


def checkpoint(step: int, file: Path) -> None:
    """A whole file in the checkpoints folder, to go on from after `step`."""
    _say({"perdura": "checkpoint", "step": int(step), "file": file.name})


def progress(text: str) -> None:
    """One line for a person."""
    _say({"perdura": "progress", "text": text})


def _say(report: dict[str, object]) -> None:
    line = json.dumps(report, ensure_ascii=True, allow_nan=False)
    with _lock:
        sys.stdout.flush()
        # In one write, past Python's buffers and whatever stands for stdout: a library's own talk cannot cut a line in two.
        os.write(1, f"{line}\n".encode())
