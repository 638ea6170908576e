"""pinxit."""
