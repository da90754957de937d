"""One package each, mirroring `compat/`."""
