"""Everything that touches lm-eval: scoring adapters, linking the tasks, checking task files."""
