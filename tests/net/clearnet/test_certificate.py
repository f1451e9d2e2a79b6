# SPDX-License-Identifier: Apache-2.0
"""The operator's certificate is read, and read again when it was renewed."""

import os
import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme

from eepost.net.clearnet.certificate import Certificate


def issue(file: Path, name: str, authority: trustme.CA) -> None:
    leaf = authority.issue_cert(name)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(file))


def served_name(certificate: Certificate, authority: trustme.CA) -> str:
    """Return the name in the certificate that a client is shown."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with certificate.context.wrap_socket(ours, server_side=True) as secured:
            secured.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    context = ssl.create_default_context()
    context.check_hostname = False
    authority.configure_trust(context)
    with context.wrap_socket(theirs) as secured:
        shown = secured.getpeercert()
        secured.send(b"x")
    thread.join()
    assert shown is not None
    alternatives = shown["subjectAltName"]
    return str(alternatives[0][1])


def test_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "mx.pem"
    issue(file, "mx.example.org", authority)
    certificate = Certificate(file, file)
    assert not certificate.is_renewed()
    assert served_name(certificate, authority) == "mx.example.org"
    issue(file, "new.example.org", authority)
    os.utime(file, (1, 1))
    assert certificate.is_renewed()
    certificate.load()
    assert not certificate.is_renewed()
    assert served_name(certificate, authority) == "new.example.org"


def test_half_a_renewal_leaves_the_old_one_in_service(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "mx.pem"
    issue(file, "mx.example.org", authority)
    certificate = Certificate(file, file)
    file.write_text("half", "ascii")
    os.utime(file, (1, 1))
    with pytest.raises(OSError, match=r".+"):
        certificate.load()
    assert certificate.is_renewed(), "it is looked at again"
    assert served_name(certificate, authority) == "mx.example.org"


def test_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Certificate(tmp_path / "none.pem", tmp_path / "none.pem")


def test_old_versions_of_tls_are_not_spoken(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "mx.pem"
    issue(file, "mx.example.org", authority)
    assert Certificate(file, file).context.minimum_version >= ssl.TLSVersion.TLSv1_2
