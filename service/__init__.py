"""The web application around the library: settings, the Flask application, and a room for each of its parts.

At this level stand the factory `create_app`, the settings and the set-up of logging and signals. `settings` and
`logging_setup` may be imported from anywhere below. Nothing here imports `training`, and no module that the web process
loads imports torch or numba.
"""
