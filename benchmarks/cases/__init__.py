"""One measurement a module; every module in this folder is run."""
