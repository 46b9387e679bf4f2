"""Reference trainers in JAX and PyTorch that follow the Studious trainer contract.

Run one with ``python -m studious_trainer.digits`` or ``python -m studious_trainer.digits_torch`` in
a trial folder.
"""
