"""What a request wants done, free of HTTP: submit photos, make variants, share, delete.

Pages and JSON routes call the same functions here. They raise the errors of the library and of `domain.problems`, and
return jobs. This room imports `context` and what lies below it, and never a page or a route.
"""
