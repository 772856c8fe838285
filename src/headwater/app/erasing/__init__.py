"""Erases somebody (GDPR, article 17): plans it over the lineage, performs it, proves it."""
