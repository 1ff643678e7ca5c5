"""How documents are made: biographies, texts, panels, stories, survey questions, names."""
