"""Servers, set-ups, sample photos and measurements that the commands and the tests share.

`servers` starts PostgreSQL, Redis and an S3 server, `setups` the application on one or several machines. This room may
be imported by commands and by tests. It imports no command.
"""
