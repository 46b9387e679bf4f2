"""The one error this package raises on purpose."""


class StudiousError(Exception):
    """Something is wrong with a trial folder or a study, or with how it is used.

    The message names the file or call, the field, the value found, and how to
    fix it.
    """
