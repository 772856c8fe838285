"""The API at an address: a free port, one that is taken, certificates, an end."""

import shutil
import ssl
import subprocess

import httpx
import pytest

from headwater.diagnostics import Broken, Invalid
from headwater.web.serving import start_api


@pytest.fixture
def start(shop):
    running = []

    def started(**how):
        running.append(start_api(shop.root, effects=shop.effects, **how))
        return running[-1]

    yield started
    for each in running:
        each.stop()


def test_it_answers_at_a_free_port_until_it_is_stopped(start):
    served = start()
    assert httpx.get(f"{served.url}/health").json() == {"alive": True}
    served.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.url}/health")


def test_the_local_token_is_good(shop, start):
    served = start()
    token = (shop.root / ".headwater" / "token").read_text().strip()
    answer = httpx.get(f"{served.url}/api/v1/tokens", headers={"Authorization": f"Bearer {token}"})
    assert [each["role"] for each in answer.json()["tokens"]] == ["admin"]


def test_it_does_not_say_what_it_is_made_of(start):
    assert "server" not in httpx.get(f"{start().url}/health").headers


def test_a_port_that_is_taken_is_told_at_once(start):
    port = int(start().url.rpartition(":")[2])
    with pytest.raises(Broken, match=f"nothing can be served at 127.0.0.1:{port}"):
        start(port=port)


def test_a_certificate_that_is_none_is_refused(shop, start):
    shop.write("cert.pem", "not a certificate")
    with pytest.raises(Invalid, match="cannot be used"):
        start(tls_cert=shop.root / "cert.pem", tls_key=shop.root / "cert.pem")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which makes the certificate, is not installed")
def test_it_speaks_tls(shop, start):
    cert, key = shop.root / "cert.pem", shop.root / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*made, *named], check=True, capture_output=True)
    served = start(tls_cert=cert, tls_key=key)
    trusted = ssl.create_default_context(cafile=str(cert))
    assert served.url.startswith("https://")
    assert httpx.get(f"{served.url}/health", verify=trusted).status_code == 200


def test_other_machines_without_tls_are_warned_of(start, caplog):
    start(host="0.0.0.0")  # noqa: S104 - that is what the warning is about
    assert "without TLS" in caplog.text
