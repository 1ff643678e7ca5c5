"""Social axes and bias types: what a bias is about, and how a prompt asks for it."""
