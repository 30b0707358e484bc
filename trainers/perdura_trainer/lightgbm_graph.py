"""LightGBM's trees, read from its own text format, which is the one that it loads models from."""

from __future__ import annotations

import numpy as np

from perdura_trainer.trees import Tree, members_of

CATEGORICAL = 1
"""Bit of `decision_type`."""
_LISTS = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value", "cat_boundaries", "cat_threshold")


def lightgbm_trees(model: str, width: int) -> list[Tree]:
    """The trees of `Booster.model_to_string()`; their sums are the raw scores, [rows, width]."""
    texts = model.split("\nTree=")[1:]
    return [_tree(_fields(text), number % width) for number, text in enumerate(texts)]


def _fields(text: str) -> dict[str, np.ndarray]:
    found = dict(line.split("=", 1) for line in text.split("\n\n", 1)[0].split("\n") if "=" in line)
    return {name: np.array(found.get(name, "").split(), dtype=np.float64) for name in _LISTS}


def _tree(fields: dict[str, np.ndarray], target: int) -> Tree:
    """Splits keep their numbers, leaves follow; LightGBM writes leaf n as child -1 - n."""
    leaves = fields["leaf_value"]
    splits = len(leaves) - 1
    if splits == 0:
        fields = {**fields, **{name: np.empty(0) for name in _LISTS if name not in ("leaf_value",)}}
    children = {side: fields[side].astype(np.int64) for side in ("left_child", "right_child")}
    yes, no = (np.where(each >= 0, each, splits - 1 - each) for each in children.values())
    pad = np.zeros(len(leaves))
    return Tree(
        leaf=np.arange(splits + len(leaves)) >= splits,
        feature=np.concatenate([fields["split_feature"], pad]).astype(np.int64),
        threshold=np.concatenate([fields["threshold"], pad]),
        yes=np.concatenate([yes, pad]).astype(np.int64),
        no=np.concatenate([no, pad]).astype(np.int64),
        members=_sets(fields),
        weights=np.concatenate([np.zeros(splits), leaves]).reshape(-1, 1),
        targets=(target,),
    )


def _sets(fields: dict[str, np.ndarray]) -> dict[int, list[int]]:
    """A categorical split's threshold is the number of its set; its bits are words between two boundaries."""
    bounds, words = fields["cat_boundaries"].astype(int), fields["cat_threshold"]
    sets = {}
    for split in np.flatnonzero(fields["decision_type"].astype(np.int64) & CATEGORICAL):
        number = int(fields["threshold"][split])
        sets[int(split)] = members_of(words[bounds[number] : bounds[number + 1]])
    return sets
