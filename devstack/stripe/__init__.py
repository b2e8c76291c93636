"""A stateful stand-in for Stripe: payment intents, refunds, events, and trouble on request.

Tests: `emulator = StripeEmulator()`, `server = serve(emulator)`, `server.url`, `server.close()`.
Command: `python -m devstack.stripe --port 12111`.
"""

from devstack.stripe.emulator import StripeEmulator
from devstack.stripe.server import RunningServer, serve

__all__ = ["RunningServer", "StripeEmulator", "serve"]
