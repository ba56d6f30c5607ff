"""Log shippers as they are: splunk-handler, rsyslog, logger, curl."""

import gzip
import logging
import os
import shutil
import signal
import subprocess
import time

import pytest
import trustme
from splunk_handler import SplunkHandler

from server import event, free_port, wait


def tool(name, package):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert path, f"{name} is not installed: install the package {package}"
    return path


def test_splunk_handler(serve, tmp_path):
    authority = trustme.CA()
    cert = authority.issue_cert("127.0.0.1")
    cert.private_key_and_cert_chain_pem.write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = serve("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "cert.pem"), ca=tmp_path / "ca.pem")
    os.environ["REQUESTS_CA_BUNDLE"] = str(tmp_path / "ca.pem")
    handler = SplunkHandler(
        host="127.0.0.1", port=str(server.port), token=server.make_token("splunk", "ingest-only"), index="main", source="trail",
        sourcetype="aws:cloudtrail", verify=str(tmp_path / "ca.pem"), flush_interval=0.5, record_format=False, retry_count=2,
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("shipped")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    for number in range(200):
        log.info(event(number))
    handler.force_flush()
    server.holds(range(200))
    handler.shutdown()


@pytest.fixture
def rsyslog(tmp_path):
    """Starts rsyslogd with some lines of configuration; what is written to the socket that it returns is shipped."""
    begun = []

    def begin(action, more=""):
        daemon = tool("rsyslogd", "rsyslog")
        work = tmp_path / "rsyslog"
        work.mkdir()
        inlet = tmp_path / "inlet"
        config = tmp_path / "rsyslog.conf"
        config.write_text(
            f'global(workDirectory="{work}" maxMessageSize="64k" {more})\n'
            'module(load="imuxsock" SysSock.Use="off")\n'
            f'input(type="imuxsock" Socket="{inlet}" CreatePath="on" RateLimit.Interval="0")\n'
            f"{action}\n"
        )
        process = subprocess.Popen([daemon, "-n", "-f", config, "-i", tmp_path / "pid"])
        begun.append(process)
        wait("rsyslog listens", inlet.exists)
        return inlet

    yield begin
    for process in begun:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def say(inlet, numbers):
    lines = "".join(f"{event(number)}\n" for number in numbers)
    subprocess.run([tool("logger", "bsdutils"), "--socket", inlet, "--size", "64KiB", "--tag", "trail"], input=lines, text=True, check=True)


@pytest.mark.parametrize("framing", ["octet-counted", "traditional"])
def test_rsyslog_over_tcp(serve, rsyslog, framing):
    port = free_port()
    server = serve("--syslog-tcp", f"127.0.0.1:{port}")
    inlet = rsyslog(
        f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="{framing}"'
        ' template="RSYSLOG_SyslogProtocol23Format" action.resumeRetryCount="-1")'
    )
    say(inlet, range(300))
    server.holds(range(300))


def test_rsyslog_over_udp(serve, rsyslog):
    port = free_port()
    server = serve("--syslog-udp", f"127.0.0.1:{port}")
    inlet = rsyslog(f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="udp" template="RSYSLOG_ForwardFormat")')
    say(inlet, range(20))
    server.holds(range(20))


def test_rsyslog_over_tls(serve, rsyslog, tmp_path):
    authority = trustme.CA()
    cert = authority.issue_cert("127.0.0.1", "localhost")
    cert.private_key_and_cert_chain_pem.write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    port = free_port()
    pem = str(tmp_path / "cert.pem")
    server = serve("--tls-cert", pem, "--tls-key", pem, "--syslog-tls", f"127.0.0.1:{port}", ca=tmp_path / "ca.pem")
    inlet = rsyslog(
        f'action(type="omfwd" target="localhost" port="{port}" protocol="tcp" TCP_Framing="octet-counted"'
        ' StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost"'
        ' template="RSYSLOG_SyslogProtocol23Format" action.resumeRetryCount="-1")',
        more=f'DefaultNetstreamDriverCAFile="{tmp_path / "ca.pem"}"',
    )
    say(inlet, range(100))
    server.holds(range(100))


def test_rsyslog_goes_on_after_the_server_was_away(serve, rsyslog, tmp_path):
    """What rsyslog's own queue holds while nobody listens comes in when somebody does."""
    port = free_port()
    inlet = rsyslog(
        f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="octet-counted"'
        ' template="RSYSLOG_SyslogProtocol23Format" action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList")'
    )
    say(inlet, range(50))
    server = serve("--syslog-tcp", f"127.0.0.1:{port}")
    server.holds(range(50))


def test_logger(serve):
    port = free_port()
    server = serve("--syslog-tcp", f"127.0.0.1:{port}")
    command = [tool("logger", "bsdutils"), "--server", "127.0.0.1", "--port", str(port), "--tcp", "--size", "64KiB"]
    for number, form in enumerate(["--rfc5424", "--rfc3164"]):
        subprocess.run([*command, form, "--octet-count", event(number)], check=True)
    server.holds(range(2))


def test_curl(serve, tmp_path):
    server = serve()
    ingest = server.make_token("curl", "ingest-only")
    body = tmp_path / "trail.json.gz"
    body.write_bytes(gzip.compress(('{"Records":[' + ",".join(event(number) for number in range(50)) + "]}").encode()))
    curl = [tool("curl", "curl"), "-sS", "--fail-with-body", "-H", f"Authorization: Bearer {ingest}"]
    for _ in range(2):
        subprocess.run([*curl, "--data-binary", f"@{body}", f"{server.url}/api/v1/ingest"], check=True)
    lines = "\n".join(event(number) for number in range(50, 60))
    subprocess.run([*curl, "-T", "-", "-X", "POST", f"{server.url}/api/v1/ingest"], input=lines, text=True, check=True)
    splunk = [tool("curl", "curl"), "-sS", "--fail-with-body", "-H", f"Authorization: Splunk {ingest}"]
    hec = '{"event":' + event(60) + ',"sourcetype":"aws:cloudtrail"}'
    subprocess.run([*splunk, "-d", hec, f"{server.url}/services/collector/event"], check=True)
    empty = subprocess.run([*splunk, "-d", "", f"{server.url}/services/collector/event"], capture_output=True, text=True)
    assert empty.returncode != 0 and '"code":5' in empty.stdout.replace(" ", ""), empty.stdout
    server.holds(range(61))


def test_a_certificate_is_read_again_when_it_changes(serve, tmp_path):
    """Whoever connects after a renewal sees the new certificate; nothing is started anew."""
    def write(authority):
        cert = authority.issue_cert("127.0.0.1")
        cert.private_key_and_cert_chain_pem.write_to_path(tmp_path / "new.pem")
        os.replace(tmp_path / "new.pem", tmp_path / "cert.pem")
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    write(trustme.CA())
    pem = str(tmp_path / "cert.pem")
    server = serve("--tls-cert", pem, "--tls-key", pem, ca=tmp_path / "ca.pem")
    time.sleep(1.1)
    write(trustme.CA())
    wait("the new certificate is shown", server.answers)
