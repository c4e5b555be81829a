"""Commands that try to harm a running application: kills, outages, broken files, slow clients.

Each ends with exit status 1 where something that must hold does not. Tests run them for a short time. They import
`support`, the library and the service, and no command of another room.
"""
