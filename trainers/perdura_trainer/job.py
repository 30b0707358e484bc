"""What the trainer is asked for: job.json, as the contract has it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = 1


@dataclass(frozen=True)
class Job:
    task: str
    """'binary', 'multiclass' or 'regression'."""
    classes: tuple[str, ...]
    """Of a multiclass task, in the order of the output's columns; else empty."""
    params: dict[str, Any]
    seed: int
    training: Path
    check: Path
    rows: int
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    label: str
    output: Path
    checkpoints: Path
    resume_step: int | None
    resume_file: Path | None
    threads: int
    devices: tuple[str, ...]

    @property
    def width(self) -> int:
        """Columns of the model's answer."""
        return len(self.classes) if self.task == "multiclass" else 1


def read_job() -> Job:
    """Reads the job that PERDURA_JOB names."""
    told = json.loads(Path(os.environ["PERDURA_JOB"]).read_text(encoding="utf-8"))
    if told["version"] != VERSION:
        raise RuntimeError(f"The job is of version {told['version']}, this trainer keeps to version {VERSION}.")
    data, resume = told["data"], told["resume"]
    return Job(
        task=told["task"],
        classes=tuple(told["classes"] or ()),
        params=told["params"],
        seed=told["seed"],
        training=Path(data["training"]),
        check=Path(data["check"]),
        rows=data["rows"],
        numbers=tuple(data["numbers"]),
        categories=tuple(data["categories"]),
        label=data["label"],
        output=Path(told["output"]),
        checkpoints=Path(told["checkpoints"]),
        resume_step=None if resume is None else resume["step"],
        resume_file=None if resume is None else Path(resume["file"]),
        threads=told["threads"],
        devices=tuple(told["devices"]),
    )
