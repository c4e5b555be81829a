"""The registry of networks, and the download, import and verification of their weights files.

`registry` says which networks there are without loading torch, so the web process may import it. `store` finds and
verifies files, `download` fetches them, and `state_dict` reads them into modules and is the only one to load torch.
This room imports `errors` alone.
"""
