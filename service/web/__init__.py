"""What every request and answer passes: access checks, headers, languages, compression, rate limits.

`app` registers these functions on the Flask application; pages and routes import a few of them. This room imports
`context` and `domain`, and never a page or a route.
"""
