"""The worker of one site: it looks at its own rows, proves what it is asked, and sends what a charter lets leave."""
