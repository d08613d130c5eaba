"""The web server's entry: Django as a WSGI application, warm before it takes requests."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

application = get_wsgi_application()

from deploy import warming  # noqa: E402 - needs what was set up above

if os.environ.get("ODOS_PROCESS") == "web":  # not for who only wants to ask the application, such as a test
    warming.warm(application)
