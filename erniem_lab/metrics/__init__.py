"""Scores with intervals: for labels, numbers, entities and answers."""

from erniem_lab.metrics.answers import answer_f1, exact_match, normalise
from erniem_lab.metrics.entities import entities, entity_f1
from erniem_lab.metrics.estimates import RESAMPLES, Estimate, mean_with_interval
from erniem_lab.metrics.labels import Confusion, accuracy, confusion, macro_f1, micro_f1, pearson, spearman
from erniem_lab.metrics.tally import Tally, mean_of, shares

__all__ = [
    "RESAMPLES",
    "Confusion",
    "Estimate",
    "Tally",
    "accuracy",
    "answer_f1",
    "confusion",
    "entities",
    "entity_f1",
    "exact_match",
    "macro_f1",
    "mean_of",
    "mean_with_interval",
    "micro_f1",
    "normalise",
    "pearson",
    "shares",
    "spearman",
]
