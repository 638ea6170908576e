"""Middleware that comes with pinxit: plugins like any other, found by their entry points."""
