"""The command line `python -m colorizers`, with its subcommands `replay` and `weights`.

`main` parses arguments and colors files, `plan` decides which file is written where. Nothing of the package imports
this room except `__main__`. It may import everything else of the package.
"""
