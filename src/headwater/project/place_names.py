"""Names of places in policies: which are sites, which are jurisdictions, and which sites a jurisdiction has."""

from collections.abc import Mapping
from dataclasses import dataclass

from headwater.diagnostics import suggest
from headwater.project.names import shown
from headwater.spec.addresses import HUB
from headwater.spec.project import Project, Site


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """All places of a project."""

    sites: Mapping[str, str]
    """Site → jurisdiction; empty where the site says none."""

    @classmethod
    def of(cls, project: Project) -> "PlaceNames":
        """Take them from the sites of a project."""
        return cls({site.name: site.jurisdiction for site in project.sites.values()})

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """All of them, each once, sorted; if nothing declares one, that is the one without a name."""
        return tuple(sorted(set(self.sites.values()) - {""})) or ("",)

    @property
    def has_borders(self) -> bool:
        """Whether anything declares a jurisdiction."""
        return any(self.sites.values())

    def sites_of(self, name: str) -> tuple[str, ...]:
        """Give the sites that a name means: itself, or those of a jurisdiction."""
        return (name,) if name in self.sites else self._members(name)

    def jurisdiction_of(self, name: str) -> str:
        """Give the jurisdiction that a name means: that of a site, or itself."""
        return self.sites.get(name, name)

    def runtime_of(self, site: Site) -> str:
        """Give what computes at a site: what it says; once there are borders, every site but the hub for itself."""
        return site.runtime or ("local" if self.has_borders and site.name != HUB else "")

    def problem(self, name: str, *, as_sites: bool = False) -> tuple[str, str, str] | None:
        """Give the code, message and hint for a name that means no place, or two; None if it means one.

        ``as_sites``: sites are meant; else jurisdictions, and then a site may have the name of its own.
        """
        members = self._members(name) if name else ()
        if name not in self.sites and not members:
            known = {*self.sites, *self.jurisdictions} - {""}
            hint = suggest(name[:100], known) or f"there are {', '.join(sorted(known))}"
            return "HW1203", f"`{shown(name)}` is neither a site nor a jurisdiction", hint
        is_two = name in self.sites and members and members != (name,)
        if is_two and (as_sites or self.sites[name] != name):
            message = f"`{shown(name)}` is a site, and a jurisdiction of {', '.join(f'`{each}`' for each in members)}"
            return "HW1208", message, "give one of them another name: nobody could tell which is meant"
        return None

    def _members(self, jurisdiction: str) -> tuple[str, ...]:
        return tuple(site for site, law in self.sites.items() if law == jurisdiction)
