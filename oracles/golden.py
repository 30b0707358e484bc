"""Prints the golden values that the tests of domain/statistics hold our own numbers against.

    python3.11 -m venv /tmp/oracles && /tmp/oracles/bin/pip install -r oracles/requirements.txt
    /tmp/oracles/bin/python oracles/golden.py > test/domain/golden.json && npx prettier --write test/domain/golden.json

Samples come from a generator that both languages can build: s = (1664525 s + 1013904223) mod 2^32, u = (s + 0.5) / 2^32.
Where a formula is our own (evidence, PSI), it is computed here in another way than in the product: by quadrature, or from the samples.
"""

import json
import platform
from importlib.metadata import version

import numpy as np
from MLstatkit import Delong_test
from scipy import integrate, optimize, special, stats
from scipy.spatial import distance
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from statsmodels.stats.multitest import multipletests

from evaluation import evaluation


def uniforms(seed, n):
    values = np.empty(n)
    for i in range(n):
        seed = (1664525 * seed + 1013904223) % 2**32
        values[i] = (seed + 0.5) / 2**32
    return values


def special_functions():
    return {
        "lnGamma": [[x, float(special.gammaln(x))] for x in (1e-3, 0.2, 0.5, 1.5, 19.8, 131, 1e5, 1e8)],
        "incompleteBeta": [
            [a, b, x, float(special.betainc(a, b, x))]
            for a, b, x in (
                (1, 99, 0.05), (99, 1, 0.95), (131, 9, 0.95), (9, 131, 0.05), (0.2, 19.8, 0.01), (19.8, 0.2, 0.99),
                (5000, 95000, 0.05), (95000, 5000, 0.95), (9995, 5, 0.95), (10, 10, 0.5), (1, 19, 1e-9), (400, 600, 0.1),
            )
        ],
        "chiSquareSurvival": [
            [df, x, float(stats.chi2.sf(x, df))]
            for df, x in ((1, 3.84), (9, 16.9), (9, 40), (9, 1400), (9, 1600), (9, 50000), (30, 0.5), (200, 250), (2, 1e-9))
        ],
        "normalCdf": [[x, float(special.ndtr(x))] for x in (-37, -10, -1.96, -1e-9, 0, 0.5, 3, 9)],
        "normalQuantile": [[p, float(special.ndtri(p))] for p in (1e-300, 1e-10, 0.025, 0.5, 0.8, 0.95, 0.999999)],
    }


def one_sided_evidence(n, x, rho, k):
    """ln of the likelihood ratio's mean over the prior cut to theta > rho, by quadrature around the integrand's peak."""
    a, b = k * rho, k * (1 - rho)

    def ln_ratio(theta):
        return special.xlogy(x, theta / rho) + special.xlog1py(n - x, -theta) - (n - x) * np.log1p(-rho)

    peak = max(float(ln_ratio(max(x / n, rho))), 0.0) if n else 0.0

    def weighted(theta, shift, with_ratio):
        ln_prior = (a - 1) * np.log(theta) + (b - 1) * np.log1p(-theta)
        return np.exp(ln_prior + ((ln_ratio(theta) - shift) if with_ratio else 0))

    points = sorted({min(max(x / n, rho * 1.001), 0.999), min(rho * 1.05, 0.999)})
    settings = {"limit": 500, "epsabs": 0, "epsrel": 1e-11, "points": points}
    above, _ = integrate.quad(weighted, rho, 1, args=(peak, True), **settings)
    prior, _ = integrate.quad(weighted, rho, 1, args=(0, False), **settings)
    return float(np.log(above) - np.log(prior) + peak)


def two_sided_evidence(n, x, rho, k):
    a, b = k * rho, k * (1 - rho)
    return float(special.betaln(a + x, b + n - x) - special.betaln(a, b) - x * np.log(rho) - (n - x) * np.log(1 - rho))


def evidence():
    # The published two-sided values pin the family and its parameters; the product uses the one-sided cut.
    assert abs(two_sided_evidence(40, 8, 0.05, 100) - 1.7200370770782523) < 1e-12
    assert abs(two_sided_evidence(40, 8, 0.05, 1) - 2.2967993443235986) < 1e-12
    cases = [
        (40, 8, 0.05, 100), (40, 8, 0.05, 20), (40, 2, 0.05, 20), (100, 10, 0.05, 20), (100, 30, 0.25, 20),
        (300, 25, 0.05, 20), (10, 9, 0.5, 20), (60, 20, 0.5, 20), (1, 1, 0.05, 20), (500, 12, 0.01, 100),
    ]
    return [[*case, one_sided_evidence(*case)] for case in cases]


