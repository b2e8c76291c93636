"""What the demo shop's buyers say of its products: stars by product, words by stars."""

import random
from typing import NamedTuple

REVIEWS_MAX = 24  # of one product; real shops have more, a seed has to be quick

_FIRST = (
    "Mia", "Emma", "Lena", "Zoë", "Anna", "Jana", "Inés", "Chloé", "Freja", "Ewa",
    "Noah", "Paul", "Jonas", "Luca", "Ilse", "Björn", "Łukasz", "Marek", "Hugo", "Ada",
)  # fmt: skip
_LAST = ("Schneider", "Novák")
READERS = tuple(f"{first} {last}" for last in _LAST for first in _FIRST)

_WORDS: dict[int, tuple[tuple[str, str], ...]] = {
    5: (
        ("Would buy again", "Better made than what I had before, and it looks it."),
        ("Exactly right", "Came quickly, fits, does what it says."),
        ("A present that was kept", "My sister has used it every day since."),
    ),
    4: (
        ("Good, with one wish", "Well made. I would have liked one more colour."),
        ("Solid", "A little heavier than I thought, otherwise fine."),
        ("Happy with it", "Took a week to arrive, was worth the wait."),
    ),
    3: (
        ("It is all right", "Does its work. For the price I had hoped for more."),
        ("Looks better than it is", "Handsome, but the finish could be cleaner."),
    ),
    2: (
        ("Not what I expected", "Smaller than in the picture."),
        ("Meant well", "The idea is good, the seams are not."),
    ),
    1: (("Sent it back", "Came with a scratch. The refund was quick, at least."),),
}


class Opinion(NamedTuple):
    """One review: who of the readers, how many stars, how long after the product came in parts of
    its age."""

    reader: int
    stars: int
    title: str
    text: str
    after: float


def opinions(
    chance: random.Random, *, number: int, liked: float, count: int
) -> tuple[Opinion, ...]:
    """So many opinions, the oldest first, each of another reader, about as good as it is liked."""
    after = sorted(chance.random() for _ in range(min(count, REVIEWS_MAX)))
    said = []
    for place, part in enumerate(after):
        stars = min(5, max(1, round(chance.gauss(liked, 0.8))))
        title, text = chance.choice(_WORDS[stars])
        said.append(Opinion((number + place) % len(READERS), stars, title, text, part))
    return tuple(said)
