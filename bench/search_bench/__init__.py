"""Studious' searches beside Vizier's, Optuna's and scipy's, on the same problems in the same run."""
