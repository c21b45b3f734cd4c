"""Passwords: what is accepted, how it is kept, and how long a check takes.

NIST SP 800-63B: length instead of composition rules, every character allowed, nothing that is easily guessed.
Kept as argon2id.
"""

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _l

from tracker.errors import RasaiError

SHORTEST, LONGEST = 12, 1024  # characters; the longest only bounds the work of hashing
FEWEST_LETTERS = 5  # different ones: "aaaaaaaaaaaa" and "121212121212" are guessed first
# OWASP's parameters for argon2id: 19 MiB, so that sixteen people who sign in at once fit beside the database
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


class PasswordTooWeak(RasaiError):
    message = _l("The password {why}.")
    exit_code = 2


def check_password_rules(password: str, *personal: str) -> None:
    """Raise PasswordTooWeak when it is short, monotonous, or made of the person's own e-mail or name."""
    password = _normal(password)
    if len(password) < SHORTEST:
        raise PasswordTooWeak(why=_l("has under 12 characters; take a few words that only you would put together"))
    if len(password) > LONGEST:
        raise PasswordTooWeak(why=_l("has over 1,024 characters"))
    if len(set(password)) < FEWEST_LETTERS:
        raise PasswordTooWeak(why=_l("repeats the same few characters"))
    if password.casefold() in {_normal(word).casefold() for word in personal}:
        raise PasswordTooWeak(why=_l("is your own e-mail address or name"))


def hash_password(password: str) -> str:
    return HASHER.hash(_normal(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether the password fits; without one to compare with (None) it takes as long and says no."""
    try:
        right = HASHER.verify(kept or _nobodys_hash(), _normal(password[:LONGEST]))
    except (VerificationError, InvalidHashError):
        return False
    return right and kept is not None


def is_outdated(kept: str) -> bool:
    """Made with other parameters than today's: to be hashed again when the password is next at hand."""
    return HASHER.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return HASHER.hash("the password of nobody")


def _normal(password: str) -> str:
    """One form for letters that keyboards write in several ways; matters for Urdu and Pashto."""
    return unicodedata.normalize("NFKC", password)
