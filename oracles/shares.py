"""Golden values of shares: McNemar, Tango, Newcombe, the score bounds of a ratio, Clopper and Pearson, Wilson. Called by evaluation.py.

Tango is in no package: here its nuisance share is found by maximising the likelihood, in the product by its closed form.
"""

import numpy as np
from scipy import optimize, special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, score_test_proportions_2indep


def tango(b, c, n, alpha=0.05):
    """Score bounds of (b - c) / n, the nuisance share found by maximising the multinomial likelihood."""
    z = stats.norm.isf(alpha)

    def score(d):
        def deviance(share):
            return -(special.xlogy(b, share + d) + special.xlogy(c, share) + special.xlogy(n - b - c, 1 - 2 * share - d))

        low, high = max(0.0, -d), (1 - d) / 2
        share = optimize.minimize_scalar(deviance, bounds=(low, high), method="bounded", options={"xatol": 1e-14}).x
        return (b - c - n * d) / np.sqrt(n * (2 * share + d - d * d))

    seen = (b - c) / n
    lower = optimize.brentq(lambda d: score(d) - z, -1 + 1e-9, seen, xtol=1e-14)
    upper = optimize.brentq(lambda d: score(d) + z, seen, 1 - 1e-9, xtol=1e-14)
    return [b, c, n, lower, upper]


def ratio_bounds(count1, n1, count2, n2, alpha):
    """The score test of statsmodels inverted; its own bounds are roots of a quartic, of which numerics sometimes make complex ones."""

    def score(ratio):
        return score_test_proportions_2indep(count1, n1, count2, n2, value=ratio, compare="ratio", return_results=False)[0]

    seen, z = count1 / n1 / (count2 / n2), stats.norm.isf(alpha)
    lower = optimize.brentq(lambda r: score(r) - z, seen * 1e-3, seen, xtol=1e-15) if count1 else 0.0
    upper = optimize.brentq(lambda r: score(r) + z, max(seen, 1e-6), (seen + 1) * 100, xtol=1e-15)
    return [lower, upper]


def shares():
    def exact(b, c):
        one = 2 * stats.binom.cdf(min(b, c), b + c, 0.5) - stats.binom.pmf(min(b, c), b + c, 0.5)
        return [b, c, float(mcnemar([[0, b], [c, 0]], exact=True).pvalue), one]

    newcombe = list(confint_proportions_2indep(56, 70, 48, 80, compare="diff", method="newcomb"))
    assert abs(newcombe[0] - 0.05243147240236498) < 1e-15 and abs(newcombe[1] - 0.33387265403690614) < 1e-15
    score = confint_proportions_2indep(56, 70, 48, 80, compare="ratio", method="score")
    assert np.abs(np.array(ratio_bounds(56, 70, 48, 80, 0.025)) - score).max() < 1e-9
    tables = [(56, 70, 48, 80), (5, 40, 9, 30), (0, 30, 4, 50), (30, 30, 28, 40), (4000, 9000, 3900, 9100)]
    return {
        "mcnemar": [exact(25, 45), exact(3, 1), exact(10, 10), exact(0, 6), exact(480, 530)],
        "tango": [tango(*case) for case in ((25, 45, 400), (3, 1, 40), (9, 0, 60), (500, 460, 20000))],
        "newcombe": [[*t, a, *confint_proportions_2indep(*t, compare="diff", method="newcomb", alpha=2 * a)] for t in tables for a in (0.025, 0.001)],
        "ratio": [
            [*t, a, *ratio_bounds(*t, a)] for t in tables if t[0] and t[0] < t[1] for a in (0.025, 0.001)
        ],
        "clopperPearson": [
            [k, n, a, *proportion_confint(k, n, method="beta", alpha=2 * a)]
            for k, n in ((0, 20), (3, 20), (20, 20), (700, 1000), (999999, 1000000), (300000, 1000000)) for a in (0.05, 1e-5)
        ],
        "wilson": [[k, n, 0.05, *proportion_confint(k, n, method="wilson", alpha=0.1)] for k, n in ((0, 20), (3, 20), (20, 20), (700, 1000))],
    }
