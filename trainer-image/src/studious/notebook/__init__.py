"""Look at a study from Python: trials and measurements as frames, plots, findings.

::

    import studious

    study = studious.Study("studious-runs/digits")
    study                                # goal, the five questions, findings
    study.trials()                       # a pandas DataFrame; .trials("polars") a Polars one
    study.measurements("validation_error")
    study.plots["axis-learning_rate"]    # draws itself in Jupyter

Frames need pandas (the extra ``notebook``) or Polars; everything else needs the standard library
alone. What is concluded and drawn is the ``studious`` command's, or the
operator's, so that a notebook says what the report and the dashboard say.
"""

from studious.notebook._conclusions import Change, Checklist, Finding, Findings, Question
from studious.notebook._pictures import Plot, Plots
from studious.notebook._study import Study

__all__ = ["Change", "Checklist", "Finding", "Findings", "Plot", "Plots", "Question", "Study"]
