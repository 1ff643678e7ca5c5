"""`bias-inherit generators`: who can write augmented data."""

from __future__ import annotations

from bias_inherit.cli.app import app


@app.command()
def generators() -> None:
    """List the generators and their options."""
    from rich.console import Console
    from rich.table import Table

    from bias_inherit.bias_augment.writing.generators.registry import generators as listed

    table = Table("generator", "what it does", "options (default)")
    for name, entry in listed().items():
        options = "\n".join(
            f"{o.flag} ({'required' if o.required else o.default}): {o.help}" for o in entry.options
        )
        table.add_row(name, entry.summary, options)
    Console().print(table)
