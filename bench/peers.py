"""Install the tools that Headwater is measured beside, each into an environment of its own below bench/.peers."""

import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / ".peers"
PINNED: dict[str, tuple[str, ...]] = {
    "sqlmesh": ("sqlmesh==0.236.*", "duckdb==1.5.5"),
    "dbt": ("dbt-core==1.11.*", "dbt-duckdb==1.10.*", "duckdb==1.5.5"),
    "polars": ("polars==2.1.*",),
    "deltalake": ("deltalake==1.6.*", "pyarrow==26.*"),
    "dask": ("dask==2026.8.*", "distributed==2026.8.*"),
    "prefect": ("prefect==3.4.*", "fastapi<0.116"),
    "dagster": ("dagster==1.13.*",),
    "airflow": ("apache-airflow==3.3.*",),
}
"""dbt-core stays at 1.11: from 1.12 on it fetches its engine from elsewhere when it first runs."""


def program(peer: str, name: str) -> Path:
    """Give the path of a program in a peer's environment, installed or not."""
    return FOLDER / peer / "bin" / name


def installed(peer: str) -> bool:
    """Say whether a peer was installed to the end."""
    return (FOLDER / peer / ".ready").exists()


def install(peer: str) -> None:
    """Make a peer's environment anew and install what is pinned for it."""
    venv.create(FOLDER / peer, clear=True, with_pip=True)
    pip = [str(program(peer, "python")), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *PINNED[peer]], check=True)
    found = subprocess.run([*pip[:3], "freeze"], check=True, capture_output=True, text=True).stdout
    (FOLDER / peer / ".ready").write_text(found)


def version(peer: str, package: str) -> str:
    """Give the version of a package that a peer's environment holds, or an empty text."""
    lines = (FOLDER / peer / ".ready").read_text().splitlines() if installed(peer) else []
    return next((line.partition("==")[2] for line in lines if line.lower().startswith(f"{package}==")), "")


def main() -> None:
    for peer in sys.argv[1:] or PINNED:
        if installed(peer):
            print(f"{peer}: there already")
            continue
        install(peer)
        print(f"{peer}: {', '.join(f'{name} {version(peer, name)}' for name in _names(peer))}")


def _names(peer: str) -> list[str]:
    return [requirement.partition("==")[0] for requirement in PINNED[peer]]


if __name__ == "__main__":
    main()
