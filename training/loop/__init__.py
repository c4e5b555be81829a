"""The training loop: start, steps, validation, early stopping, logs and checkpoints of a run.

`start` puts a run together and `trainer` carries it out. The commands import it. This room imports `recipes`, `data`,
`distributed` and the contact sheets of `evaluation`, and never a command.
"""
