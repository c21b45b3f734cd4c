"""Does everybody read every sentence in their own language?

Strings are gathered anew from the code, so that a new one without Urdu fails here; placeholders must be the same.
"""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

PROJECT = Path(__file__).resolve().parent.parent
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w*(?::[^}]*)?\}")
Strings = set[str | tuple[str, str]]


@pytest.fixture(scope="module")
def strings() -> Strings:
    """Every string that stands in the code and templates for people."""
    with open(PROJECT / "babel.cfg") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = extract_from_dir(PROJECT, method_map=methods, options_map=options, keywords=KEYWORDS)
    return {message if isinstance(message, str) else tuple(message[:2]) for _file, _line, message, *_more in found}


def words(language: str) -> Catalog:
    with open(PROJECT / "tracker" / "translations" / language / "LC_MESSAGES" / "messages.po", "rb") as file:
        return read_po(file, locale=language)


def said(catalog: Catalog, string: str | tuple[str, str]) -> list[str]:
    """The translations of a string: one, or one for each number."""
    message = catalog.get(string if isinstance(string, str) else string[0])
    if message is None or message.fuzzy:
        return []
    several = message.string if isinstance(message.string, tuple | list) else [message.string]
    return [one for one in several if one]


@pytest.mark.parametrize("language", ["ur", "ps"])
def test_every_string_has_its_words(strings: Strings, language: str):
    catalog = words(language)

    missing = sorted(str(s) for s in strings if not said(catalog, s))

    assert not missing, f"{len(missing)} strings have no words in {language}: {missing[:10]}"


@pytest.mark.parametrize("language", ["ur", "ps"])
def test_placeholders_are_the_same(strings: Strings, language: str):
    catalog = words(language)

    for string in strings:
        expected = set(PLACEHOLDER.findall(string if isinstance(string, str) else string[1]))
        for translation in said(catalog, string):
            assert set(PLACEHOLDER.findall(translation)) == expected, (string, translation)


@pytest.mark.parametrize("language", ["ur", "ps"])
def test_digits_are_western_and_letters_are_those_of_the_language(strings: Strings, language: str):
    """Eastern digits would stand beside codes and spreadsheets that have none; ي and ك are Arabic keyboards'."""
    wrong = re.compile("[٠-٩۰-۹ك]" if language == "ps" else "[٠-٩۰-۹كيى]")

    for string in strings:
        for translation in said(words_of[language], string):
            assert not wrong.search(translation), translation


words_of = {language: words(language) for language in ("ur", "ps")}
