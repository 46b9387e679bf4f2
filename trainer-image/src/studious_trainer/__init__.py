"""Reference trainers in JAX that follow the Studious trainer contract.

Run one with ``python -m studious_trainer.digits`` in a trial folder.
"""
