"""`python -m setup.start [--demo]`: hand over to the supervisor; Ctrl-C while that loads (seconds) is no error."""

import os
import signal
import sys


def main() -> int:
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda *_: os._exit(0))  # nothing has been started yet
    from tracker import serving  # takes over the signals before it starts anything

    return serving.main()


if __name__ == "__main__":
    sys.exit(main())
