"""How augmented text is written: prompts in, generators, accepted replies out."""
