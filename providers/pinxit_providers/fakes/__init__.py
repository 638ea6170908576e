"""Strict stand-ins of the providers' servers: ASGI applications for tests, without network or keys."""
