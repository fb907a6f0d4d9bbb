"""Content Credentials (C2PA): signed manifests that mark a file as synthetic.

A manifest names the kind of source, the engine, the time and the class of consent. It never holds a
text or a name. The reference library, of the extra `c2pa`, signs manifests here. It reads manifests
of untrusted files in a confined child process, see `credentials_child`.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..errors import InternalError

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
STATEMENT = "soundclone.speech"
"""Label of the assertion with the engine, the time and the class of consent."""

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
}
"""Formats whose files hold a manifest. Other formats have a sidecar."""

_OTHER = "application/octet-stream"
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_SECONDS = 30  # for the child process
_LIFETIME = datetime.timedelta(days=3653)


class CredentialsError(Exception):
    """The certificate or its key cannot be used."""


@dataclass(frozen=True)
class Statement:
    """Facts about synthetic speech that its manifest states."""

    engine: str
    at: float  # seconds since the epoch
    consent: str  # none, declared, recorded or verified


@dataclass(frozen=True)
class Credentials:
    """Content Credentials that a file has."""

    found: bool = False
    valid: bool = False  # the signature and the hashes match; the signer may be anybody
    synthetic: bool = False  # the manifest states that a program made the sound
    signer: str = ""  # organisation or common name of the certificate
    engine: str = ""  # of a manifest of soundclone, like the next
    consent: str = ""


def available() -> bool:
    """Return True if the reference library is installed."""
    return importlib.util.find_spec("c2pa") is not None


class Signer:
    """Signs manifests with one certificate."""

    def __init__(self, pem: bytes) -> None:
        """Read a private key and its certificate chain, the certificate of the key first.

        Raises:
            CredentialsError: A part is missing or unusable, or the certificate is of another key.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
        from cryptography.x509.oid import NameOID

        blocks = re.findall(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----\s*", pem, re.DOTALL)
        if not any(b"PRIVATE KEY" in each for each in blocks) or b"CERTIFICATE" not in blocks:
            raise CredentialsError("a private key and its certificates are needed, in PEM")
        try:
            chain = x509.load_pem_x509_certificates(pem)
            key = serialization.load_pem_private_key(_key_block(pem), None)
        except (ValueError, TypeError) as error:
            raise CredentialsError(f"the key or a certificate cannot be read: {error}") from error
        if key.public_key() != chain[0].public_key():
            raise CredentialsError("the first certificate belongs to another key")
        if isinstance(key, ec.EllipticCurvePrivateKey):
            self._algorithm = _CURVES.get(key.curve.name, "")
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            self._algorithm = "ed25519"
        else:
            self._algorithm = "ps256" if isinstance(key, rsa.RSAPrivateKey) else ""
        if not self._algorithm:
            raise CredentialsError("the key must be P-256, P-384, P-521, Ed25519 or RSA")
        self.begins = chain[0].not_valid_before_utc
        self.ends = chain[0].not_valid_after_utc
        names = (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        named = [
            each.value for name in names for each in chain[0].subject.get_attributes_for_oid(name)
        ]
        self.owner = str(named[0]) if named else "an organisation without a name"
        self._chain = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
        self._key = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def embed(self, path: Path, format: str, statement: Statement) -> None:
        """Add a manifest to a file in one of MEDIA_TYPES. Raises CredentialsError."""
        signed = path.with_name(f"{path.name}.signed")
        self._sign(path, signed, MEDIA_TYPES[format], statement, embed=True)
        signed.replace(path)

    def sidecar(self, path: Path, statement: Statement) -> bytes:
        """Return a manifest of a file of any format. Raises CredentialsError."""
        with tempfile.NamedTemporaryFile(dir=path.parent) as copy:
            return self._sign(path, Path(copy.name), _OTHER, statement, embed=False)

    def _sign(
        self, path: Path, signed: Path, media_type: str, statement: Statement, *, embed: bool
    ) -> bytes:
        import c2pa

        try:
            info = c2pa.C2paSignerInfo(self._algorithm.encode(), self._chain, self._key, None)
            with (
                c2pa.Context(settings=c2pa.Settings.from_dict(SETTINGS)) as context,
                c2pa.Signer.from_info(info) as signer,
                c2pa.Builder(_manifest(statement), context=context) as builder,
                path.open("rb") as source,
                signed.open("w+b") as target,
            ):
                if not embed:
                    builder.set_no_embed()
                return bytes(builder.sign(signer, media_type, source, target))
        except c2pa.C2paError as error:
            signed.unlink(missing_ok=True)
            raise CredentialsError(f"the file cannot be signed: {error}") from error


SETTINGS = {
    # Nothing is fetched: a file must not make the service connect anywhere.
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}
}
"""Settings of the reference library."""


def _manifest(statement: Statement) -> dict[str, object]:
    when = datetime.datetime.fromtimestamp(int(statement.at), datetime.UTC)
    moment = when.isoformat().replace("+00:00", "Z")
    return {
        "claim_generator_info": [{"name": "soundclone", "version": __version__}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "digitalSourceType": SOURCE_TYPE,
                            "when": moment,
                            "softwareAgent": {"name": statement.engine},
                        }
                    ]
                },
            },
            {
                "label": STATEMENT,
                "data": {
                    "engine": statement.engine,
                    "time": moment,
                    "consent": statement.consent,
                },
            },
        ],
    }


