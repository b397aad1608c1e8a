import re
from pathlib import Path

import pytest

from api.settings import PREFIX, Settings, SettingsError, is_loopback, load_settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_on_settings_lists_each_one_with_its_default_and_meaning() -> None:
    rows = re.findall(
        rf"^\| `{PREFIX}(\w+)` \|\s*(.*?)\s*\|\s*(.*?)\s*\|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    listed = {name.lower(): (default.strip("`"), meaning) for name, default, meaning in rows}
    fields = Settings.model_fields
    expected = {
        name: ("" if field.default is None else str(field.default), field.description) for name, field in fields.items()
    }
    assert listed == expected


def test_the_environment_is_read_and_what_is_given_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHREC_PORT", "8123")
    monkeypatch.setenv("PATHREC_HOME", "/somewhere")
    assert load_settings(port=None).port == 8123
    assert load_settings(port=9000).port == 9000
    assert load_settings().store_url == "embedded:/somewhere/graph"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])  # noqa: S104
def test_an_address_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"host \(PATHREC_HOST\).*no keys yet"):
        load_settings(host=host)


def test_every_wrong_setting_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(port=70000, workers=0)
    assert "PATHREC_PORT" in str(caught.value)
    assert "PATHREC_WORKERS" in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_addresses_are_known(host: str) -> None:
    assert is_loopback(host)
