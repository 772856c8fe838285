"""Write what is generated: the command reference and the JSON Schema of project files."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"


def documents() -> dict[Path, str]:
    """Give each generated file with its text as the code has it now."""
    from headwater.cli.commands.schema import project_schema
    from headwater.cli.reference import reference

    return {
        REFERENCE / "cli.md": reference(),
        REFERENCE / "headwater.schema.json": json.dumps(project_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def main() -> None:
    """Write all of them, and say which changed."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for path, text in documents().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
