"""`bias-inherit mitigations`: what can be done against inheritance."""

from __future__ import annotations

from bias_inherit.cli.app import app


@app.command()
def mitigations() -> None:
    """List the mitigations and their options."""
    from rich.console import Console
    from rich.table import Table

    from bias_inherit.mitigations import mitigations as listed

    table = Table("mitigation", "what it does", "options (default)")
    for name, recipe in listed().items():
        options = "\n".join(f"{o.name} ({o.default}): {o.help}" for o in recipe.options)
        table.add_row(name, recipe.summary, options)
    Console().print(table)
