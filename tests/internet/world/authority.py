# SPDX-License-Identifier: Apache-2.0
"""Certificates: an authority that everybody here trusts, and one that nobody does."""

import hashlib
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Authority:
    """An authority whose certificates are files, as servers want them."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._ca = trustme.CA(organization_name=name)
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def chain_file(self, *names: str) -> Path:
        """Return a file with the key and the chain of a certificate for `names`."""
        file = self._folder / f"{self._name}-{names[0]}.pem"
        if not file.exists():
            leaf = self._ca.issue_cert(*names)
            for at, pem in enumerate(
                (leaf.private_key_pem, *leaf.cert_chain_pems, self._ca.cert_pem)
            ):
                pem.write_to_path(str(file), append=at > 0)
            file.chmod(0o644)  # Exim reads it as the user that it becomes
        return file

    def tlsa(self, *names: str) -> str:
        """Return the TLSA record's data for the key of that certificate: 3 1 1."""
        certificates = x509.load_pem_x509_certificates(self.chain_file(*names).read_bytes())
        key = (
            certificates[0]
            .public_key()
            .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
        return f"3 1 1 {hashlib.sha256(key).hexdigest()}"

    def anchor_tlsa(self) -> str:
        """Return the TLSA record's data for the authority itself: 2 0 1."""
        certificate = x509.load_pem_x509_certificate(self.file.read_bytes())
        return f"2 0 1 {hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()}"
