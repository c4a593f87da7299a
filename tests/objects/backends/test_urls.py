"""URLs of remotes: one spelling, no secrets."""

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.objects.backends.open import RemoteUrl


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("/srv/store/", "/srv/store"),
        ("file:///srv/a%20b", "/srv/a b"),
        ("S3://Bucket/a//b/", "s3://Bucket/a/b"),
        ("s3://bucket", "s3://bucket"),
        ("gs://bucket/p", "gs://bucket/p"),
        ("az://container/p", "az://container/p"),
        ("memory://", "memory://"),
        ("memory://x/y", "memory://x/y"),
        ("sftp://Host/srv/x/", "sftp://host/srv/x"),
        ("sftp://me@host:2222/~/stores/x", "sftp://me@host:2222/~/stores/x"),
        ("sftp://host", "sftp://host/"),
        ("https://example.org:8443/a b/", "https://example.org:8443/a%20b"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_one_spelling(text, spelling):
    assert str(RemoteUrl.parse(text)) == spelling
    assert str(RemoteUrl.parse(spelling)) == spelling


def test_a_relative_folder_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(RemoteUrl.parse("there/store")) == str(tmp_path / "there/store")


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIA:hunter2@bucket/x",
        "sftp://me:hunter2@host/x",
        "https://hunter2@host/x",
        "https://host/x?sig=hunter2",
        "az://container/x?sv=1&sig=hunter2",
    ],
)
def test_secrets_are_refused_and_not_repeated(text):
    with pytest.raises(InvalidInputError) as caught:
        RemoteUrl.parse(text)
    assert caught.value.kind == "secret-in-url"
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint} {caught.value.details}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://host/x",
        "s3:///x",
        "https:///x",
        "file://host/x",
        "https://host:99999/x",
        "https://host/x#y",
        "https://host/a/../b",
        "https://host/%0d%0aHost: x",
        "s3://b/%00",
    ],
)
def test_what_is_no_remote_is_refused(text):
    with pytest.raises(InvalidInputError) as caught:
        RemoteUrl.parse(text)
    assert caught.value.kind == "bad-remote-url"


def test_a_bucket_that_cannot_be_one_is_named():
    with pytest.raises(InvalidInputError, match="bucket, and 'x' cannot name") as caught:
        RemoteUrl.parse("s3://x")
    assert caught.value.hint == "such as s3://bucket/folder"
    with pytest.raises(InvalidInputError, match="needs a host, and the URL names none"):
        RemoteUrl.parse("https:///folder")
