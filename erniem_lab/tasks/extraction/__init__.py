"""Universal information extraction: a schema asked of texts, and models taught to answer."""

from erniem_lab.tasks.extraction.documents import Answer, Question, answer
from erniem_lab.tasks.extraction.extractor import InformationExtractor
from erniem_lab.tasks.extraction.found import Extraction, Extractions, Found
from erniem_lab.tasks.extraction.schema import read_schema, schema_of

__all__ = [
    "Answer", "Extraction", "Extractions", "Found", "InformationExtractor", "Question", "answer", "read_schema",
    "schema_of",
]  # fmt: skip