def confidence_sequences():
    """Bounds on a sum of unit variance at v observations, tightest at v_opt: confseq 0.0.11 gave 30.35… and 27.66…"""

    def rho_of(v_opt, alpha):
        return v_opt / (2 * np.log(1 / alpha) + np.log(1 + 2 * np.log(1 / alpha)))

    def two_sided(v, v_opt, alpha):
        r = rho_of(v_opt, alpha)
        return float(np.sqrt((v + r) * (np.log(1 + v / r) + 2 * np.log(1 / alpha))))

    def one_sided(v, v_opt, alpha):
        r = rho_of(v_opt, 2 * alpha)

        def excess(s):
            return 0.5 * np.log(4 * r / (v + r)) + s * s / (2 * (v + r)) + special.log_ndtr(s / np.sqrt(v + r)) - np.log(1 / alpha)

        return float(optimize.brentq(excess, 0, 100 * np.sqrt(v), xtol=1e-13))

    assert abs(two_sided(100, 100, 0.05) - 30.35208990376253) < 1e-11
    assert abs(one_sided(100, 100, 0.05) - 27.660708830694603) < 1e-9
    cases = [(100, 100, 0.05), (400, 1000, 0.05), (5000, 1000, 0.05), (20000, 5000, 0.01)]
    return [[*case, two_sided(*case), one_sided(*case)] for case in cases]


def auc():
    labels = (uniforms(3, 300) < 0.4).astype(int)
    a = uniforms(4, 300) + 0.5 * labels
    b = uniforms(5, 300) + 0.35 * labels
    z, p, auc_a, auc_b, *_ = Delong_test(labels, b, a, return_auc=True)
    m, n = a[labels == 1], a[labels == 0]
    psi_a = (m[:, None] > n).astype(float)
    psi_b = (b[labels == 1][:, None] > b[labels == 0]).astype(float)
    d = psi_a - psi_b
    error = np.sqrt(d.mean(axis=1).var(ddof=1) / len(m) + d.mean(axis=0).var(ddof=1) / len(n))
    difference = roc_auc_score(labels, a) - roc_auc_score(labels, b)
    assert abs(abs(z) - abs(difference / error)) < 1e-9 and abs(error - 0.029825986855726946) < 1e-14
    tied = np.round(a, 1)
    return {
        "challenger": float(roc_auc_score(labels, a)),
        "champion": float(roc_auc_score(labels, b)),
        "standardError": float(error),
        "z": float(abs(z)),
        "lower": float(difference - special.ndtri(0.95) * error),
        "upper": float(difference + special.ndtri(0.95) * error),
        "tied": float(roc_auc_score(labels, tied)),
        "tiedRankSum": float(stats.rankdata(tied)[labels == 1].sum()),
    }


def losses():
    labels = (uniforms(3, 300) < 0.4).astype(int)
    a = uniforms(4, 300)
    b = np.clip(0.7 * a + 0.3 * uniforms(5, 300), 0, 1)
    per_row = lambda p: -(labels * np.log(p) + (1 - labels) * np.log(1 - p))
    paired = stats.ttest_rel(per_row(a), per_row(b))
    mean = float((per_row(a) - per_row(b)).mean())
    error = mean / float(paired.statistic)
    lower, upper = stats.norm.interval(0.9, loc=mean, scale=abs(error))
    excess = labels.sum() - b.sum()
    z = excess / np.sqrt((b * (1 - b)).sum())
    return {
        "logLoss": float(log_loss(labels, a)),
        "brier": float(brier_score_loss(labels, a)),
        "difference": mean,
        "standardError": abs(error),
        "lower": float(lower),
        "upper": float(upper),
        "quantiles": [[q, float(np.quantile(a, q))] for q in (0, 0.25, 0.5, 0.95, 0.99, 1)],
        "gap": float(labels.mean() - b.mean()),
        "gapPValue": float(2 * stats.norm.sf(abs(z))),
    }


def drift():
    reference = np.exp(2 * uniforms(1, 500))
    current = 1.1 * np.exp(2 * uniforms(2, 400))
    edges = np.quantile(reference, np.arange(1, 10) / 10)
    bins = [-np.inf, *edges, np.inf]
    p, q = np.histogram(reference, bins)[0], np.histogram(current, bins)[0]
    shares = [np.where(c == 0, 1e-4, c / c.sum()) for c in (p, q)]
    psi = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    assert abs(psi - 0.07346284340982037) < 1e-14
    scale = 1 / 500 + 1 / 400
    return {
        "edges": edges.tolist(),
        "referenceCounts": p.tolist(),
        "currentCounts": q.tolist(),
        "psi": psi,
        "expected": 9 * scale,
        "pValue": float(stats.chi2.sf(psi / scale, 9)),
    }


