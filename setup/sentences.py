"""Gather the sentences of code and templates into the catalogues, sorted and without line numbers.

Sorted by sentence, two people who add words at once rarely touch the same lines. Sentences that are gone go.
Reads everything under version control that babel.cfg names; writes tracker/translations/*/LC_MESSAGES/messages.po.
"""

import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po, write_po

TRANSLATIONS = Path("tracker/translations")
HEAD = """# Rasai: the words of people who read {name}.
msgid ""
msgstr ""
"Language: {code}\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
LANGUAGES = {"ur": "Urdu", "ps": "Pashto"}


def gather() -> None:
    template = TRANSLATIONS / "messages.pot"
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg", "-k", "_l",
                    "-o", str(template), "."], check=True)  # fmt: skip
    with template.open("rb") as file:
        wanted = read_po(file)
    for code, name in LANGUAGES.items():
        path = TRANSLATIONS / code / "LC_MESSAGES" / "messages.po"
        with path.open("rb") as file:
            catalog = read_po(file, locale=code)
        catalog.update(wanted, no_fuzzy_matching=True)
        with path.open("wb") as file:
            file.write(HEAD.format(code=code, name=name).encode())
            write_po(file, catalog, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
        missing = [m.id for m in catalog if m.id and not (m.string and all(m.string))]
        print(f"{name}: {len(catalog)} sentences, {len(missing)} without words", *missing, sep="\n  ")


if __name__ == "__main__":
    gather()
