"""Data of others, as their users have it: read, checked, and prepared as documents."""
