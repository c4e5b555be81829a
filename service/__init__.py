"""The web application around the library: settings, pages, JSON API, files, jobs and the worker that colours."""
