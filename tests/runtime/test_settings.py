"""The environment: what is taken from it, and what a wrong value is answered with."""

from pathlib import Path

import pytest

from services.runtime.settings import Seen, Settings, SettingsError


def test_an_empty_environment_means_embedded_servers_and_a_folder_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    expected = Settings(None, None, Path("/home/somebody/.local/share/contract-impact-tracker"))
    assert Settings.from_environment({}) == expected
    assert (
        Settings.from_environment({"KAFKA_BOOTSTRAP": " ", "DATABASE_URL": "", "TRACKER_DATA": ""})
        == expected
    )


def test_addresses_and_the_folder_are_taken_as_they_are(tmp_path: Path) -> None:
    environment = {
        "KAFKA_BOOTSTRAP": "broker-1:9092,[::1]:9093",
        "DATABASE_URL": "postgresql://tracker:secret@db/tracker",
        "TRACKER_DATA": str(tmp_path),
    }
    assert Settings.from_environment(environment) == Settings(
        "broker-1:9092,[::1]:9093", "postgresql://tracker:secret@db/tracker", tmp_path
    )


@pytest.mark.parametrize(
    "value", ["broker", "broker:", "broker:0", "broker:65536", "http://broker:9092", "a:1,,b:2"]
)
def test_brokers_that_are_not_host_and_port_are_refused_with_an_example(value: str) -> None:
    with pytest.raises(SettingsError, match=r"KAFKA_BOOTSTRAP holds .* such as 127\.0\.0\.1:9092"):
        Settings.from_environment({"KAFKA_BOOTSTRAP": value})


def test_a_database_of_another_kind_is_refused_without_repeating_its_password() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL does not start with postgresql://") as refusal:
        Settings.from_environment({"DATABASE_URL": "mysql://tracker:secret@db/tracker"})
    assert "secret" not in str(refusal.value)


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingsError, match="which is not a folder"):
        Settings.from_environment({"TRACKER_DATA": str(file)})


def test_where_metrics_are_asked_and_how_long_a_worker_may_stand_still_are_settings() -> None:
    assert Settings.from_environment({}).seen == Seen("127.0.0.1:0", 60)
    found = Settings.from_environment({"TRACKER_METRICS": " 0.0.0.0:9464 ", "TRACKER_WATCHDOG": "90"})
    assert found.seen == Seen("0.0.0.0:9464", 90)


@pytest.mark.parametrize(
    ("name", "value"),
    [("TRACKER_METRICS", "9464"), ("TRACKER_METRICS", "http://a:1"), ("TRACKER_METRICS", "127.0.0.1:65536"),
     ("TRACKER_WATCHDOG", "5"), ("TRACKER_WATCHDOG", "60s"), ("TRACKER_WATCHDOG", "-5"), ("TRACKER_WATCHDOG", "nan")],
)  # fmt: skip
def test_other_values_of_them_are_refused_with_an_example(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name} holds .*{value}.*Set it to .*unset it for"):
        Settings.from_environment({name: value})
