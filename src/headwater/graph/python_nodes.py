"""A function of the project as a node keeps it: what is needed to call it, and nothing of how it was found."""

from headwater.graph.values import PythonNode
from headwater.spec.nodes import PythonCode


def python_node(code: PythonCode | None) -> PythonNode | None:
    """Give what a model, source or sink keeps of its function; None if it has none."""
    if code is None:
        return None
    return PythonNode(
        path=code.path,
        function=code.function,
        arguments=code.arguments,
        inputs=code.inputs,
        modules=code.modules,
        made_as=code.made_as,
    )
