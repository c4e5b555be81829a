"""Predictions of networks, and the color hints that they take into account.

`prediction` holds the ab planes of a photo, `distribution` the probabilities behind them, `hints` the validation of
color hints, `hint_propagation` their spread to objects, and `hint_localization` limits hints in networks that have
inputs for them. Nothing here loads torch. This room imports `colorspace` and `errors` alone.
"""
