"""Landing: what is new at sources that are not read in place is extracted, judged and kept as ranges."""
