"""Bridges to and from other tools, by the tools' own libraries: ``python -m studious.bridges``.

``read`` makes the trials of an Optuna study or an MLflow experiment into those that ``studious
findings --trials`` reads; ``report`` shows a study in MLflow or TensorBoard. Nothing is sent
anywhere but to the storage that is named.
"""
