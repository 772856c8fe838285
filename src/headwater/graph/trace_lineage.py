"""Value and control columns of every query: its analysis, from the cache or made anew from the engine's parse."""

from headwater.graph import caching
from headwater.graph.drafts import Draft
from headwater.graph.infer_columns import as_read
from headwater.graph.resolve_references import parsed
from headwater.spec.nodes import Model
from headwater.sql.analysis import Analysis, analyse, opaque
from headwater.sql.binding import Relation
from headwater.sql.text import canonical_tokens
from headwater.sql.tree import Unclear


def trace_lineage(draft: Draft) -> Draft:
    """Take every bound query apart."""
    analyses = dict(draft.analyses)
    for name, key in draft.keys.items():
        if name in draft.failed or name not in draft.relations or name in analyses:
            continue
        model = draft.project.models[name]
        analyses[name] = _analysed(draft, name, model, draft.relations[name])
        caching.write(draft.cache, key, analyses[name])
    return draft.noting({}, analyses=analyses)


def _analysed(draft: Draft, name: str, model: Model, columns: Relation) -> Analysis:
    inputs = as_read(draft, model, draft.relations)
    try:
        return analyse(parsed(draft, name, model), inputs, columns)
    except Unclear as why:
        return opaque(whole_text(draft, model), inputs, columns, str(why))
    except RecursionError:
        return opaque(whole_text(draft, model), inputs, columns, "nested too deeply")


def whole_text(draft: Draft, model: Model) -> str:
    """A query's text without layout, and that of all macros it may use."""
    texts = (model.query, *draft.macros.used_by(model.query))
    return "\n".join(map(canonical_tokens, texts))
