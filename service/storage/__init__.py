"""File storage for photos: a local folder or an object storage, behind one interface.

Only ids and kinds of file become paths or keys, never a user's file name. Every room above may import it. It imports
`settings` and the library, and never the job table.
"""
