"""Measured comparison of networks: metrics, protocols, tables, contact sheets and model cards.

Networks are loaded and run by the library's own `Colorizer`. The commands import this room, and the loop its contact
sheets. It imports the library alone.
"""
