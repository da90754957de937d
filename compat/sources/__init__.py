"""Sources bring what a report needs."""
