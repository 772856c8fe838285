"""Every diagnostic code with its title, in one place, so that codes stay stable and are documented."""

from typing import Final

CATALOGUE: Final[dict[str, str]] = {
    # HW01xx project files
    "HW0101": "no project here",
    "HW0102": "file cannot be read",
    "HW0103": "file is not UTF-8",
    "HW0104": "control character in a file",
    "HW0105": "broken YAML",
    "HW0106": "tab in YAML indentation",
    "HW0107": "YAML nested or expanded too far",
    "HW0108": "key written twice",
    "HW0109": "unknown key",
    "HW0110": "value of the wrong type",
    "HW0111": "required key is missing",
    "HW0112": "value not allowed",
    "HW0113": "malformed reference",
    "HW0114": "name not allowed",
    "HW0115": "node declared twice",
    "HW0116": "model file too deep",
    "HW0117": "header cut by */",
    "HW0118": "header not closed, misplaced or misspelt",
    "HW0119": "no query",
    "HW0120": "several statements in a model",
    "HW0121": "setting said in two places",
    "HW0122": "settings for a model without a query",
    "HW0123": "unknown connector",
    "HW0124": "not a macro",
    "HW0125": "macro declared twice",
    "HW0126": "unknown time zone",
    "HW0127": "unknown kind of check",
    "HW0128": "unknown site or environment",
    "HW0129": "YAML feature not supported",
    "HW0130": "file is not read",
    "HW0131": "folder is not searched",
    # HW02xx graph: references, columns, addresses
    # HW03xx sources and files
    # HW04xx checks and tests
    # HW05xx plan, apply, run, rollback, environments
    # HW06xx state and lake
    "HW0650": "the lake was written by a newer Headwater",
    "HW0651": "whole number too large to be stored",
    "HW0652": "the lake cannot be written",
    "HW0653": "the lake cannot be read, or a document in it is damaged",
    "HW0654": "file of a fill is missing",
    "HW0655": "file of a fill is not what was written",
    "HW0656": "type that a file cannot hold exactly",
    # HW07xx sinks
    "HW0701": "setting of a sink that cannot be",
    "HW0702": "key without a value in a merge",
    "HW0703": "key twice in one slot of a merge",
    "HW0704": "target of a sink cannot be written",
    "HW0705": "target holds what this sink did not write",
    "HW0706": "target has another type in a column",
    "HW0707": "ledger of a sink is damaged or newer",
    "HW0708": "target of a sink is in use",
    "HW0709": "column of the same name as a sink's own",
    # HW08xx Python models
    "HW0801": "Python syntax error",
    "HW0802": "setting of a Python model is not a literal",
    "HW0803": "Python model without columns",
    "HW0804": "input of a Python model without an argument",
    "HW0805": "signature that a Python model cannot have",
    "HW0806": "project module cannot be read",
    # HW09xx command line
    "HW0910": "There is no such template",
    "HW0911": "A new project needs an empty directory",
    "HW0912": "The package with the template's data is not installed",
    "HW0913": "The new project cannot be written",
}
