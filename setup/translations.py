"""Translations as the application reads them: each .po that is newer than its .mo is compiled."""

from setup.steps import PROJECT, run

TRANSLATIONS = PROJECT / "tracker" / "translations"


def compile_changed() -> None:
    for words in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/*.po")):
        compiled = words.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < words.stat().st_mtime:
            run(
                [str(PROJECT / ".venv" / "bin" / "pybabel"), "compile", "-i", str(words), "-o", str(compiled)],
                doing=f"compiling {words.relative_to(PROJECT)}", source="this machine",
            )  # fmt: skip
