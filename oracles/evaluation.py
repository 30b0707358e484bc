"""Golden values of the gate's statistics: metrics, their intervals, paired differences and fairness. Called by golden.py.

Answers of true and numbers are rounded to FP32, as a model gives them. DeLong is computed here in another way than in the product, by
comparing all pairs of rows. Philox is written here a second time, so that scipy's BCa can be applied to the very resamples that the
product draws.
"""

from types import SimpleNamespace

import fairlearn.metrics as fair
import numpy as np
from scipy import special, stats
from sklearn import metrics
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import confint_proportions_2indep

from shares import ratio_bounds, shares

FLOOR = 2.0**-23
ROWS = 400


def uniforms(seed, n=ROWS):
    values = np.empty(n)
    for i in range(n):
        seed = (1664525 * seed + 1013904223) % 2**32
        values[i] = (seed + 0.5) / 2**32
    return values


def fp32(values):
    return values.astype(np.float32).astype(np.float64)


def binary_rows():
    labels = (uniforms(31) < 0.4).astype(int)
    challenger = fp32(0.55 * uniforms(32) + 0.35 * labels)
    challenger[:4] = [0, 1, 0.5, 0.5]
    champion = fp32(0.7 * challenger + 0.3 * uniforms(34))
    return labels, challenger, champion


def class_rows():
    labels = np.floor(4 * uniforms(39)).astype(int)

    def probabilities(seed, strength):
        raw = [uniforms(seed + place) + strength * (labels == place) for place in range(4)]
        total = raw[0] + raw[1] + raw[2] + raw[3]
        return np.stack([column / total for column in raw], axis=1)

    return labels, probabilities(41, 0.4), probabilities(51, 0.3)


def number_rows():
    labels = 1000 + 50 * uniforms(61)
    return labels, fp32(labels + 20 * uniforms(62) - 9), fp32(labels + 24 * uniforms(63) - 12)


def ece(truth, probability):
    """From scikit-learn's reliability curve, which leaves empty bins out; the bins' rows are counted here."""
    shares, means = calibration_curve(truth, probability, n_bins=15, strategy="uniform")
    bins = np.clip(np.ceil(probability * 15) - 1, 0, 14).astype(int)
    counts = np.bincount(bins, minlength=15)
    return float(np.abs(shares - means) @ counts[counts > 0] / counts.sum())


def clipped(probabilities):
    return np.clip(probabilities, FLOOR, 1 - FLOOR)


def metric_values():
    labels, p, _ = binary_rows()
    classes, q, _ = class_rows()
    truth, answer, _ = number_rows()
    unknown = np.where(np.arange(ROWS) % 10 == 0, 4, classes)
    five = np.hstack([q, np.zeros((ROWS, 1))])
    top = q.argmax(axis=1)
    return {
        "binary": {
            "auc": metrics.roc_auc_score(labels, p),
            "logLoss": metrics.log_loss(labels, np.stack([1 - clipped(p), clipped(p)], axis=1)),
            "brier": metrics.brier_score_loss(labels, p),
            "calibration": ece(labels, p),
            "f1": metrics.f1_score(labels, p >= 0.5),
            "f1At30": metrics.f1_score(labels, p >= 0.3),
            "accuracy": metrics.accuracy_score(labels, p >= 0.5),
        },
        "multiclass": {
            "auc": metrics.roc_auc_score(classes, q, multi_class="ovr"),
            "logLoss": metrics.log_loss(classes, q),
            "brier": metrics.brier_score_loss(classes, q),
            "calibration": ece(top == classes, q.max(axis=1)),
            "f1": metrics.f1_score(classes, top, average="macro"),
            "accuracy": metrics.accuracy_score(classes, top),
        },
        "unknownClass": {
            "logLoss": -np.log(clipped(five[np.arange(ROWS), unknown])).mean(),
            "brier": metrics.brier_score_loss(unknown, five),
            "f1": metrics.f1_score(unknown, top, average="macro"),
            "accuracy": metrics.accuracy_score(unknown, top),
        },
        "regression": {
            "rmse": metrics.root_mean_squared_error(truth, answer),
            "mae": metrics.mean_absolute_error(truth, answer),
            "r2": metrics.r2_score(truth, answer),
            "quantileLoss": metrics.mean_pinball_loss(truth, answer, alpha=0.9),
        },
    }


