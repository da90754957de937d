"""What came of asking captures again, in the ways it can be told."""
