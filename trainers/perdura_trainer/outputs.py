"""What a trainer leaves beside its model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from perdura_trainer.job import Job


def write_predictions(job: Job, answers: np.ndarray) -> None:
    """The trainer's own answers on the check rows, [rows, width]: the exported model's are held against them."""
    rows = np.asarray(answers, dtype=np.float64).reshape(-1, job.width)
    job.output.mkdir(parents=True, exist_ok=True)
    # NaN is written as such on purpose: it is refused by whoever reads it, with its row.
    (job.output / "check-predictions.json").write_text(json.dumps(rows.tolist()), encoding="utf-8")


def artifact(job: Job, name: str) -> Path:
    """Where a file goes that is kept beside the model."""
    file = job.output / "artifacts" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    return file
