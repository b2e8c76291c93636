"""`python -m devstack.purchase`: leaves with 0 at the end of the road, with 1 and one line
before."""

import argparse
import http.client
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
from rich.console import Console
from rich.markup import escape

import devstack.purchase
from devstack.purchase.road import Road
from devstack.purchase.shop import INFO, Refused, read_info


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk the road, told on the terminal."""
    words = devstack.purchase.__doc__
    parser = argparse.ArgumentParser(prog="python -m devstack.purchase", description=words)
    parser.add_argument("--info", type=Path, default=INFO, help="what the running stack wrote")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        Road(read_info(options.info), console).walk()
    except Refused as refusal:
        console.print(f"[red]✗[/red] {escape(str(refusal))}")
        return 1
    except (OSError, http.client.HTTPException, psycopg.Error) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        console.print(f"[red]✗[/red] The shop went away: {escape(lines[0])}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
