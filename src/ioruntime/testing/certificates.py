"""Certificates for tests of TLS, by no authority that anybody trusts."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Files(msgspec.Struct, frozen=True):
    """A certificate for this machine by no authority, and its key."""

    cert: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        """What makes a server use them."""
        return {"IORUNTIME_TLS_CERT": str(self.cert), "IORUNTIME_TLS_KEY": str(self.key)}


def make_certificate(folder: Path) -> Files:
    """Write a certificate and its key into a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    hosts = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(hosts, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = Files(folder / "cert.pem", folder / "key.pem")
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    files.cert.write_bytes(certificate.public_bytes(pem))
    files.key.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    return files
