"""Universal information extraction: a schema asked of texts, and models taught to answer."""

from erniem_lab.tasks.extraction.documents import Answer, Question, answer
from erniem_lab.tasks.extraction.extractor import InformationExtractor
from erniem_lab.tasks.extraction.found import Extraction, Extractions, Found
from erniem_lab.tasks.extraction.labelled import TextPrediction, names_in, renamed, schema_in, score_extractions
from erniem_lab.tasks.extraction.learning import PromptPrediction, Prompts
from erniem_lab.tasks.extraction.prompts import as_prompts, choice_prompts, to_prompts
from erniem_lab.tasks.extraction.schema import read_schema, schema_of

__all__ = [
    "Answer", "Extraction", "Extractions", "Found", "InformationExtractor", "PromptPrediction", "Prompts",
    "Question", "TextPrediction", "answer", "as_prompts", "choice_prompts", "names_in", "read_schema", "renamed",
    "schema_in", "schema_of", "score_extractions", "to_prompts",
]  # fmt: skip
