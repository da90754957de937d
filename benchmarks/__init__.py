"""What this costs, as ratios to named peers and limits, measured in one run."""
