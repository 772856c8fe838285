"""From nothing to a released, queried, changed, promoted and rolled-back result: the real command line on real data."""

import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HEADWATER = Path(sys.executable).with_name("headwater")
MODEL = "models/daily_delays.sql"
BEFORE, AFTER = "avg(d.dep_delay) AS mean_delay", "avg(greatest(d.dep_delay, 0)) AS mean_delay"
WORST = (
    "SELECT carrier, round(avg(mean_delay), 1) AS delay FROM daily_delays GROUP BY carrier ORDER BY delay DESC LIMIT 5"
)
HANDS = (
    "SELECT tailnum, carrier, valid_from, valid_to FROM operators WHERE tailnum IN"
    " (SELECT tailnum FROM operators GROUP BY ALL HAVING count(*) > 1) ORDER BY tailnum, valid_from LIMIT 4"
)
TITLE = "# Delays at the three airports of New York"


@dataclass(frozen=True, slots=True)
class Show:
    """A sentence, and the command that it announces."""

    say: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence, and the edit of one model that it announces."""

    say: str


STEPS: tuple[Show | Change, ...] = (
    Show("Are the files right?", ("check",)),
    Show("Do the models do what their tests say?", ("test",)),
    Show("What would be built, and why? What would leave the airports for it?", ("plan",)),
    Show("Build it, check it, make it visible: all tables at once.", ("apply",)),
    Show("What stands in dev now?", ("status",)),
    Show(
        "A wind that cannot be is set aside, not lost; lines damaged at an airport stay there.", ("quarantine", "list")
    ),
    Show("Ask it something.", ("query", WORST)),
    Show("Which aircraft changed hands? A history knows, whatever came late.", ("query", HANDS)),
    Show("Release the same tables to prod: nothing is built again.", ("apply", "--env", "prod", "--yes")),
    Change("Change one column: a departure ahead of time counts as on time."),
    Show("What does that mean? Only true readers of the column are rebuilt.", ("plan",)),
    Show("Do it in dev …", ("apply",)),
    Show("… and promote it to prod, again without building.", ("apply", "--env", "prod", "--yes")),
    Show("The answer in prod is another one.", ("query", WORST, "--env", "prod")),
    Show("We do not like it: take prod back.", ("rollback", "--env", "prod", "--yes")),
    Show("It is what it was.", ("query", WORST, "--env", "prod")),
    Show("Who moved prod, when, and how?", ("history", "--env", "prod")),
    Show(
        "What has left the airports? Each proved what it sent, and noted it.",
        ("audit", "--kind", "exchange", "-n", "6"),
    ),
    Show("Is all that was noted unchanged, and the same at both ends?", ("audit", "verify")),
)


def main() -> None:
    """Make the project anew in the directory named on the command line, and go through the steps there."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    started = time.monotonic()
    if folder.exists():
        _require_demo(folder)
        shutil.rmtree(folder)
    _run(Show("A project from the template `flights`, with its data.", ("init", str(folder), "--template", "flights")))
    for step in STEPS:
        if isinstance(step, Change):
            _change(step, folder)
        else:
            _run(step, folder)
    print(f"\n{_bold('Done')} in {time.monotonic() - started:.1f} s. The project is in {folder}/: cd there and go on.")


def _require_demo(folder: Path) -> None:
    """Nothing but an earlier demo (perhaps interrupted) is ever removed."""
    page = folder / "README.md"
    if any(folder.iterdir()) and not (page.is_file() and page.read_text(encoding="utf-8").startswith(TITLE)):
        sys.exit(f"{folder} exists and is not an earlier demo: move it away, or name another directory")


def _run(step: Show, folder: Path | None = None) -> None:
    print(f"\n{step.say}\n{_bold('$ headwater ' + shlex.join(step.command))}", flush=True)
    code = subprocess.run([HEADWATER, *step.command], cwd=folder, check=False).returncode
    if code:
        sys.exit(f"`headwater {step.command[0]}` ended with {code}")


def _change(step: Change, folder: Path) -> None:
    model = folder / MODEL
    text = model.read_text(encoding="utf-8")
    if BEFORE not in text:
        sys.exit(f"{MODEL} does not hold `{BEFORE}`")
    model.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
    print(f"\n{step.say}\n{_bold(f'# {MODEL}')}\n- {BEFORE}\n+ {AFTER}", flush=True)


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text


if __name__ == "__main__":
    main()
