"""Who asks, and the shared objects that answer a request: stores, keys, identity, counters.

`app_context` holds one instance of each for the Flask application. `web`, `usecases`, `api`, `pages` and `ops` import
it. It imports `workers.supervisor`, `jobs` and `storage`, and never a view.
"""
