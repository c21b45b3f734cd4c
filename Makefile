# What people type. The set-up looks first and does nothing when there is nothing to do.
.PHONY: demo serve setup setup-for-tests test lint bench translations
.SILENT:
BENCHMARKS = import_million intake_api tiles coverage_page counts_follow zonal_statistics claim_rules targets_plan \
  oapi_paging

demo: setup                      # everything, with demonstration data when the database is empty; Ctrl-C stops it
	.venv/bin/python -m setup.start --demo

serve: setup                     # the same without demonstration data
	.venv/bin/python -m setup.start

setup:                           # packages, .venv, what the browser loads
	sh setup/run.sh

setup-for-tests:
	sh setup/run.sh --tests

test: setup-for-tests            # the whole suite, on a real PostGIS and a real Chromium
	.venv/bin/python -m pytest -n 2 --dist worksteal
	if ls tests/js/*.test.js >/dev/null 2>&1; then node --test tests/js/*.test.js; fi

lint: setup-for-tests            # style, types, arrows between folders, types of the browser's modules
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	if ls tracker/static/js/*.js >/dev/null 2>&1; then node_modules/.bin/tsc --project jsconfig.json; fi

bench: setup                     # each speed claim beside its baseline, in the same run
	for claim in $(BENCHMARKS); do echo "== $$claim"; .venv/bin/python -m benchmarks.$$claim || exit 1; done

translations: setup               # gather what is to be translated from code and templates
	.venv/bin/python -m setup.sentences
