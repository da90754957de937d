"""Pure functions and plain data: buckets, intervals, counting, and the queries of reports."""
