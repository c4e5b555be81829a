"""The command line `python -m training`, one module for each command.

`main` loads a command's module when it is asked for. A command parses arguments, calls the rooms below and prints.
Nothing imports this room except `__main__`. It may import everything else of the package.
"""
