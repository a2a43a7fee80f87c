"""What an encoder knows: arrays in, frozen results with intervals out."""

from erniem_lab.probing.retrieval import Retrieval, retrieve

__all__ = ["Retrieval", "retrieve"]
