"""Every diagnostic code with its title, in one place, so that codes stay stable and are documented."""

from typing import Final

CATALOGUE: Final[dict[str, str]] = {
    # HW01xx project files
    # HW02xx graph: references, columns, addresses
    # HW03xx sources and files
    # HW04xx checks and tests
    # HW05xx plan, apply, run, rollback, environments
    # HW06xx state and lake
    # HW07xx sinks
    # HW08xx Python models
    # HW09xx command line
}
