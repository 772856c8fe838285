"""Build the wheel from what Git would hold, install it into a clean environment, and try it there."""

import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRIALS = (
    ("headwater", "--version"),
    ("hw", "--help"),
    ("headwater", "init", "first"),
    ("headwater", "--project", "first", "check"),
)


def main() -> None:
    """Do it in a directory that is gone afterwards; a command that fails ends it."""
    with tempfile.TemporaryDirectory(prefix="headwater-wheel-") as scratch:
        folder = Path(scratch)
        wheel = _build(_export(folder / "source"), folder / "dist")
        _inspect(wheel)
        commands = _install(wheel, folder / "environment")
        for command, *arguments in TRIALS:
            print("$", command, *arguments, flush=True)
            subprocess.run([commands / command, *arguments], cwd=folder, check=True)


def _export(target: Path) -> Path:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in names:
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def _build(source: Path, target: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(target.glob("*.whl"))


def _inspect(wheel: Path) -> None:
    """Everything that the package reads at run time is in the wheel, and nothing from elsewhere."""
    names = zipfile.ZipFile(wheel).namelist()
    templates = ROOT / "src/headwater/app/templates"
    files = {f"headwater/app/templates/{f.relative_to(templates)}" for f in templates.rglob("*") if f.is_file()}
    missing = {name for name in files | {"headwater/py.typed"} if "__pycache__" not in name} - set(names)
    foreign = [name for name in names if not name.startswith(("headwater/", "headwater-"))]
    if missing or foreign:
        sys.exit(f"the wheel lacks {sorted(missing)} and holds {foreign}")


def _install(wheel: Path, environment: Path) -> Path:
    venv.create(environment, with_pip=True, symlinks=True)
    commands = environment / "bin"
    install = [str(commands / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--constraint", str(ROOT / "requirements.lock"), str(wheel)], check=True)
    return commands


if __name__ == "__main__":
    main()
