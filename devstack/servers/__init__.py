"""PostgreSQL and Valkey from wheels: no root, no docker, free ports, one folder each."""

from devstack.servers.errors import ServerFailed
from devstack.servers.postgres import EmbeddedPostgres
from devstack.servers.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedValkey", "ServerFailed"]
