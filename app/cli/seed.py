"""`flask seed --demo`: a shop to try things on."""

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from app.cli.demo import plant
from app.cli.demo.shop import LOGINS, PASSWORD
from app.wiring import providers

PRODUCTS_MAX = 200_000


@click.command("seed")
@click.option(
    "--demo", is_flag=True, required=True, expose_value=False, help="Plant the demo shop."
)
@click.option(
    "--products",
    type=click.IntRange(0, PRODUCTS_MAX),
    default=5_000,
    show_default=True,
    help="How many products it sells.",
)
def command(products: int) -> None:
    """Plant a demo shop: merchants, products, stock, rates and three logins.

    What is there already stays; a second run adds what is missing, and else nothing.
    """
    wired, console = providers(), Console()
    columns = (SpinnerColumn(), TextColumn("products"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("products", total=products)
        planted = plant(
            wired.db,
            products=products,
            passwords=wired.passwords,
            progress=lambda done, _total: bar.update(task, completed=done),
        )
    console.print(f"{planted.products} products added, {products} stand in the demo shop.")
    console.print(f"Logins: {', '.join(LOGINS.values())}, password {PASSWORD}", highlight=False)
