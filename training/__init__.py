"""Data, losses, recipes and evaluation of networks: everything between photographs and a weights file.

It uses the networks of `colorizers`, so that what is trained is what users get. Nothing imports this package, and it
never imports `service` or anything of the web.
"""
