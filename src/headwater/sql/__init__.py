"""SQL as text and as structure: lexing without an engine, and what one query reads, computes and decides."""
