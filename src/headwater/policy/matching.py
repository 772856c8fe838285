"""Which grant an occurrence of a relation is read by at each site, or why it may not be read there."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from headwater.diagnostics import Diagnostic, error
from headwater.policy.charters import Charter
from headwater.policy.denials import denying
from headwater.policy.grants import Grants, grants_of
from headwater.policy.implication import implies
from headwater.policy.predicates import readable
from headwater.policy.rules import rule_place
from headwater.policy.subjects import Subject
from headwater.policy.values import Chosen, Grant, Refusal, Use
from headwater.sql.binding import Bind

_PLAIN: Final = frozenset({"free", "raw"})


def choose(
    charter: Charter, subject: Subject, use: Use, sites: Iterable[str], at: str, through: str, bind: Bind
) -> Chosen | tuple[Refusal, ...]:
    """Choose, for each site that holds a relation, the grant by which a query at the site ``at`` reads it there.

    ``through`` is the rule that the model names for this relation (empty: none): a rule that changes rows is never
    chosen unless it is named. Of several grants that would do, the one of the fewest columns is taken, then by name.
    """
    chooser = _Chooser(charter, subject, _known(use, subject), at, through, bind)
    found = {site: chooser.at_site(site) for site in sites}
    refused = tuple(each for each in found.values() if isinstance(each, Refusal))
    return refused or Chosen(use=use, grants={s: each for s, each in found.items() if isinstance(each, Grant)})


def _known(use: Use, subject: Subject) -> Use:
    """Columns as the relation names them; ``*`` is all of them."""
    folded = {name.casefold(): name for name, _ in subject.columns}
    named = {folded.get(name.casefold(), name) for name in use.columns if name != "*"}
    columns = frozenset(named | (set(folded.values()) if "*" in use.columns else set()))
    return Use(number=use.number, relation=use.relation, columns=columns, conjuncts=use.conjuncts, where=use.where)


@dataclass(frozen=True, slots=True)
class _Chooser:
    charter: Charter
    subject: Subject
    use: Use
    at: str
    through: str
    bind: Bind

    @property
    def to(self) -> str:
        return self.charter.places.get(self.at, "")

    def at_site(self, site: str) -> Grant | Refusal:
        found = grants_of(self.charter, self.subject, site, self.to, self.bind)
        if self.through:
            return self._named(site, found)
        plain = sorted((each for each in found.grants if each.shape in _PLAIN), key=_narrow)
        fitting = next((each for each in plain if self._fits(each)), None)
        return fitting or self._refused(site, found, plain)

    def _named(self, site: str, found: Grants) -> Grant | Refusal:
        grant = found.of_rule(self.through)
        if grant is None:
            return self._without_rule(site, found)
        missing = () if grant.shape == "aggregate" else self._missing(grant)  # cells: the rewriting of the query says
        if missing:
            given = ", ".join(name for name, _ in grant.columns)
            message = f"`{self.through}` does not give `{self.use.relation}.{missing[0]}`: it has {given}"
            hint = "read only what it gives, or add the column to the rule"
            return self._refusal(site, "HW1224", message, hint, missing, self.through)
        if grant.shape in _PLAIN and not self._implied(grant):
            return self._unimplied(site, grant)
        return grant

    def _without_rule(self, site: str, found: Grants) -> Refusal:
        wrong = found.problems[0] if found.problems else None
        message = f"`{self.through}` does not let `{self.use.relation}` go from `{site}` to `{self.to or self.at}`"
        hint = f"because {wrong.message}" if wrong else "name a rule whose `from` and `to` are these places"
        return self._refusal(site, wrong.code if wrong else "HW1224", message, hint, (), self.through)

    def _fits(self, grant: Grant) -> bool:
        return not self._missing(grant) and self._implied(grant)

    def _missing(self, grant: Grant) -> tuple[str, ...]:
        return tuple(sorted(self.use.columns - {name for name, _ in grant.columns}))

    def _implied(self, grant: Grant) -> bool:
        types = dict(self.subject.columns)
        return not grant.predicate or implies(self.use.conjuncts, grant.predicate, types)

    def _refused(self, site: str, found: Grants, plain: list[Grant]) -> Refusal:
        covering = next((each for each in plain if not self._missing(each)), None)
        if covering is not None:
            return self._unimplied(site, covering)
        missing = self._ungranted(plain)
        against = next((rule for name in missing if (rule := denying(self.charter, self.subject, name, self.to))), None)
        if against is not None:
            column = next(n for n in missing if denying(self.charter, self.subject, n, self.to) == against)
            message = (
                f"`{self.use.relation}.{column}` may not leave `{site}` for `{self.to}`: `{against.name}` denies it"
            )
            place = rule_place(against)
            hint = f"leave it out; the rule stands at {place}" if place else "leave it out"
            return self._refusal(site, "HW1222", message, hint, missing, against.name)
        lossy = next((each for each in found.grants if each.shape not in _PLAIN), None)
        if lossy is not None:
            return self._unnamed(site, lossy, missing)
        return self._no_rule(site, found, missing)

    def _ungranted(self, plain: list[Grant]) -> tuple[str, ...]:
        """Columns that stand in the way: those that no grant has; else those missing from the grant that has most."""
        granted = {name for each in plain for name, _ in each.columns}
        nobody = tuple(sorted(self.use.columns - granted))
        return nobody or min((self._missing(each) for each in plain), key=len, default=tuple(sorted(self.use.columns)))

    def _unimplied(self, site: str, grant: Grant) -> Refusal:
        wanted = readable(grant.predicate)
        message = f"`{grant.rule}` lets only some rows of `{self.use.relation}` leave `{site}`: those with {wanted}"
        hint = f"say so in the query, too: `WHERE {wanted}`; it is never added silently"
        return self._refusal(site, "HW1221", message, hint, tuple(sorted(self.use.columns)), grant.rule)

    def _unnamed(self, site: str, grant: Grant, missing: tuple[str, ...]) -> Refusal:
        what = "aggregates of it" if grant.shape == "aggregate" else "it with columns transformed"
        message = (
            f"{self._columns(missing)} may leave `{site}` for `{self.to}` only by `{grant.rule}`, which gives {what}"
        )
        hint = f"`through: {{{self.use.relation}: {grant.rule}}}` reads that instead; it is never chosen silently"
        return self._refusal(site, "HW1223", message, hint, missing, grant.rule)

    def _no_rule(self, site: str, found: Grants, missing: tuple[str, ...]) -> Refusal:
        wrong = found.problems[0] if found.problems else None
        if wrong is not None:
            return self._refusal(site, wrong.code, wrong.message, wrong.hint, missing, "")
        what = self._columns(missing) or f"the number of rows of `{self.use.relation}`"
        message = f"{what} may not leave `{site}` for `{self.to or self.at}`: no rule ships it there"
        columns = ", ".join(sorted(self.use.columns)) or self.subject.columns[0][0]
        hint = f"a rule such as `ship: [{columns}]`, `from: {self.use.relation}@{site}`, `to: [{self.to or self.at}]`"
        return self._refusal(site, "HW1220", message, hint, missing, "")

    def _columns(self, names: tuple[str, ...]) -> str:
        return ", ".join(f"`{self.use.relation}.{name}`" for name in names)

    def _refusal(self, site: str, code: str, message: str, hint: str, columns: tuple[str, ...], rule: str) -> Refusal:
        told: Diagnostic = error(code, message, self.use.where, hint=hint)
        return Refusal(use=self.use, site=site, to=self.to, diagnostic=told, columns=columns, rule=rule)


def _narrow(grant: Grant) -> tuple[int, str]:
    return len(grant.columns), grant.rule
