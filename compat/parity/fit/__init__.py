"""Find the conventions under which recorded answers come out as recorded."""
