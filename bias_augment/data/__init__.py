"""Examples and data sets: original data, mixes, files, cards, and scans of other data."""
