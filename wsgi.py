"""What flask and gunicorn find without options."""

import sys

from tracker import create_app
from tracker.errors import RasaiError

try:
    app = create_app()
except RasaiError as error:  # a setting that is missing or cannot be read: its sentence, without a traceback
    sys.exit(str(error))
