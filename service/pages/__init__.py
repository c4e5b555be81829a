"""The HTML pages, as Flask blueprints, and the values that their templates show.

`home` serves the front page and forms, `history` the photographs of a browser, `result_pages` one photo. Pages may use
the JSON room `api` where both answer the same thing. Only `app` imports this room.
"""
