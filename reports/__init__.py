"""What is read: results of lm-eval, compared. Nothing here imports torch or lm-eval."""
