"""Trains an estimator of scikit-learn and writes it as ONNX.

Params: `estimator` (one of ESTIMATORS), `sklearn`: the estimator's own parameters by their names. Trees split a category by sets, or
by its place in an order by the target; linear models standardise numbers and give each category a weight of its own, an unseen one none.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from typing import Any

# Before OpenMP loads: threads that wait by spinning take the cores from whatever else runs, and a step that takes 20 s so takes 80.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from perdura_trainer import Graph, Job, Params, Rows, UnlearnableData, WrongParams, metric, progress, read_check, read_training, run, write_predictions
from perdura_trainer.sklearn_graph import boosted_trees, forest_trees
from perdura_trainer.trees import add_trees

ESTIMATORS: dict[str, dict[str, type]] = {
    "HistGradientBoosting": {"classes": HistGradientBoostingClassifier, "value": HistGradientBoostingRegressor},
    "RandomForest": {"classes": RandomForestClassifier, "value": RandomForestRegressor},
    "LogisticRegression": {"classes": LogisticRegression},
    "Ridge": {"value": Ridge},
}
LINEAR = ("LogisticRegression", "Ridge")
FOREST_PORTION = 10
"""Trees between two reports of a forest."""
LOSS_ROWS = 100_000
"""The loss that is reported is of so many evenly spaced rows at most."""


def train(job: Job) -> None:
    params = Params(job.params)
    name = params.one_of("estimator", tuple(ESTIMATORS), "HistGradientBoosting")
    estimator = _estimator(job, name, params.mapping("sklearn"))
    params.done()
    if job.resume_step is not None:
        progress("scikit-learn begins anew: its estimators keep no checkpoints")
    rows = read_training(job)
    progress(f"{rows.count} rows read")
    if job.task == "multiclass" and len(np.unique(rows.labels)) < len(job.classes):
        raise UnlearnableData("A class has no row.")
    prepared = _Linear(job, rows) if name in LINEAR else _Trees(job, rows)
    if name == "HistGradientBoosting":
        estimator.set_params(categorical_features=_categorical(job, rows, estimator.max_bins))
    with threadpool_limits(limits=job.threads):
        _fit(estimator, prepared.matrix(rows), rows.labels)
        _report_loss(job, estimator, prepared, rows)
        write_predictions(job, _answers(job, estimator, prepared.matrix(read_check(job, rows))))
        prepared.export(estimator)


def _estimator(job: Job, name: str, own: dict[str, Any]) -> Any:
    kinds = ESTIMATORS[name]
    kind = kinds.get("value" if job.task == "regression" else "classes")
    if kind is None:
        raise WrongParams(f"params.estimator {name} does not take a {job.task} target.")
    known = kind().get_params()
    for param in ("warm_start", "categorical_features", "monotonic_cst", "interaction_cst", "random_state", "verbose"):
        known.pop(param, None)
    unknown = sorted(set(own) - set(known))
    if unknown:
        raise WrongParams(f"params.sklearn.{unknown[0]} cannot be set for {name}. There is: {', '.join(sorted(known))}.")
    return kind(**{"random_state": job.seed, **_defaults(job, name), **own})


def _defaults(job: Job, name: str) -> dict[str, Any]:
    if name == "RandomForest":
        return {"n_jobs": job.threads}
    # By its own default it holds rows out where there are more than 10,000.
    return {"verbose": 1, "early_stopping": False} if name == "HistGradientBoosting" else {}


def _categorical(job: Job, rows: Rows, most: int) -> list[int]:
    """Which features are categories for it; one with more values than it has bins is taken as a number."""
    return [index for index, each in enumerate(rows.vocabularies, start=len(job.numbers)) if len(each) <= most]


def _fit(estimator: Any, matrix: Any, labels: np.ndarray) -> None:
    try:
        if isinstance(estimator, (RandomForestClassifier, RandomForestRegressor)):
            _fit_forest(estimator, matrix, labels)
        else:
            with contextlib.redirect_stdout(_Talk()):
                estimator.fit(matrix, labels)
    except InvalidParameterError as error:
        raise WrongParams(f"scikit-learn: {error}") from error


def _fit_forest(estimator: Any, matrix: Any, labels: np.ndarray) -> None:
    """In portions, so that it is seen to live; the trees are those of one go, because scikit-learn moves the seed on."""
    trees = estimator.n_estimators
    if not isinstance(trees, int) or isinstance(trees, bool) or trees < 1:
        raise WrongParams(f"params.sklearn.n_estimators must be a whole number of at least 1, got {trees!r}.")
    estimator.set_params(warm_start=True)
    for count in [*range(FOREST_PORTION, trees, FOREST_PORTION), trees]:
        estimator.set_params(n_estimators=count)
        estimator.fit(matrix, labels)
        progress(f"{count} of {trees} trees")


class _Talk(io.TextIOBase):
    """What an estimator prints while it fits is a sign that it lives; told once a second."""

    def __init__(self) -> None:
        self._line, self._told = "", time.monotonic()

    def write(self, text: str) -> int:
        self._line += text
        *lines, self._line = self._line.split("\n")
        if lines and time.monotonic() - self._told > 1:
            self._told = time.monotonic()
            progress(lines[-1].strip())
        return len(text)


class _Trees:
    """Features as they are, a category as its place in an order by what it says of the target."""

    def __init__(self, job: Job, rows: Rows) -> None:
        self._job = job
        places = rows.ordinals(job).T.astype(np.int64)
        orders = [_order(job, column, rows.labels, len(each)) for column, each in zip(places, rows.vocabularies)]
        self._ranks = [np.argsort(order) for order in orders]
        self._vocabularies = tuple(tuple(each[place] for place in order) for each, order in zip(rows.vocabularies, orders))

    def matrix(self, rows: Rows) -> np.ndarray:
        if not self._ranks:
            return rows.features
        features = rows.features.copy(order="F")
        for index, ranks in enumerate(self._ranks, start=len(self._job.numbers)):
            places = features[:, index].astype(np.int64)
            features[:, index] = np.where(places < 0, places, ranks[places])
        return features

    def export(self, estimator: Any) -> None:
        job, graph = self._job, Graph(self._job)
        features = graph.features(self._vocabularies)
        if isinstance(estimator, (RandomForestClassifier, RandomForestRegressor)):
            column = slice(1, 2) if job.task == "binary" else slice(None)
            trees = forest_trees(estimator, tuple(range(job.width)), column)
            graph.save(add_trees(graph, features, trees, job.width))
        else:
            width = len(job.numbers) + len(job.categories)
            raw = add_trees(graph, features, boosted_trees(estimator, list(estimator.categorical_features), width), job.width)
            base = np.asarray(estimator._baseline_prediction, dtype=np.float32).reshape(1, -1)
            graph.save(_linked(graph, job, graph.add("Add", raw, graph.constant(base)), estimator.loss))


def _order(job: Job, places: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Categories by the mean of their rows' target; of several classes by the first principal component of their shares (Coppersmith,
    Hong, Hosking 1999), so that one split of a tree parts them well."""
    rows = np.bincount(places, minlength=count).astype(np.float64)
    if job.task != "multiclass":
        return np.argsort(np.bincount(places, weights=labels, minlength=count) / rows, kind="stable")
    shares = np.stack([np.bincount(places, weights=labels == each, minlength=count) for each in range(len(job.classes))], axis=1)
    centred = shares / rows[:, None] - shares.sum(axis=0) / rows.sum()
    component = np.linalg.svd(centred * np.sqrt(rows)[:, None], full_matrices=False)[2][0]
    return np.argsort(centred @ (component * np.sign(component[np.argmax(np.abs(component))])), kind="stable")


