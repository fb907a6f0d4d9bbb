"""Content Credentials of files that a command joins from results of the service."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from .common import read_settings


def sign(path: Path, output: Path, format: str, result: Path) -> None:
    """Sign a file that was joined from results, if this machine has the certificate of its service.

    Joining removes the manifests of the results. The new manifest repeats the engine and the class
    of consent of a result. Without a valid manifest of the result, the file is not signed.

    Args:
        path: The finished file, which is signed in place.
        output: Place of the file, beside which formats without a manifest have their sidecar.
        format: Format of the file, such as m4b.
        result: One of the results, as the service delivered it.
    """
    from ..audio import credentials
    from ..jobs.provenance import certificate_file

    if not credentials.available():
        return
    certificate = certificate_file(read_settings())
    if not certificate.exists():  # the service runs on another machine
        return
    claim = credentials.read(result)
    if not (claim.valid and claim.synthetic and claim.engine):
        return
    statement = credentials.Statement(claim.engine, time.time(), claim.consent)
    media = "m4a" if format == "m4b" else format
    try:
        signer = credentials.signer_of(certificate, create=False)
        if media in credentials.MEDIA_TYPES:
            signer.embed(path, media, statement)
        else:
            output.with_suffix(".c2pa").write_bytes(signer.sidecar(path, statement))
    except credentials.CredentialsError as error:
        typer.echo(f"soundclone: {output} has no Content Credentials: {error}", err=True)
