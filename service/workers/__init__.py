"""Worker processes, their supervisor, and maintenance.

`worker` claims jobs from the table, `celery_worker` takes them from a broker, and both run them through `run_job`.
`supervisor` starts and restarts workers; it is what the web process imports from here, and none of it loads torch or
numba. This room never imports anything of requests or pages.
"""
