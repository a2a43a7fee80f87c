"""Notebooks as reports: checked runs, one offline HTML file each, an index, and the numbers they found."""

from erniem_lab.report.build import read_reports, write_reports
from erniem_lab.report.choose import Notebook, choose, read_notebook
from erniem_lab.report.numbers import Number, record
from erniem_lab.report.report import Report

__all__ = ["Notebook", "Number", "Report", "choose", "read_notebook", "read_reports", "record", "write_reports"]
