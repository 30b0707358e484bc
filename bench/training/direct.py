"""The peer: the same LightGBM on the same Parquet as one would call it in a script: read, train, export to ONNX, score the hold-out.

Arguments: training Parquet, hold-out Parquet, parameters as JSON, folder for the model. Prints one line of JSON. The trees are written by
the exporter that Perdura's trainer uses, so that what is compared is what Perdura adds.
"""

import json
import sys
import time
from pathlib import Path

began = time.perf_counter()

import lightgbm
import numpy as np
import pyarrow.parquet as pq

from perdura_trainer import Graph, Job
from perdura_trainer.lightgbm_graph import lightgbm_trees
from perdura_trainer.trees import add_trees

training, holdout, settings, folder = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), Path(sys.argv[4])
rounds = settings.pop("rounds")


def read(file):
    table = pq.read_table(file)
    names = [name for name in table.column_names if name != "label"]
    features = np.empty((table.num_rows, len(names)), dtype=np.float32, order="F")
    for index, name in enumerate(names):
        features[:, index] = table.column(name).to_numpy()
    return features, table.column("label").to_numpy().astype(np.float64), names


def auc(scores, labels):
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    ranks = np.empty(len(scores))
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sizes = np.diff(np.r_[first, len(scores)])
    ranks[order] = np.repeat(first + (sizes + 1) / 2, sizes)
    positives = labels.sum()
    return (ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


features, labels, names = read(training)
read_at = time.perf_counter()
booster = lightgbm.train(settings, lightgbm.Dataset(features, labels), rounds)
trained_at = time.perf_counter()
job = Job("binary", (), {}, 7, Path(), Path(), len(labels), tuple(names), (), "label", folder, folder, None, None, 2, ())
graph = Graph(job)
raw = add_trees(graph, graph.features(()), lightgbm_trees(booster.model_to_string(), 1), 1)
graph.save(graph.add("Sigmoid", raw))
exported_at = time.perf_counter()
held, truth, _ = read(holdout)
print(
    json.dumps(
        {
            "readSeconds": read_at - began,
            "trainSeconds": trained_at - read_at,
            "exportSeconds": exported_at - trained_at,
            # What comes after is no part of a training.
            "seconds": exported_at - began,
            "auc": auc(booster.predict(held), truth),
        }
    )
)
