"""Identity of the requester, and the shared objects of the application: stores, keys, request counters.

`app_context` holds one instance of each for the Flask application. `web`, `usecases`, `api`, `pages` and `ops` import
it. It imports `workers.supervisor`, `jobs` and `storage`, and never a view.
"""
