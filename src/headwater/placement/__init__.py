"""Where the parts of a query run: fragments at the sites, exchanges between them, the rest at the place that asks."""
