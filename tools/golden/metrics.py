"""Writes reference values of metrics, computed by scikit-learn and SciPy, to tests/Hieno.Tests/Metrics/metrics.json.

Run from the repository's root: python3 tools/golden/metrics.py. Needed only to change the cases; the tests read the file.
"""

import json
import warnings

import numpy as np
import scipy.stats
import sklearn
import sklearn.metrics as m

warnings.filterwarnings("ignore")
AVERAGES = ("micro", "macro", "weighted")


def labels_only(truth, predicted, labels):
    values = {
        "accuracy": m.accuracy_score(truth, predicted),
        "balanced-accuracy": m.balanced_accuracy_score(truth, predicted),
        "adjusted-balanced-accuracy": m.balanced_accuracy_score(truth, predicted, adjusted=True),
        "matthews": m.matthews_corrcoef(truth, predicted),
        "cohen-kappa": m.cohen_kappa_score(truth, predicted),
    }
    for average in AVERAGES:
        common = {"labels": labels, "average": average, "zero_division": 0}
        values[f"{average}-precision"] = m.precision_score(truth, predicted, **common)
        values[f"{average}-recall"] = m.recall_score(truth, predicted, **common)
        values[f"{average}-f1"] = m.f1_score(truth, predicted, **common)
    return values


def random_classes(rng, rows, labels, sharpness=1.0):
    truth = rng.integers(0, labels, rows)
    logits = np.round(rng.normal(size=(rows, labels)), 1)  # rounded, so that scores tie
    logits[np.arange(rows), truth] += sharpness
    return truth, logits.astype(np.float32)


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def binary(rng):
    truth, logits = random_classes(rng, 60, 2)
    p = softmax(logits)
    predicted = logits.argmax(axis=1)
    return {
        "truth": truth.tolist(),
        "logits": logits.tolist(),
        "expected": labels_only(truth, predicted, [0, 1]) | {
            "precision": m.precision_score(truth, predicted),
            "recall": m.recall_score(truth, predicted),
            "f1": m.f1_score(truth, predicted),
            "f2": m.fbeta_score(truth, predicted, beta=2),
            "f0.5": m.fbeta_score(truth, predicted, beta=0.5),
            "log-loss": m.log_loss(truth, p),
            "brier": m.brier_score_loss(truth, p[:, 1]),
            "roc-auc": m.roc_auc_score(truth, logits[:, 1].astype(np.float64) - logits[:, 0]),
            "average-precision": m.average_precision_score(truth, logits[:, 1].astype(np.float64) - logits[:, 0]),
        },
    }


def multiclass(rng):
    truth, logits = random_classes(rng, 80, 4)
    p = softmax(logits)
    hot = np.eye(4)[truth]
    return {
        "truth": truth.tolist(),
        "logits": logits.tolist(),
        "expected": labels_only(truth, logits.argmax(axis=1), [0, 1, 2, 3]) | {
            "log-loss": m.log_loss(truth, p),
            "brier": float(np.mean(np.sum((p - hot) ** 2, axis=1))),
            "roc-auc-ovr": m.roc_auc_score(truth, p, multi_class="ovr"),
            "weighted-roc-auc-ovr": m.roc_auc_score(truth, p, multi_class="ovr", average="weighted"),
            "roc-auc-ovo": m.roc_auc_score(truth, p, multi_class="ovo"),
            "average-precision": m.average_precision_score(hot, p, average="macro"),
        },
    }


def top_k(rng):
    # A little noise unties the scores: scikit-learn breaks ties another way.
    truth, logits = random_classes(rng, 40, 7)
    logits = (logits + rng.uniform(0, 0.01, logits.shape)).astype(np.float32)
    return {
        "truth": truth.tolist(),
        "logits": logits.tolist(),
        "expected": {
            "top-3-accuracy": m.top_k_accuracy_score(truth, logits, k=3),
            "top-5-accuracy": m.top_k_accuracy_score(truth, logits, k=5),
        },
    }


def never_predicted(rng):
    """Label 2 occurs and is never predicted; label 3 is predicted and never right; label 4, listed, is neither."""
    truth = rng.choice([0, 1, 2], 30)
    predicted = rng.choice([0, 1, 3], 30)
    return {
        "truth": truth.tolist(),
        "predicted": predicted.tolist(),
        "labels": ["a", "b", "c", "d", "e"],
        "expected": labels_only(truth, predicted, [0, 1, 2, 3, 4]),
    }


def seen_only(rng):
    """No names: averages run over the labels that occur in truth or prediction (1, 3 and 6)."""
    truth = rng.choice([1, 3], 25)
    predicted = rng.choice([1, 3, 6], 25)
    return {"truth": truth.tolist(), "predicted": predicted.tolist(), "expected": labels_only(truth, predicted, None)}


def multilabel(rng):
    truth = rng.random((50, 5)) < 0.3
    scores = np.round(rng.normal(size=(50, 5)) + truth, 1).astype(np.float32)
    predicted = scores > 0
    values = {"accuracy": m.accuracy_score(truth, predicted)}
    for average in (*AVERAGES, "samples"):
        common = {"average": average, "zero_division": 0}
        values[f"{average}-precision"] = m.precision_score(truth, predicted, **common)
        values[f"{average}-recall"] = m.recall_score(truth, predicted, **common)
        values[f"{average}-f1"] = m.f1_score(truth, predicted, **common)
    values["roc-auc"] = m.roc_auc_score(truth, scores)
    values["average-precision"] = m.average_precision_score(truth, scores)
    return {"multiTruth": truth.astype(int).tolist(), "scores": scores.tolist(), "expected": values}


def regression(rng, outputs):
    truth = np.round(rng.normal(size=(40, outputs)) * np.arange(1, outputs + 1), 1)  # rounded, so that ranks tie
    predicted = np.round(truth + rng.normal(size=truth.shape), 1)
    columns = range(outputs)
    return {
        "y": truth.tolist(),
        "yPredicted": predicted.tolist(),
        "expected": {
            "mse": m.mean_squared_error(truth, predicted),
            "rmse": float(np.mean([np.sqrt(m.mean_squared_error(truth[:, k], predicted[:, k])) for k in columns])),
            "mae": m.mean_absolute_error(truth, predicted),
            "median-absolute-error": m.median_absolute_error(truth, predicted),
            "mape": m.mean_absolute_percentage_error(truth, predicted),
            "r2": m.r2_score(truth, predicted),
            "variance-weighted-r2": m.r2_score(truth, predicted, multioutput="variance_weighted"),
            "explained-variance": m.explained_variance_score(truth, predicted),
            "variance-weighted-explained-variance": m.explained_variance_score(truth, predicted, multioutput="variance_weighted"),
            "pearson": float(np.mean([scipy.stats.pearsonr(truth[:, k], predicted[:, k])[0] for k in columns])),
            "spearman": float(np.mean([scipy.stats.spearmanr(truth[:, k], predicted[:, k])[0] for k in columns])),
        },
    }


def main():
    rng = np.random.default_rng(20240501)
    cases = {
        "binary": binary(rng),
        "multiclass": multiclass(rng),
        "top-k": top_k(rng),
        "never-predicted": never_predicted(rng),
        "seen-only": seen_only(rng),
        "multilabel": multilabel(rng),
        "regression": regression(rng, 1),
        "regression-3": regression(rng, 3),
    }
    file = {"source": f"scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}", "cases": cases}
    with open("tests/Hieno.Tests/Metrics/metrics.json", "w", encoding="utf-8") as out:
        out.write(json.dumps(file, separators=(",", ":"), default=float))
        out.write("\n")


if __name__ == "__main__":
    main()
