"""One script per claim of `docs/reference/performance.md`; run them with `python -m benchmarks [NAME]`."""
