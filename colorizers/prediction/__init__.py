"""Predictions of networks, and the color hints that they take into account.

`prediction` holds the ab planes of a photo, `distribution` the probabilities behind them, `hints` the validation of
color hints and `hint_propagation` their spread to pixels of similar lightness. Nothing here loads torch. This room
imports `colorspace` and `errors` alone.
"""
