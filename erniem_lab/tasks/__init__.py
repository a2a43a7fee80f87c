"""One wing for each kind of answer: examples in, a trained head, its predictions and their scores out."""

from erniem_lab.tasks.choice import Choice, ChoicePrediction
from erniem_lab.tasks.classification import Classification, LabelPrediction
from erniem_lab.tasks.extraction.extractor import InformationExtractor
from erniem_lab.tasks.extraction.fine_tuning import UIE, fit_extraction
from erniem_lab.tasks.extraction.learning import PromptPrediction, Prompts
from erniem_lab.tasks.extraction.prompts import choice_prompts, to_prompts
from erniem_lab.tasks.fitted import Fitted, open_fitted, task_of
from erniem_lab.tasks.fitting import Fit, fit
from erniem_lab.tasks.lessons import Check
from erniem_lab.tasks.questions import Answer, AnswerPrediction, Questions
from erniem_lab.tasks.scoring import Evaluation
from erniem_lab.tasks.settings import PRESETS, Settings, preset_settings
from erniem_lab.tasks.sources import open_examples, task_for
from erniem_lab.tasks.tagging import Tagging, TagPrediction
from erniem_lab.tasks.task import Feature, Reading, Task
from erniem_lab.tasks.transfer import Transfer, transfer

__all__ = [
    "PRESETS",
    "UIE",
    "Answer",
    "AnswerPrediction",
    "Check",
    "Choice",
    "ChoicePrediction",
    "Classification",
    "Evaluation",
    "Feature",
    "Fit",
    "Fitted",
    "InformationExtractor",
    "LabelPrediction",
    "PromptPrediction",
    "Prompts",
    "Questions",
    "Reading",
    "Settings",
    "TagPrediction",
    "Tagging",
    "Task",
    "Transfer",
    "choice_prompts",
    "fit",
    "fit_extraction",
    "open_examples",
    "open_fitted",
    "preset_settings",
    "task_for",
    "task_of",
    "to_prompts",
    "transfer",
]
