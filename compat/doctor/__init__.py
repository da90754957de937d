"""What `helpscout-v1 doctor` looks at: learn facts first, then judge each by a table of checks."""
