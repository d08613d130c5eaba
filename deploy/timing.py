"""What a request's statements cost, told in its answer as ``Server-Timing``. Only where ``ODOS_TIMING`` asks for it: to measure, and to find slow pages."""

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse


class TimingMiddleware:
    """Counts statements, each of several in one message too, and the time spent waiting for them, in milliseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        count, spent = 0, 0.0

        def told(execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            nonlocal count, spent
            start = time.perf_counter()
            try:
                return execute(sql, params, many, context)
            finally:
                count, spent = count + len(getattr(sql, "parts", (sql,))), spent + time.perf_counter() - start

        start = time.perf_counter()
        with connection.execute_wrapper(told):
            response = self.get_response(request)
        whole = 1000 * (time.perf_counter() - start)
        response["Server-Timing"] = f'sql;dur={1000 * spent:.2f};desc="{count}", all;dur={whole:.2f}'
        return response
