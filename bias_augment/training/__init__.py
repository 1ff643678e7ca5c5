"""How an adapter is trained: settings, encoding, batches, loss, and its model card."""
