"""TLS to the broker: certificates in, sentences about what is wrong out."""

from __future__ import annotations

import ssl
from pathlib import Path

from edge_caption.errors import ConfigError

CLIENT_CERTIFICATE = "it wants a client certificate; give cert_file and key_file below [mqtt]"

EXPLAINED = {
    "CERTIFICATE_REQUIRED": CLIENT_CERTIFICATE,
    "HANDSHAKE_FAILURE": f"TLS can't be agreed on; perhaps {CLIENT_CERTIFICATE}",
    "UNKNOWN_CA": "it does not trust the authority of our client certificate; give it another cert_file, or the broker "
    "that authority",
    "BAD_CERTIFICATE": "it rejects our client certificate; give another cert_file and key_file",
    "CERTIFICATE_EXPIRED": "our client certificate has expired; give a new cert_file and key_file",
    "WRONG_VERSION_NUMBER": "it does not speak TLS on this port; write mqtt:// or give its TLS port, mostly 8883",
    "UNEXPECTED_EOF": "it closed the connection while TLS was set up; if this port speaks no TLS, write mqtt:// or "
    "give its TLS port, mostly 8883",
    "PROTOCOL_VERSION": "it speaks no TLS version that is safe; let it speak TLS 1.2 or newer",
}
"""By what OpenSSL's reason holds."""

VERIFICATION = {
    9: "its certificate is not valid yet; set this device's clock",
    10: "its certificate has expired; renew it, or set this device's clock",
    18: "its certificate is signed by itself; give that certificate as ca_file below [mqtt]",
    19: "the authority of its certificate is not trusted here; give its certificate as ca_file below [mqtt]",
    20: "the authority of its certificate is not known here; give its certificate as ca_file below [mqtt]",
    62: "its certificate is for another name; write the broker's name as the certificate has it",
    64: "its certificate is for another address; write the broker's name as the certificate has it",
}
"""By OpenSSL's number (x509_vfy.h)."""


def context(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    """Return how to speak TLS.

    Args:
        ca_file: certificates to trust; None: the system's.
        cert_file: of this client, where the broker wants one.
        key_file: its key; None: in the same file.

    Raises:
        ConfigError: a file can't be used.
    """
    try:
        made = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = "it holds none in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(f"the certificates to trust cannot be read: {ca_file}: {reason}") from None
    if cert_file:
        _load_client(made, cert_file, key_file or cert_file)
    return made


def explain(error: OSError) -> str:
    """Return what an error of a TLS connection means, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return VERIFICATION.get(error.verify_code, f"its certificate is not accepted here ({error.verify_message})")
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return EXPLAINED["UNEXPECTED_EOF"]
    reason = getattr(error, "reason", None) or ""
    found = [sentence for sign, sentence in EXPLAINED.items() if sign in reason]
    return found[0] if found else f"TLS can't be set up ({reason.lower().replace('_', ' ') or error})"


def _load_client(made: ssl.SSLContext, cert_file: Path, key_file: Path) -> None:
    def refuse() -> str:
        raise ConfigError(f"{key_file} is encrypted; write it without a passphrase: openssl pkey -in FILE -out FILE")

    for file in {cert_file, key_file}:
        _check_readable(file)
    try:
        made.load_cert_chain(cert_file, key_file, refuse)
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            raise ConfigError(f"{key_file} is not the key of {cert_file}; give the two that belong together") from None
        raise ConfigError(f"{cert_file} and {key_file} hold no certificate and key in PEM form") from None


def _check_readable(file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise ConfigError(f"the client certificate cannot be read: {file}: {error.strerror}") from None