class _Linear:
    """Standardised numbers beside one column for each category; exported as the sums that they are."""

    def __init__(self, job: Job, rows: Rows) -> None:
        self._job, self._vocabularies = job, rows.vocabularies
        numbers = rows.numbers(job).astype(np.float64)
        self._mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
        self._deviation = np.where(deviation > 0, deviation, 1.0)

    def matrix(self, rows: Rows) -> Any:
        numbers = (rows.numbers(self._job) - self._mean) / self._deviation
        if not self._vocabularies:
            return numbers
        parts = [sparse.csr_matrix(numbers)]
        for column, vocabulary in zip(rows.ordinals(self._job).T.astype(np.int64), self._vocabularies):
            seen = np.flatnonzero(column >= 0)
            parts.append(sparse.csr_matrix((np.ones(len(seen)), (seen, column[seen])), shape=(rows.count, len(vocabulary))))
        return sparse.hstack(parts, format="csr")

    def export(self, estimator: Any) -> None:
        job = self._job
        weights, bias = np.atleast_2d(estimator.coef_).T, np.atleast_1d(estimator.intercept_)
        graph = Graph(job)
        total = graph.constant(bias.reshape(1, -1).astype(np.float32))
        if job.numbers:
            numbers = graph.standardised(self._mean, self._deviation)
            total = graph.add("Gemm", numbers, graph.constant(weights[: len(job.numbers)].astype(np.float32)), total)
        first = len(job.numbers)
        for index, vocabulary in enumerate(self._vocabularies):
            table = np.vstack([weights[first : first + len(vocabulary)], np.zeros((1, weights.shape[1]))])
            total = graph.add("Add", graph.embedded(index, vocabulary, table), total)
            first += len(vocabulary)
        graph.save(_linked(graph, job, total, "squared_error"))


def _linked(graph: Graph, job: Job, raw: str, loss: str) -> str:
    """The answer of raw scores."""
    if job.task == "binary":
        return graph.add("Sigmoid", raw)
    if job.task == "multiclass":
        return graph.add("Softmax", raw, axis=1)
    return graph.add("Exp", raw) if loss in ("poisson", "gamma") else raw


def _answers(job: Job, estimator: Any, matrix: Any) -> np.ndarray:
    if job.task == "regression":
        return estimator.predict(matrix)
    probabilities = estimator.predict_proba(matrix)
    return probabilities[:, 1] if job.task == "binary" else probabilities


def _report_loss(job: Job, estimator: Any, prepared: _Linear | _Trees, rows: Rows) -> None:
    some = np.unique(np.linspace(0, rows.count - 1, min(rows.count, LOSS_ROWS)).astype(np.int64))
    part = Rows(rows.features[some], rows.vocabularies, rows.labels[some])
    answers = _answers(job, estimator, prepared.matrix(part))
    step = _step(estimator)
    if job.task == "regression":
        metric("loss", step, mean_squared_error(part.labels, answers))
    else:
        metric("loss", step, log_loss(part.labels, answers, labels=range(max(2, len(job.classes)))))


def _step(estimator: Any) -> int:
    """Iterations or trees, as far as the estimator counts them."""
    for name in ("n_iter_", "n_estimators"):
        value = getattr(estimator, name, None)
        if value is not None:
            return int(np.max(value))
    return 0


if __name__ == "__main__":
    run(train)
