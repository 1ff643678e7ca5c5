"""The rows of the table of metrics: a file for each kind of task."""
