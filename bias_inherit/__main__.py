"""`python -m bias_inherit`, for launchers such as torchrun."""

from bias_inherit.cli import main

main()