def generate() -> bytes:
    """Return a new private key, its certificate and the certificate of a new authority.

    C2PA does not accept manifests that are signed with a self-signed certificate. So the authority
    signs the certificate of the key. The key of the authority is discarded.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def name(what: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "soundclone (self-signed)"),
                x509.NameAttribute(NameOID.COMMON_NAME, what),
            ]
        )

    def certificate(owner: ec.EllipticCurvePrivateKey, what: str, ca: bool) -> x509.Certificate:
        begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        usage = {
            "digital_signature": not ca,
            "key_cert_sign": ca,
            "crl_sign": ca,
            "content_commitment": False,
            "key_encipherment": False,
            "data_encipherment": False,
            "key_agreement": False,
            "encipher_only": False,
            "decipher_only": False,
        }
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(what))
            .issuer_name(name("soundclone authority"))
            .public_key(owner.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + _LIFETIME)
            .add_extension(x509.BasicConstraints(ca, 0 if ca else None), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(owner.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False
            )
        )
        if not ca:
            purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(purposes, critical=False)
        return builder.sign(authority, hashes.SHA256())

    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf = certificate(key, "soundclone speech", ca=False)
    root = certificate(authority, "soundclone authority", ca=True)
    return b"".join((private, leaf.public_bytes(encoding), root.public_bytes(encoding)))


def signer_of(path: Path, *, create: bool) -> Signer:
    """Return the signer whose key and certificates are in a PEM file.

    Args:
        path: The file.
        create: Generate the file if it does not exist.

    Raises:
        CredentialsError: The file is missing or unusable.
    """
    if create and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Write another file and link it: of two first starts at the same time, one links its file.
        with tempfile.NamedTemporaryFile(dir=path.parent) as file:
            file.write(generate())
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(file.name, path)
    try:
        return Signer(path.read_bytes())
    except OSError as error:
        raise CredentialsError(f"{path}: {error.strerror}") from error
    except CredentialsError as error:
        raise CredentialsError(f"{path}: {error}") from error


def read(path: Path, sidecar: bytes | None = None) -> Credentials:
    """Return the Content Credentials of an untrusted file, or of its sidecar.

    A damaged manifest is found but not valid. Without the library nothing is found.

    Raises:
        InternalError: The child process cannot be started.
    """
    if not available():
        return Credentials()
    with path.open("rb") as source, tempfile.TemporaryFile() as manifest:
        manifest.write(sidecar or b"")
        manifest.flush()
        try:
            done = subprocess.run(  # noqa: S603
                _command(manifest.fileno()),
                stdin=source,
                env=_environment(),
                capture_output=True,
                pass_fds=[manifest.fileno()],
                start_new_session=True,
                check=False,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Credentials(found=True)
    if done.returncode < 0:  # the library crashed on the file
        return Credentials(found=True)
    try:
        report = json.loads(done.stdout.splitlines()[-1])
        return Credentials(
            found=bool(report["found"]),
            valid=bool(report["valid"]),
            synthetic=bool(report["synthetic"]),
            signer=str(report["signer"])[:200],
            engine=str(report["engine"])[:200],
            consent=str(report["consent"])[:20],
        )
    except (ValueError, LookupError, TypeError) as error:
        raise InternalError(
            f"the reader of Content Credentials ended with status {done.returncode}"
        ) from error


def _command(manifest: int) -> list[str]:
    module = f"{__package__}.credentials_child"
    return [sys.executable, "-PsB", "-m", module, str(manifest)]


def _environment() -> dict[str, str]:
    # The environment may hold keys, of which the child process needs none.
    kept = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PATH", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return environment | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def _key_block(pem: bytes) -> bytes:
    found = re.search(
        rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----.+?-----END (?:[A-Z]+ )?PRIVATE KEY-----",
        pem,
        re.DOTALL,
    )
    if found is None:
        raise CredentialsError("the private key must be in PEM, without a passphrase")
    return found.group() + b"\n"
