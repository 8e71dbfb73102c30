"""How fast Kotae is, beside what one would use instead: ``python -m tests.benchmarks``; see docs/performance.md.

Everything compared is measured in one run, taking turns, each in a fresh process. Nothing is asserted;
ratios are printed.
"""
