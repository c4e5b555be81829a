"""Health, readiness and metrics for operators.

`health` serves the routes and `metrics` writes the Prometheus text. Only `app` imports this room. It imports the
context, the jobs and the documents of the API, and changes nothing.
"""
