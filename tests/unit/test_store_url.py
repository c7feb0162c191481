"""What a store's URL may look like; the settings and the stores agree, since one function decides."""

import pytest

from tradegame.infra.config import ConfigError, load_settings
from tradegame.infra.etcd import EtcdSettings
from tradegame.infra.store_url import StoreUrl, parse_store_url


def test_other_stores_are_a_file_or_nothing() -> None:
    assert parse_store_url("memory:") == StoreUrl("memory")
    assert parse_store_url("embedded:/var/lib/t:a.db") == StoreUrl("embedded", path="/var/lib/t:a.db")


@pytest.mark.parametrize(
    ("url", "endpoints", "prefix"),
    [
        ("etcd://h1:2379", ("h1:2379",), "tradegame"),
        ("etcd://h1", ("h1:2379",), "tradegame"),
        ("etcd://h1:2379/", ("h1:2379",), "tradegame"),
        (
            "etcd://h1:1,h2.example.org:2,10.0.0.3:3/games/at-school",
            ("h1:1", "h2.example.org:2", "10.0.0.3:3"),
            "games/at-school",
        ),
        ("etcd://[::1]:2379,[fe80:0::1]/p", ("[::1]:2379", "[fe80::1]:2379"), "p"),
        ("etcds://h1:2379,h2/p/", ("https://h1:2379", "https://h2:2379"), "p"),
    ],
)
def test_a_url_names_endpoints_and_a_prefix(url: str, endpoints: tuple[str, ...], prefix: str) -> None:
    assert parse_store_url(url) == StoreUrl("etcd", endpoints=endpoints, prefix=prefix)
    assert load_settings(None, {}, {"store.url": url}).store.url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "memory:x",
        "embedded:",
        "embedded:a\nb",
        "postgres://h1",
        "etcd://a..b:2379",
        "etcd://-a:2379",
        "etcd",
        "etcd:h1:2379",
        "http://h1:2379",
        "etcd://",
        "etcd:///prefix",
        "etcd://h1:2379,",
        "etcd://h1:2379, h2:2379",
        "etcd://h1:0",
        "etcd://h1:65536",
        "etcd://h1:port",
        "etcd://h1:",
        "etcd://:2379",
        "etcd://::1:2379",
        "etcd://[::1",
        "etcd://[::1]2379",
        "etcd://[nonsense]:2379",
        "etcd://user:secret@h1:2379",
        "etcd://h1:2379,h1:2379",
        "etcd://h1,h1:2379",
        "etcd://h1:2379//prefix",
        "etcd://h1:2379/a//b",
        "etcd://h1:2379/a b",
        "etcd://h1:2379/p?x=1",
        "etcd://h1:2379/p#x",
    ],
)
def test_a_wrong_url_is_an_error_of_the_settings_with_what_is_wrong(url: str) -> None:
    with pytest.raises(ValueError, match="expected memory:, embedded:PATH or etcd://HOST:PORT,…/PREFIX") as caught:
        parse_store_url(url)
    with pytest.raises(ConfigError) as refused:
        load_settings(None, {}, {"store.url": url})
    assert [str(problem) for problem in refused.value.problems] == [f"--store: store.url: {caught.value}"]


def test_a_password_in_a_url_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ValueError, match=r"store\.user and store\.password") as caught:
        parse_store_url("etcd://root:secret@h1:2379")
    assert "secret" not in str(caught.value)


def test_the_endpoints_of_a_url_are_good_settings() -> None:
    settings = EtcdSettings(parse_store_url("etcds://h1,[::1]:5").endpoints)
    assert settings.addresses == ("h1:2379", "[::1]:5")
    assert settings.credentials() is not None
    assert EtcdSettings(("h1:2379",)).credentials() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoints": ()},
        {"endpoints": ("h1:nonsense",)},
        {"endpoints": ("https://h1:1", "h2:1")},
        {"cert": "client.pem"},
        {"key": "client.key"},
        {"password": "secret"},
    ],
)
def test_wrong_settings_are_a_value_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        EtcdSettings(**{"endpoints": ("h1:1",), **wrong})  # type: ignore[arg-type]


def test_settings_do_not_show_the_password() -> None:
    assert "secret" not in repr(EtcdSettings(("h1:1",), user="root", password="secret"))
