"""`make openapi`: write down what the API says about itself, for the diff of a review.

Nothing is contacted: the document follows from the routes alone.
"""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "api" / "openapi.json"
NOWHERE = {
    "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "signs nothing, for nobody is served here",
    "LOG_LEVEL": "WARNING",
}


def main() -> int:
    """Write the document."""
    os.environ |= NOWHERE
    from app import create_app

    served = create_app().test_client().get("/openapi.json")
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(rendered(served.json))
    print(f"wrote {DOCUMENT.relative_to(ROOT)}")
    return 0


def rendered(document: Any) -> str:
    """The document as it is kept: one order of names, one line a word, so that a diff can be
    read."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
