"""JSON API under `/v1`: one module for each kind of resource, all on one blueprint.

`routes` imports all of them, which registers their routes. `parse` reads requests and `responses` writes answers. This
room imports `usecases`, `web` and what lies below them; the pages may import from it, and it never imports a page.
"""
