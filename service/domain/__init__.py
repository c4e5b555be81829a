"""Plain values and rules of the application: options, jobs, problems, names and labels.

Nothing here reads a file, a database or a request. Every room of the service may import it. It imports the library's
values and `settings`, and never another room of the service.
"""
