"""Knowledge about words: gender, terms and their boundaries, refusals. Everybody asks here."""
