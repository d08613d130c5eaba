"""Django's settings, all of them, for every place Odos runs in: what differs between places comes from the environment.

Starts no server and reads no table. The addresses of the embedded servers come from the data folder, see ``deploy.addresses``.
"""

import os
from datetime import timedelta

from celery.schedules import crontab
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy import addresses, home
from deploy.home import PROJECT

HOME = home.current()
HTTPS = home.switch("ODOS_HTTPS")
DOMAIN = os.environ.get("ODOS_DOMAIN", "").strip().lower() or "localhost"  # companies live at <subdomain>.<domain>
PORT = home.number("ODOS_PORT", 8000)
RATE_LIMIT = home.number("ODOS_RATE_LIMIT", 50)  # requests a second for each key; 0 lifts it
SIGNUPS_PER_HOUR = home.number("ODOS_SIGNUPS_PER_HOUR", 100)  # new companies from one address; 0 lifts it
PROCESS = os.environ.get("ODOS_PROCESS", "command")  # web, worker, beat or command: who connects, and how eagerly

SECRET_KEY = HOME.secrets["django"]
DEBUG = False
ALLOWED_HOSTS = ["*"]  # a host is known or unknown by the table of domains: tenants.middleware answers 404
USE_X_FORWARDED_HOST = False
ROOT_URLCONF = "core.urls"
PUBLIC_SCHEMA_URLCONF = "tenants.urls_public"
WSGI_APPLICATION = "deploy.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024  # a CSV of 50,000 rows with room to spare
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # an order's form with some hundred lines
FILE_UPLOAD_TEMP_DIR = None
MEDIA_ROOT = HOME.files

# Companies ----------------------------------------------------------------------------------------------------------
# An app's tables are in public or in every company's schema, never in both. Apps without tables stand with the shared ones.

SHARED_APPS = [
    "django_tenants",
    "django.contrib.contenttypes",  # for django-tenants alone
    "tenants",
    "deploy",
    "rest_framework",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "django_htmx",
    "csp",
    "django.forms",
    "django.contrib.staticfiles",
]
TENANT_APPS = ["django.contrib.sessions", "core", "crm", "erp"]
INSTALLED_APPS = SHARED_APPS + TENANT_APPS
TENANT_MODEL = "tenants.Company"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = False  # the guard backend decides by what the server says
PG_EXTRA_SEARCH_PATHS = ["extensions"]
SKIP_PG_EXTRA_VALIDATION = True  # it would open a connection at import
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]

# Database and Valkey ------------------------------------------------------------------------------------------------

_database = addresses.database_parts(addresses.database_url(HOME))
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "tenants.backend",
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            **_database["OPTIONS"],
            "application_name": f"odos {PROCESS}",
            "connect_timeout": 5,
            # milliseconds; a longer step, such as making a schema, sets its own for its transaction
            # A page from anywhere costs little more than the next one where tables are in memory, or on anything but turning disks.
            # What waits to be sorted into an index of words, in kB, each look goes through; who writes very much lets more wait, and sorts it in at the end.
            # Statements that are kept are planned once for all values; ``tenants.backend.plans`` sees to it that this is worth it.
            "options": "-c statement_timeout=15000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=30000 -c random_page_cost=1.1"
            " -c gin_pending_list_limit=256 -c plan_cache_mode=force_generic_plan",
            "pool": {
                "min_size": 2 if PROCESS == "web" else 0,
                "max_size": 8 if PROCESS == "web" else 4,
                "max_lifetime": 600,
                "timeout": 5 if PROCESS == "web" else 30,  # a page says soon that it cannot; work behind the scenes waits
            },
        },
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": addresses.valkey_url(HOME, 1),
        "KEY_FUNCTION": "core.cache.make_key",
        # A page waits for a silent Valkey a moment, not through a dozen attempts; seconds.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2, "retry": Retry(NoBackoff(), 1)},
        "TIMEOUT": 300,
    }
}
BROKER_URL = addresses.valkey_url(HOME, 0)

# Requests -----------------------------------------------------------------------------------------------------------

MIDDLEWARE = [
    "deploy.health.HealthMiddleware",
    "tenants.middleware.HostMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.PolicyMiddleware",
    "core.middleware.LocaleMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.middleware.SignedInMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.HeadersMiddleware",
]
if os.environ.get("ODOS_TIMING") == "1":
    MIDDLEWARE.insert(0, "deploy.timing.TimingMiddleware")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# A cookie belongs to one host: no Domain attribute. Browsers take __Host- names over HTTPS only, hence the plain names.
_prefix = "__Host-" if HTTPS else ""
SESSION_ENGINE = "core.sessions"
SESSION_COOKIE_NAME = f"{_prefix}session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_COOKIE_NAME = f"{_prefix}csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_NAME = f"{_prefix}language"
LANGUAGE_COOKIE_SECURE = HTTPS

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # core.api names its own; nothing is let in by a default
    "DEFAULT_PERMISSION_CLASSES": [],  # who may do what is core.access alone
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "COERCE_DECIMAL_TO_STRING": True,
}

# Pages --------------------------------------------------------------------------------------------------------------

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["django_cotton.templatetags.cotton", "template_partials.templatetags.partials", "core.views.tags"],
            "libraries": {"i18n": "core.views.tags", "static": "core.views.tags"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
            ],
        },
    }
]
SILENCED_SYSTEM_CHECKS = ["templates.W003"]  # the libraries above stand in for Django's own
STATIC_URL = "/static/"
STATIC_ROOT = HOME.static
STATICFILES_DIRS = [PROJECT / "core" / "static"]  # its sources are left out by deploy.statics
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

WHITENOISE_ALLOW_ALL_ORIGINS = False


def _guard(headers, path, url):
    """What core's headers are for pages: static files are answered before that middleware."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


WHITENOISE_ADD_HEADERS_FUNCTION = _guard

USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [PROJECT / "core" / "locale"]

# Mail: into files until a server is named ----------------------------------------------------------------------------

EMAIL_HOST = os.environ.get("EMAIL_HOST", "").strip()
EMAIL_PORT = home.number("EMAIL_PORT", 587)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = EMAIL_PORT == 587
EMAIL_USE_SSL = EMAIL_PORT == 465
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = HOME.mail
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", "").strip() or f"Odos <no-reply@{DOMAIN}>"

# Tasks --------------------------------------------------------------------------------------------------------------
# A message is a hint: what must not be lost is a Job row. So no results, and a worker takes one message at a time.

CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 10, "visibility_timeout": 3600}  # seconds
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_POOL = "prefork"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000  # a database backend that has served many companies is recycled with it
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "odos.sweep", "schedule": timedelta(minutes=1), "options": {"expires": 60}},
    "stock": {"task": "odos.stock", "schedule": timedelta(minutes=1), "options": {"expires": 60}},
    "tidy": {"task": "odos.tidy", "schedule": timedelta(days=1)},
    "day": {"task": "odos.day", "schedule": timedelta(days=1)},
    "hour": {"task": "odos.hour", "schedule": crontab(minute=10), "options": {"expires": 1800}},
    "night": {"task": "odos.night", "schedule": crontab(minute=0), "options": {"expires": 1800}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME.run / "beat")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "odos": {"level": "INFO"},
        "django": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},  # a page that is not there is nobody's alarm
    },
}
