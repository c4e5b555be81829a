"""The WSGI application `app`, for gunicorn, `flask --app server run`, `python server.py` and test clients alike."""

from service.app import create_app
from service.logging_setup import configure_logging
from service.settings import load_settings

configure_logging()
app = create_app()

if __name__ == "__main__":
    settings = load_settings()
    app.run(settings.host, settings.port, threaded=True)
