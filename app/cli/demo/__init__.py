"""A shop to try things on: three merchants, thousands of products, stock, rates and three
logins."""

from app.cli.demo.shop import Planted, plant

__all__ = ["Planted", "plant"]
