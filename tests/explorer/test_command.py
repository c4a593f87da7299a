"""The command `ui`: one link, one session, an end by an interrupt."""

import json
import signal
import subprocess
import urllib.error
import urllib.request
from http.cookiejar import CookieJar

import pytest


@pytest.mark.parametrize("number", [signal.SIGINT])
def test_it_prints_a_link_serves_and_ends(publisher, number) -> None:
    process = subprocess.Popen(
        publisher.command("ui", "--json"),
        cwd=publisher.folder,
        env=publisher.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        text = ""
        while not text.endswith("}\n"):  # JSON over several lines
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            text += line
        said = json.loads(text)
        assert said["url"].startswith(f"http://127.0.0.1:{said['port']}/?token=")
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        page = browser.open(said["url"], timeout=60).read().decode()
        assert "policies/" in page
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(said["url"], timeout=60)
        assert refused.value.code == 403
        refused.value.close()
        process.send_signal(number)
        _, words = process.communicate(timeout=60)
        assert process.returncode == 0, words
        assert "Traceback" not in words
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
