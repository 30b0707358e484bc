"""Trains gradient boosted trees with LightGBM and writes them as ONNX.

Params: `rounds` (100), `earlyStopping` (`{ share, patience }`), `lightgbm`: LightGBM's own parameters by their names.
Deterministic: the same rows, params, seed and threads give the same trees.
"""

from __future__ import annotations

import os
import sys
from typing import Any

# Before OpenMP loads: threads that wait by spinning take the cores from whatever else runs, and a step that takes 20 s so takes 80.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from onnx import TensorProto

from perdura_trainer import Graph, Job, Params, Rows, WrongParams, artifact, metric, progress, read_check, read_training, run, write_predictions
from perdura_trainer.lightgbm_graph import lightgbm_trees
from perdura_trainer.trees import add_trees

try:
    import lightgbm
except OSError as error:
    sys.exit(
        f"LightGBM does not load: {error}. It needs the OpenMP library of the system: "
        "'apt-get install libgomp1' or 'dnf install libgomp' on Linux, 'brew install libomp' on macOS."
    )

IDENTITY = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
"""Regression objectives whose raw sum is the answer."""
EXPONENTIAL = ("poisson", "gamma", "tweedie")
OBJECTIVES = {"binary": ("binary",), "multiclass": ("multiclass",), "regression": IDENTITY + EXPONENTIAL}
LOSSES = {"binary": "binary_logloss", "multiclass": "multi_logloss"}
RESERVED = {
    "num_class": "the data says how many classes there are",
    "num_iterations": "it is 'rounds'",
    "num_boost_round": "it is 'rounds'",
    "n_estimators": "it is 'rounds'",
    "early_stopping_round": "it is 'earlyStopping'",
    "linear_tree": "trees of linear models have no ONNX operator",
    "zero_as_missing": "a model's inputs are never missing",
    "reg_sqrt": "its answers are not the sums of its leaves",
    "num_threads": "the worker says how many",
    "metric": "the loss of the objective is reported",
    "input_model": "each training begins anew",
}
LOSS_ROWS = 20_000
"""The loss is measured on so many evenly spaced rows of the data: on all rows each time would cost about what a tree costs. With early stopping the rows held out are measured instead."""
LOSS_REPORTS = 100
METRICS = {"validation": "validationLoss", "sample": "loss"}


def train(job: Job) -> None:
    params = Params(job.params)
    rounds, stopping, own = params.whole("rounds", 100), params.early_stopping(), params.mapping("lightgbm")
    params.done()
    settings = _settings(job, own)
    if job.resume_step is not None:
        progress("LightGBM begins anew: trees that go on from others are not those of one training")
    rows = read_training(job)
    progress(f"{rows.count} rows read")
    booster = _fit(job, rows, settings, rounds, stopping)
    trees = booster.best_iteration if stopping is not None else booster.current_iteration()
    write_predictions(job, booster.predict(read_check(job, rows).features, num_iteration=trees))
    _export(job, rows, settings, booster.model_to_string(num_iteration=trees))
    booster.save_model(artifact(job, "lightgbm.txt"), num_iteration=trees)
    progress(f"{trees} rounds of LightGBM {lightgbm.__version__}")


def _settings(job: Job, own: dict[str, Any]) -> dict[str, Any]:
    for name, why in RESERVED.items():
        if name in own:
            raise WrongParams(f"params.lightgbm.{name} cannot be set: {why}.")
    objective = own.get("objective", OBJECTIVES[job.task][0])
    if objective not in OBJECTIVES[job.task]:
        raise WrongParams(f"params.lightgbm.objective must be one of {', '.join(OBJECTIVES[job.task])} for a {job.task} target, got {objective!r}.")
    if own.get("boosting", own.get("boosting_type", "gbdt")) not in ("gbdt", "goss", "dart"):
        raise WrongParams("params.lightgbm.boosting must be gbdt, goss or dart.")
    return {
        "seed": job.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": 0,
        **own,
        "objective": objective,
        "metric": LOSSES.get(job.task, objective if objective != "regression" else "l2"),
        "num_threads": job.threads,
        **({"num_class": len(job.classes)} if job.task == "multiclass" else {}),
    }


def _fit(job: Job, rows: Rows, settings: dict[str, Any], rounds: int, stopping: tuple[float, int] | None) -> lightgbm.Booster:
    fitted, held_out = _parts(job, rows, stopping)
    watched = {"sample": _sample(fitted, rows)} if held_out is None else {"validation": held_out}
    # Which round was best must stand in the curve.
    callbacks = [_reports(rounds, max(1, rounds // LOSS_REPORTS) if held_out is None else 1)]
    if stopping is not None:
        callbacks.append(lightgbm.early_stopping(stopping[1], verbose=False))
    try:
        return lightgbm.train(
            settings,
            fitted,
            num_boost_round=rounds,
            valid_sets=list(watched.values()),
            valid_names=list(watched),
            callbacks=callbacks,
            keep_training_booster=True,
        )
    except lightgbm.basic.LightGBMError as error:
        # Its own words for a parameter out of range: "Check failed: (learning_rate) > (0.0)".
        if "Check failed" in str(error) or "Unknown" in str(error) or "parameter" in str(error).lower():
            raise WrongParams(f"LightGBM: {error}") from error
        raise


def _parts(job: Job, rows: Rows, stopping: tuple[float, int] | None) -> tuple[lightgbm.Dataset, lightgbm.Dataset | None]:
    categorical = list(range(len(job.numbers), len(job.numbers) + len(job.categories)))
    dataset = {"categorical_feature": categorical, "free_raw_data": True}
    if stopping is None:
        return lightgbm.Dataset(rows.features, rows.labels, **dataset), None
    order = np.random.default_rng(job.seed).permutation(rows.count)
    held = max(1, int(rows.count * stopping[0]))
    fitted = lightgbm.Dataset(rows.features[np.sort(order[held:])], rows.labels[np.sort(order[held:])], **dataset)
    some = np.sort(order[:held])
    return fitted, fitted.create_valid(rows.features[some], rows.labels[some])


def _sample(fitted: lightgbm.Dataset, rows: Rows) -> lightgbm.Dataset:
    some = np.unique(np.linspace(0, rows.count - 1, min(rows.count, LOSS_ROWS)).astype(np.int64))
    return fitted.create_valid(rows.features[some], rows.labels[some])


def _reports(rounds: int, every: int):
    def report(environment: lightgbm.callback.CallbackEnv) -> None:
        step = environment.iteration + 1
        if step % every == 0 or step == rounds:
            for name, _, value, _ in environment.evaluation_result_list:
                metric(METRICS[name], step, value)

    report.order = 0  # before early stopping ends the training
    return report


def _export(job: Job, rows: Rows, settings: dict[str, Any], model: str) -> None:
    graph = Graph(job)
    raw = add_trees(graph, graph.features(rows.vocabularies), lightgbm_trees(model, job.width), job.width)
    graph.save(_answer(graph, job, settings, raw))


def _answer(graph: Graph, job: Job, settings: dict[str, Any], raw: str) -> str:
    if job.task == "multiclass":
        return graph.add("Softmax", raw, axis=1)
    if job.task == "binary":
        slope = np.float32(settings.get("sigmoid", 1.0))
        return graph.add("Sigmoid", raw if slope == 1 else graph.add("Mul", raw, graph.constant(np.array(slope))))
    return graph.add("Exp", raw) if settings["objective"] in EXPONENTIAL else graph.add("Cast", raw, to=TensorProto.FLOAT)


if __name__ == "__main__":
    run(train)
