"""The active language and time zone are each thread's and task's own, and Django asks for them where Odos keeps them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation
from django.utils.translation import trans_real

from core.active import Active


def test_django_keeps_language_and_zone_where_it_is_fast():
    """An upgrade of Django that names them otherwise is found here."""
    assert isinstance(trans_real._active, Active) and isinstance(timezone._active, Active)


def test_what_is_active_nests_and_ends():
    with translation.override("zh-hans"), timezone.override("Asia/Shanghai"):
        assert translation.get_language() == "zh-hans" and translation.gettext("Yes") == "是"
        with translation.override("en"), timezone.override(None):
            assert translation.get_language() == "en" and timezone.get_current_timezone_name() == "UTC"
        with translation.override(None):
            assert translation.get_language() is None
        assert translation.get_language() == "zh-hans" and timezone.get_current_timezone() == ZoneInfo("Asia/Shanghai")
    translation.deactivate()
    assert translation.get_language() == "en" and timezone.get_current_timezone_name() == "UTC"


def test_threads_and_tasks_do_not_see_what_is_active_in_others():
    with translation.override("zh-hans"), ThreadPoolExecutor(1) as thread:
        assert thread.submit(translation.get_language).result() == "en"
        thread.submit(translation.activate, "zh-hans").result()
    assert translation.get_language() == "en"

    async def speak(language: str) -> list[str]:
        translation.activate(language)
        heard = []
        for _turn in range(3):
            await asyncio.sleep(0)
            heard.append(translation.get_language())
        return heard

    async def talk():
        return await asyncio.gather(speak("en"), speak("zh-hans"), speak("en"))

    with ThreadPoolExecutor(1) as thread:  # a browser test beside it may have left a loop in this one
        assert thread.submit(lambda: asyncio.run(talk())).result() == [["en"] * 3, ["zh-hans"] * 3, ["en"] * 3]
    assert translation.get_language() == "en"


def test_where_nothing_is_active_there_is_no_value():
    place = Active("test")
    with pytest.raises(AttributeError):
        _ = place.value
    place.value = None
    assert place.value is None
    del place.value
    assert getattr(place, "value", "none") == "none"
