"""Examples in docstrings do what they show."""

import doctest
import importlib

import pytest

from tools.shape import modules

NAMES = [module.name for module in modules() if not module.name.endswith("__main__")]


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_a_module(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples of {name} fail; see the captured output"
