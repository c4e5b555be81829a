"""The documents of the API: the pydantic models of requests and answers, and OpenAPI from them.

`serializers` turns jobs into response models. The routes and the pages import this room. It imports `context`, `domain`
and `jobs`, and never a route.
"""