def two_samples():
    """The statistics that compare two samples: on values as scipy does, and on counts over the reference's deciles."""
    reference = np.exp(2 * uniforms(1, 500))
    current = 1.1 * np.exp(2 * uniforms(2, 400))
    edges = np.quantile(reference, np.arange(1, 10) / 10)
    p, q = (np.histogram(s, [-np.inf, *edges, np.inf])[0] for s in (reference, current))

    def smirnov(a, b):
        exact, asymptotic = (stats.ks_2samp(a, b, method=method) for method in ("auto", "asymp"))
        return [float(exact.statistic), float(exact.pvalue), float(asymptotic.pvalue)]

    # Seeds, sizes and a shift of the second sample: few and many values, equal and unequal sizes, near and far tails, ties (rounded).
    cases = [
        (1, 500, 2, 400, 0.0, 6), (11, 300, 12, 300, 0.1, 6), (13, 40, 14, 30, 0.5, 6), (15, 2000, 16, 1500, 0.5, 6),
        (17, 7, 18, 9, 0.2, 6), (19, 1000, 20, 800, 0.02, 1), (21, 12000, 22, 9000, 0.01, 6), (23, 60, 24, 60, 0.0, 6),
        (25, 20000, 26, 100, 0.1, 6), (27, 20000, 28, 15000, 0.1, 6),
    ]
    ks = [[*case, *smirnov(np.round(uniforms(case[0], case[1]), case[5]), np.round(uniforms(case[2], case[3]) + case[4], case[5]))] for case in cases]
    kstwo = [
        [n, x, float(stats.kstwo.sf(x, n))]
        for n, x in (
            (1, 0.7), (5, 0.09), (5, 0.3), (10, 0.274), (20, 0.6), (50, 0.1), (100, 0.05), (140, 0.08), (140, 0.15), (141, 0.04),
            (141, 0.2), (222, 0.0875), (1000, 0.01), (1000, 0.03), (1000, 0.3), (20000, 0.005), (20000, 0.02), (500000, 0.001), (500000, 0.01),
        )
    ]
    table = stats.chi2_contingency([[200, 180, 120], [130, 170, 100]], correction=False)
    deciles = stats.chi2_contingency([p, q], correction=False)
    boundaries = [reference.min(), *edges, reference.max()]
    # Evenly within each bin: the distribution functions are piecewise linear, and the area is found by quadrature.
    gap = lambda x: abs(np.interp(x, boundaries, [0, *np.cumsum(q) / 400]) - np.interp(x, boundaries, [0, *np.cumsum(p) / 500]))
    grid = np.linspace(boundaries[0], boundaries[-1], 4_000_001)
    counted = float(integrate.trapezoid(gap(grid), grid))
    deviations = [0.02, 0.03, 0.05, 0.05]
    largest = integrate.quad(lambda x: 1 - np.prod([stats.halfnorm.cdf(x, scale=s) for s in deviations]), 0, 1, epsabs=1e-13)[0]
    return {
        "kolmogorovSmirnov": ks,
        "kolmogorovSmirnovOfValues": smirnov(reference, current),
        "kolmogorovSurvival": kstwo,
        "chiSquare": [float(table.statistic), float(table.pvalue)],
        "chiSquareOfDeciles": [float(deciles.statistic), float(deciles.pvalue)],
        "jensenShannonOfDeciles": float(distance.jensenshannon(p, q, base=2)),
        "kolmogorovSmirnovOfDeciles": float(np.abs(np.cumsum(p) / 500 - np.cumsum(q) / 400).max()),
        "lInfinityOfDeciles": float(distance.chebyshev(p / 500, q / 400)),
        "wasserstein": float(stats.wasserstein_distance(reference, current)),
        "normedWasserstein": float(stats.wasserstein_distance(reference, current) / reference.std()),
        "wassersteinOfDeciles": counted,
        "meanOfChi": [[df, float(stats.chi.mean(df))] for df in (1, 2, 9, 50)],
        "expectedLargest": [deviations, float(largest)],
    }


def benjamini_hochberg():
    p = [0.041, 0.001, 0.216, 0.008, 0.039, 0.06, 0.042, 0.205, 0.074, 0.212]
    return {"pValues": p, "adjusted": multipletests(p, method="fdr_bh")[1].tolist()}


packages = ("numpy", "scipy", "scikit-learn", "statsmodels", "MLstatkit", "fairlearn")
print(
    json.dumps(
        {
            "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
            "specialFunctions": special_functions(),
            "evidence": evidence(),
            "confidenceSequences": confidence_sequences(),
            "auc": auc(),
            "losses": losses(),
            "drift": drift(),
            "twoSamples": two_samples(),
            "benjaminiHochberg": benjamini_hochberg(),
            "evaluation": evaluation(),
        },
        indent=1,
    )
)
