"""The shop on one machine: embedded servers, stand-ins for the world, and what keeps them alive."""