def philox(counters, key):
    """Philox4x32-10 of many counters [n, 4]."""
    a, b, c, d = (counters[:, word].astype(np.uint64) for word in range(4))
    low, high = (np.uint64(word) for word in key)
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(10):
        x, y = np.uint64(0xD2511F53) * a, np.uint64(0xCD9E8D57) * c
        a, b, c, d = (y >> half) ^ b ^ low, y & mask, (x >> half) ^ d ^ high, x & mask
        low, high = (low + np.uint64(0x9E3779B9)) & mask, (high + np.uint64(0xBB67AE85)) & mask
    return np.stack([a, b, c, d], axis=1)


def resampled_rows(seed, resamples, n=ROWS):
    blocks = -(-n // 4)
    counters = np.zeros((resamples * blocks, 4), dtype=np.uint64)
    counters[:, 0] = np.tile(np.arange(blocks), resamples)
    counters[:, 1] = np.repeat(np.arange(resamples), blocks)
    bits = philox(counters, (seed % 2**32, seed // 2**32)).reshape(resamples, -1)[:, :n]
    return ((bits * np.uint64(n)) >> np.uint64(32)).astype(int)


def bca(columns, statistic, seed=7, alpha=0.05, resamples=2000):
    """scipy's BCa of the product's own resamples, and of scipy's own, more of them."""
    distribution = np.array([statistic(*(column[rows] for column in columns)) for rows in resampled_rows(seed, resamples)])
    settings = {"paired": True, "vectorized": False, "confidence_level": 1 - 2 * alpha, "method": "BCa"}
    ours = SimpleNamespace(bootstrap_distribution=distribution)
    same = stats.bootstrap(columns, statistic, n_resamples=0, bootstrap_result=ours, **settings).confidence_interval
    own = stats.bootstrap(columns, statistic, n_resamples=9999, rng=np.random.default_rng(1), **settings).confidence_interval
    return {"bounds": [same.low, same.high], "scipyOwn": [own.low, own.high], "standardError": distribution.std(ddof=1)}


def bootstraps():
    labels, p, q = binary_rows()
    truth, a, b = number_rows()

    # Written out: scikit-learn's checks of its arguments would take minutes over the resamples and leave-one-outs.
    def rmse(y, x):
        return np.sqrt(((y - x) ** 2).mean())

    def r2(y, x):
        return 1 - ((y - x) ** 2).sum() / ((y - y.mean()) ** 2).sum()

    def f1(y, x):
        return 2 * (y * (x >= 0.5)).sum() / (y.sum() + (x >= 0.5).sum())

    assert abs(r2(truth, a) - metrics.r2_score(truth, a)) < 1e-12
    return {
        "rmse": bca((truth, a), rmse),
        "rmseDifference": bca((truth, a, b), lambda y, x, z: rmse(y, x) - rmse(y, z)),
        "r2": bca((truth, a), r2),
        "r2Difference": bca((truth, a, b), lambda y, x, z: r2(y, x) - r2(y, z)),
        "f1": bca((labels, p), f1),
        "f1Difference": bca((labels, p, q), lambda y, x, z: f1(y, x) - f1(y, z)),
    }


def delong(labels, columns):
    """What each row adds to the macro AUC, by comparing all pairs; `columns` one a class, or one of true."""
    n, k = len(labels), columns.shape[1]
    added = np.zeros(n)
    for place in range(k):
        inside = labels == (1 if k == 1 else place)
        x, y = columns[inside, place], columns[~inside, place]
        wins = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        added[inside] += wins.mean(axis=1) / inside.sum() / k
        added[~inside] += wins.mean(axis=0) / (~inside).sum() / k
    area = sum(added[labels == (1 if k == 1 else place)].sum() for place in range(k)) if k == 1 else added.sum() / 2
    return area, added


def delong_error(labels, added):
    return np.sqrt(sum((labels == c).sum() * added[labels == c].var(ddof=1) for c in np.unique(labels)))


def areas():
    labels, p, p2 = binary_rows()
    classes, q, q2 = class_rows()
    z = stats.norm.isf(0.05)
    found = {}
    for name, truth, ours, theirs in (("binary", labels, p[:, None], p2[:, None]), ("multiclass", classes, q, q2)):
        (area, added), (other, less) = delong(truth, ours), delong(truth, theirs)
        error, difference = delong_error(truth, added), delong_error(truth, added - less)
        logit = special.logit(area)
        reach = z * error / (area * (1 - area))
        found[name] = {
            "bounds": [special.expit(logit - reach), special.expit(logit + reach)],
            "difference": [area - other, area - other - z * difference, area - other + z * difference],
            "pValue": 2 * stats.norm.sf(abs(area - other) / difference),
        }
    macro = lambda rows: np.mean([metrics.roc_auc_score(classes[rows] == c, q[rows, c]) for c in range(4)])
    random = np.random.default_rng(2)
    members = [np.flatnonzero(classes == c) for c in range(4)]
    drawn = [macro(np.concatenate([random.choice(rows, len(rows)) for rows in members])) for _ in range(1500)]
    found["multiclass"]["bootstrapError"] = np.std(drawn, ddof=1)
    found["multiclass"]["error"] = delong_error(classes, delong(classes, q)[1])
    return found


def student():
    labels, p, q = binary_rows()
    loss = lambda x: -np.where(labels == 1, np.log(clipped(x)), np.log1p(-clipped(x)))
    paired = stats.ttest_rel(loss(p), loss(q))
    bounds = paired.confidence_interval(0.9)
    own = stats.t.interval(0.9, ROWS - 1, loss(p).mean(), stats.sem(loss(p)))
    return {
        "quantiles": [[df, a, stats.t.isf(a, df)] for df in (1, 2, 9, 399, 1_000_000) for a in (0.05, 0.0001, 0.4)],
        "tails": [[df, t, stats.t.sf(t, df)] for df in (1, 5, 399, 1_000_000) for t in (0.0, 0.3, 2.0, 8.0)],
        "logLoss": [own[0], own[1]],
        "logLossDifference": [bounds.low, bounds.high, paired.pvalue],
    }


def fairness():
    labels = (uniforms(71, 900) < 0.4).astype(int)
    group = np.floor(3 * uniforms(72, 900) ** 2).astype(int)
    p = fp32(0.6 * uniforms(73, 900) + 0.3 * labels + 0.05 * group)
    settings = {"y_true": labels, "y_pred": (p >= 0.5).astype(int), "sensitive_features": group}
    frame = fair.MetricFrame(metrics={"rate": fair.selection_rate, "tpr": fair.true_positive_rate, "fpr": fair.false_positive_rate}, **settings)
    answers = settings["y_pred"]
    counts = {
        "rate": [(int(answers[group == g].sum()), int((group == g).sum())) for g in range(3)],
        "tpr": [(int(answers[(group == g) & (labels == 1)].sum()), int(((group == g) & (labels == 1)).sum())) for g in range(3)],
        "fpr": [(int(answers[(group == g) & (labels == 0)].sum()), int(((group == g) & (labels == 0)).sum())) for g in range(3)],
    }

    def bounds(rates, compare):
        pairs = [(*counts[r][i], *counts[r][j]) for r in rates for i in range(3) for j in range(3) if i != j]
        newcombe = lambda pair, alpha: confint_proportions_2indep(*pair, compare="diff", method="newcomb", alpha=2 * alpha)
        of = lambda alpha: np.array([newcombe(pair, alpha) if compare == "diff" else ratio_bounds(*pair, alpha) for pair in pairs])
        wide, plain = of(0.05 / len(pairs)), of(0.05)
        if compare == "diff":
            return [max(0, wide[:, 0].max()), plain[:, 1].max()]
        return [plain[:, 0].min(), min(1, wide[:, 1].min())]

    return {
        "demographicParityDifference": [fair.demographic_parity_difference(**settings), *bounds(["rate"], "diff")],
        "demographicParityRatio": [fair.demographic_parity_ratio(**settings), *bounds(["rate"], "ratio")],
        "equalizedOddsDifference": [fair.equalized_odds_difference(**settings), *bounds(["tpr", "fpr"], "diff")],
        "equalizedOddsRatio": [fair.equalized_odds_ratio(**settings), *bounds(["tpr", "fpr"], "ratio")],
        "equalOpportunityDifference": [fair.equal_opportunity_difference(**settings), *bounds(["tpr"], "diff")],
        "selectionRates": frame.by_group["rate"].tolist(),
    }


def plain(value):
    """numpy's numbers as Python's, so that they can be written as JSON."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value


def evaluation():
    return plain(
        {
            "metrics": metric_values(),
            "bootstraps": bootstraps(),
            "areas": areas(),
            "shares": shares(),
            "student": student(),
            "fairness": fairness(),
        }
    )
