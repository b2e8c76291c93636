"""The page of settings says what the settings say."""

from devstack import configuration


def test_the_page_of_settings_is_up_to_date() -> None:
    written = configuration.PAGE.read_text()

    assert written == configuration.page(), "run `make configuration`"


def test_every_setting_says_what_it_is() -> None:
    undescribed = [line for line in configuration.page().splitlines() if line.endswith("| None |")]

    assert undescribed == []
