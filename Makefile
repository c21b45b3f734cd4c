# What people type. Set-up looks first and does nothing when there is nothing to do.
.PHONY: demo serve setup test lint bench translations
.SILENT:

demo: setup
	.venv/bin/python -m tracker.serving --demo

serve: setup
	.venv/bin/python -m tracker.serving

setup:
	sh setup/run.sh

setup-for-tests:
	sh setup/run.sh --tests
