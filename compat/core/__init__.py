"""Pure functions and plain data: buckets, intervals, counting, and what reports ask of sources."""
