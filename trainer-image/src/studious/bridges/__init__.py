"""Bridges to and from other tools, by the tools' own libraries: ``python -m studious.bridges``.

``read`` makes the trials of an Optuna study, an MLflow experiment or offline runs of Weights &
Biases into those that ``studious findings --trials`` reads; ``report`` shows a study in MLflow,
TensorBoard or such runs. Nothing is sent anywhere but to the storage that is named.
"""
