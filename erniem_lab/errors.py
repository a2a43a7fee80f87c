"""Every fault that a user can cause, as one family of exceptions.

A message names the argument or file, says what was found and what is accepted, and what to do next.
Each kind is also the built-in exception that fits, so that ordinary `except ValueError` code works.
"""


class ErnieMLabError(Exception):
    """Any fault that erniem_lab reports on purpose.

    >>> issubclass(InputValueError, ErnieMLabError) and issubclass(InputValueError, ValueError)
    True
    """


class InputValueError(ErnieMLabError, ValueError):
    """An argument, or a line of a file, has a value that is not accepted."""


class InputTypeError(ErnieMLabError, TypeError):
    """An argument is of a type that is not accepted."""


class FileFaultError(ErnieMLabError, OSError):
    """A file is missing, damaged, unsafe, or not of the format that its place demands."""


class MissingExtraError(ErnieMLabError, ImportError):
    """A package of an optional extra is needed and not installed."""


class ReportError(ErnieMLabError, RuntimeError):
    """A notebook failed, died or ran out of time; its partial report was written and is marked so."""
