"""Speed claims, each measured beside a named baseline in the same run: `make bench`, results in docs/performance.md."""
