"""The job table and its queue: rows, leases, waiting, expiry and counters on SQLAlchemy.

The row of a job is authoritative; files and processes follow it. `store` is the interface for the rest of the service,
and `schema` the only definition of tables. This room imports `domain`, `storage` and `settings`, and never a worker or
a request.
"""
