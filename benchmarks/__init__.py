"""Commands that measure speed and memory, and that try to harm a running application.

Every measurement compares two things in the same run. The commands may import `colorizers` and `service`. They never
import `tests`; helpers that tests share with them live in `benchmarks.support`.
"""
