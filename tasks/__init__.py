"""What is measured: one folder a task, the metric family, and the sources of documents."""
