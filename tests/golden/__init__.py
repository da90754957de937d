"""Golden files: what programs and databases outside rely on, and what must not change unnoticed.

Only public entry points are used here, so that no change inside the package touches these tests.
`COMPAT_TEST_GOLDEN_WRITE=1 pytest tests/golden` writes the files anew.
"""
