"""Keeps the contract between Perdura and a program that trains: the job, the rows, reports, outputs and exit codes.

A trainer of your own may import it, because its folder is on the PYTHONPATH, or do without: the contract is plain files and lines.
"""

from perdura_trainer.ending import DeviceMemoryExhausted, RunAgain, UnlearnableData, WrongParams, run
from perdura_trainer.graph import Graph
from perdura_trainer.job import Job
from perdura_trainer.outputs import artifact, write_predictions
from perdura_trainer.params import Params
from perdura_trainer.report import checkpoint, metric, progress
from perdura_trainer.rows import Rows, read_check, read_training

__all__ = [
    "DeviceMemoryExhausted",
    "Graph",
    "Job",
    "Params",
    "Rows",
    "RunAgain",
    "UnlearnableData",
    "WrongParams",
    "artifact",
    "checkpoint",
    "metric",
    "progress",
    "read_check",
    "read_training",
    "run",
    "write_predictions",
]
