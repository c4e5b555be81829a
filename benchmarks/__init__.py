"""Commands that print how the library compares with the published demo, measured in the same run."""
