"""What the measured company looks like: how many of everything, words that are names, chances that fall the same way on every machine."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

SYLLABLES = (
    "ba", "ko", "ri", "ten", "mal", "do", "ves", "lin", "gar", "su", "pel", "nor", "ta", "mi", "cha", "ruv", "zen", "fo", "dra", "kel", "bru", "os",
    "an", "wel", "tor", "hi", "ska", "lu", "mer", "pa", "jon", "ed", "var", "qui", "ges", "no", "hal", "sta", "ber", "cy",
)

ANCHOR = date(2026, 11, 1)
DAYS = 730
STAGES = (("New", "0.10", 35), ("Qualified", "0.30", 25), ("Proposition", "0.60", 20), ("Negotiation", "0.80", 20))
PEOPLE, OWNERS = 50, 40


def h(i: int, salt: str) -> float:
    """A fixed chance from 0 to below 1."""
    return int(hashlib.md5(f"{i}:{salt}".encode()).hexdigest()[:8], 16) / 2**32  # an even spread, no secret


def word(i: int, salt: str) -> str:
    """A capitalised word of two or three syllables."""
    count = 2 + (h(i, f"{salt}n") < 0.5)
    return "".join(SYLLABLES[int(h(i, f"{salt}{n}") * len(SYLLABLES))] for n in range(count)).capitalize()


def name(i: int, salt: str) -> str:
    return f"{word(i, f'{salt}a')} {word(i, f'{salt}b')}"


def day(i: int, salt: str) -> date:
    """A day of the two years before the anchor."""
    return ANCHOR - timedelta(days=1 + int(h(i, f"{salt}day") * DAYS))


def owner(i: int, salt: str) -> int:
    """Which of the forty who own something: the first own the most."""
    return int(OWNERS * h(i, f"{salt}owner") ** 1.5)


def amount(i: int, salt: str) -> str:
    """From 100 to 100,000, as many below 3,162 as above."""
    return f"{100 * 1000 ** h(i, f'{salt}amount'):.2f}"


@dataclass(frozen=True)
class Shape:
    """A company of ``copies`` times the sample; a hundred copies are the whole of it."""

    copies: int = 100
    accounts: int = 200
    contacts: int = 800
    leads: int = 800
    opportunities: int = 1200
    orders: int = 500
    goods: int = 150  # of these and of services there are no copies
    services: int = 50

    @property
    def told(self) -> dict[str, int]:
        """How many there are of each type."""
        return {name: getattr(self, name) * self.copies for name in ("accounts", "contacts", "leads", "opportunities", "orders")}
