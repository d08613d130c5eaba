"""Sign-up in a browser: what follows from the country is chosen with it, until somebody chose otherwise."""


def chosen(page) -> tuple[str, str]:
    return page.locator("[name=currency]").input_value(), page.locator("[name=timezone]").input_value()


def test_currency_and_time_zone_follow_the_country_until_somebody_chose_others(screen):
    tab = screen()
    page = tab.open("/signup/")
    page.select_option("[name=country]", "DE")
    assert chosen(page) == ("EUR", "Europe/Berlin")
    page.select_option("[name=country]", "CN")
    assert chosen(page) == ("CNY", "Asia/Shanghai")
    page.select_option("[name=currency]", "USD")
    page.select_option("[name=country]", "JP")
    assert chosen(page) == ("USD", "Asia/Tokyo")
    page.get_by_role("button", name="Create the company").click()  # refused, since nothing else is said: what was chosen stands
    page.get_by_role("alert").first.wait_for()
    page.select_option("[name=country]", "DE")
    assert chosen(page) == ("USD", "Europe/Berlin")
    tab.wrong.clear()  # the answer's 422 is told by the console
    assert tab.problems() == []
