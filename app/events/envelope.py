"""What travels on the bus: CloudEvents 1.0 in structured JSON.

Sources: CloudEvents 1.0.2 and its JSON event format; the `sequence` and `partitionkey` extensions.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.platform.ids import decode, encode

SPECVERSION = "1.0"
CONTENT_TYPE = "application/cloudevents+json"
_PREFIX = "evt"
_SEQUENCE_DIGITS = 20  # compared as text by the extension's rule, so all are equally long


@dataclass(frozen=True)
class CloudEvent:
    """One fact as others hear it. `position` counts all facts of the shop, without a gap."""

    id: UUID
    position: int
    topic: str
    key: str
    type: str
    version: int
    at: datetime
    data: dict[str, Any]

    def to_json(self) -> str:
        """The envelope; `subject` and `partitionkey` are the key that keeps facts in order."""
        return json.dumps(
            {
                "specversion": SPECVERSION,
                "id": encode(_PREFIX, self.id),
                "source": f"/cartwright/{self.topic}",
                "type": self.type,
                "subject": self.key,
                "time": self.at.isoformat(),
                "datacontenttype": "application/json",
                "partitionkey": self.key,
                "sequence": str(self.position).zfill(_SEQUENCE_DIGITS),
                "dataversion": str(self.version),
                "data": self.data,
            },
            separators=(",", ":"),
            ensure_ascii=False,
        )


def from_json(text: str) -> CloudEvent:
    """Read an envelope of ours. Raises ValueError for anything else."""
    try:
        envelope = json.loads(text)
        return CloudEvent(
            id=decode(_PREFIX, envelope["id"]),
            position=int(envelope["sequence"]),
            topic=envelope["source"].rpartition("/")[2],
            key=envelope["subject"],
            type=envelope["type"],
            version=int(envelope["dataversion"]),
            at=datetime.fromisoformat(envelope["time"]),
            data=dict(envelope["data"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an event of this shop: {error}") from error
