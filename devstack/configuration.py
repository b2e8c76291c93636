"""`make configuration`: write docs/configuration.md from the settings themselves."""

from pathlib import Path

from pydantic_core import PydanticUndefined

from app.config import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
_HEAD = """# Configuration

Everything the shop is told stands in its environment, read once at the start of each process; a gap
or a wrong word stops the boot with one line for each. This page is written by `make configuration`.

| variable | default | what it is |
| --- | --- | --- |
"""


def page() -> str:
    """The page as it should be."""
    rows = []
    for name, field in Settings.model_fields.items():
        missing = field.default is PydanticUndefined
        default = "**required**" if missing else f"`{_plain(field.default)}`"
        rows.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return _HEAD + "\n".join(rows) + "\n"


def _plain(value: object) -> str:
    """A secret's default is empty; nothing else is hidden."""
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
    return text or "(empty)"


if __name__ == "__main__":
    PAGE.write_text(page())
