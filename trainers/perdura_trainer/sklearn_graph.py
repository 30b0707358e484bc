"""scikit-learn's trees: forests by their documented arrays, histogram boosting by those of the pinned versions.

skl2onnx 1.20 does neither exactly: it fails on histogram boosting with the onnx of today, and does not take its categories.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from perdura_trainer.trees import Tree, members_of

UNSEEN = -1


def forest_trees(forest: Any, targets: tuple[int, ...], column: slice) -> list[Tree]:
    """Trees whose leaves add up to the forest's mean; `column` picks what a leaf's row of values is used for."""
    return [_forest_tree(each.tree_, len(forest.estimators_), targets, column) for each in forest.estimators_]


def _forest_tree(tree: Any, count: int, targets: tuple[int, ...], column: slice) -> Tree:
    values = tree.value[:, 0, :]
    if tree.n_classes[0] > 1:
        values = values / values.sum(axis=1, keepdims=True)
    return Tree(
        leaf=tree.children_left < 0,
        feature=tree.feature,
        threshold=tree.threshold,
        yes=tree.children_left,
        no=tree.children_right,
        members={},
        weights=values[:, column] / count,
        targets=targets,
    )


def boosted_trees(model: Any, categorical: list[int], width: int) -> list[Tree]:
    """Trees whose leaves add up to the raw score less `_baseline_prediction`. Before it learns, it puts its categories first."""
    order = np.array([*categorical, *(index for index in range(width) if index not in categorical)])
    return [_boosted_tree(each, target, order) for iteration in model._predictors for target, each in enumerate(iteration)]


def _boosted_tree(predictor: Any, target: int, order: np.ndarray) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    sets = {}
    for node in np.flatnonzero(~leaf & nodes["is_categorical"].astype(bool)):
        members = members_of(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]])
        # A category that training did not see goes where most rows went.
        sets[int(node)] = [*members, UNSEEN] if nodes["missing_go_to_left"][node] else members
    return Tree(
        leaf=leaf,
        feature=order[nodes["feature_idx"].astype(np.int64)],
        threshold=nodes["num_threshold"].astype(np.float64),
        yes=nodes["left"].astype(np.int64),
        no=nodes["right"].astype(np.int64),
        members=sets,
        weights=nodes["value"].reshape(-1, 1),
        targets=(target,),
    )
