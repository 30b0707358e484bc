"""Rows as arrays: numbers column by column, categories as places in a sorted vocabulary, labels by the task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perdura_trainer.ending import UnlearnableData
from perdura_trainer.job import Job

UNSEEN = -1


@dataclass(frozen=True)
class Rows:
    features: np.ndarray
    """float32 [rows, numbers + categories], column-major; a category is its place in its vocabulary, or -1 for an unseen one."""
    vocabularies: tuple[tuple[str, ...], ...]
    """The sorted values of each category that training saw."""
    labels: np.ndarray
    """float64 [rows]: 0/1, the place of the class, or the value; empty of check rows."""

    @property
    def count(self) -> int:
        return self.features.shape[0]

    def numbers(self, job: Job) -> np.ndarray:
        return self.features[:, : len(job.numbers)]

    def ordinals(self, job: Job) -> np.ndarray:
        return self.features[:, len(job.numbers) :]


def read_training(job: Job) -> Rows:
    """Reads all training rows. Raises UnlearnableData when there is nothing to learn from them."""
    table = _read(job, job.training, [*job.numbers, *job.categories, job.label])
    vocabularies = tuple(_vocabulary(table.column(name)) for name in job.categories)
    labels = _labels(job, table.column(job.label))
    _require_learnable(job, labels)
    return Rows(_features(job, table, vocabularies), vocabularies, labels)


def read_check(job: Job, training: Rows) -> Rows:
    """Reads the rows that the trainer's own answers are given for."""
    table = _read(job, job.check, [*job.numbers, *job.categories])
    return Rows(_features(job, table, training.vocabularies), training.vocabularies, np.empty(0))


def _read(job: Job, file: Path, columns: list[str]) -> pa.Table:
    pa.set_cpu_count(max(1, job.threads))
    return pq.read_table(file, columns=columns, read_dictionary=list(job.categories), memory_map=True)


def _features(job: Job, table: pa.Table, vocabularies: tuple[tuple[str, ...], ...]) -> np.ndarray:
    features = np.empty((table.num_rows, len(job.numbers) + len(job.categories)), dtype=np.float32, order="F")
    for index, name in enumerate(job.numbers):
        _fill(features[:, index], table.column(name))
    for index, (name, vocabulary) in enumerate(zip(job.categories, vocabularies), start=len(job.numbers)):
        _fill_ordinals(features[:, index], table.column(name), vocabulary)
    return features


def _fill(into: np.ndarray, column: pa.ChunkedArray) -> None:
    start = 0
    for chunk in column.chunks:
        into[start : start + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        start += len(chunk)


def _vocabulary(column: pa.ChunkedArray) -> tuple[str, ...]:
    values: set[str] = set()
    for chunk in _dictionaries(column):
        values.update(chunk.dictionary.take(pc.unique(chunk.indices).drop_null()).to_pylist())
    return tuple(sorted(values))


def _fill_ordinals(into: np.ndarray, column: pa.ChunkedArray, vocabulary: tuple[str, ...]) -> None:
    places = {value: place for place, value in enumerate(vocabulary)}
    start = 0
    for chunk in _dictionaries(column):
        lookup = np.array([places.get(value, UNSEEN) for value in chunk.dictionary.to_pylist()], dtype=np.float32)
        into[start : start + len(chunk)] = lookup[chunk.indices.to_numpy(zero_copy_only=False)]
        start += len(chunk)


def _dictionaries(column: pa.ChunkedArray) -> list[pa.DictionaryArray]:
    return [chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode() for chunk in column.chunks]


def _labels(job: Job, column: pa.ChunkedArray) -> np.ndarray:
    if job.task != "multiclass":
        return column.cast(pa.float64()).to_numpy() if job.task == "regression" else column.to_numpy().astype(np.float64)
    places = pc.index_in(column, value_set=pa.array(job.classes, type=pa.string()))
    return places.cast(pa.float64()).to_numpy()


def _require_learnable(job: Job, labels: np.ndarray) -> None:
    if len(labels) == 0:
        raise UnlearnableData("There is no row to learn from.")
    if job.task == "regression" and not np.isfinite(labels).all():
        raise UnlearnableData("The target is not a finite number in every row.")
    if labels.min() == labels.max():
        kind = "the target never changes" if job.task == "regression" else "all rows are of one class"
        raise UnlearnableData(f"There is nothing to learn: {kind}.")
