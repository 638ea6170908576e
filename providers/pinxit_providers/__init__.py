"""The providers that pinxit ships. They come in by entry points, as everybody else's do."""
