"""What flask and gunicorn find without options."""
from tracker import create_app

app = create_app()
