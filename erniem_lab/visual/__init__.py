"""Pictures of results: figures by matplotlib, and text in any script as HTML."""

from erniem_lab.visual.alignment import alignment_grid
from erniem_lab.visual.asking import AskForm, said_strip
from erniem_lab.visual.attention import attention_map
from erniem_lab.visual.bertviz_views import head_view, model_view, neuron_view
from erniem_lab.visual.costs import cost_curves
from erniem_lab.visual.curves import loss_curve
from erniem_lab.visual.exploring import Explorer, explorer
from erniem_lab.visual.extraction import ExtractionForm, found_strips
from erniem_lab.visual.fonts import missing
from erniem_lab.visual.grids import number_grid
from erniem_lab.visual.heads import head_maps
from erniem_lab.visual.intervals import dot_intervals, layer_lines
from erniem_lab.visual.layers import layer_grid, layer_panels
from erniem_lab.visual.reading import Reading, reading_grids, reading_tables
from erniem_lab.visual.tokens import Guess, Markup, guess_table, token_strips
from erniem_lab.visual.transfer import confusion_map, transfer_map

__all__ = [
    "AskForm", "Explorer", "ExtractionForm", "Guess", "Markup", "Reading", "alignment_grid", "attention_map",
    "confusion_map", "cost_curves", "dot_intervals", "explorer", "found_strips", "guess_table", "head_maps",
    "head_view", "layer_grid", "layer_lines", "layer_panels", "loss_curve", "missing", "model_view", "neuron_view",
    "number_grid", "reading_grids", "reading_tables", "said_strip", "token_strips", "transfer_map",
]  # fmt: skip
