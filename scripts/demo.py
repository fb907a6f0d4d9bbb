"""Clone a voice and speak with it, for `scripts/demo`."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from soundclone_client import Client, ClientError, Task

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "demo"
TEXT = (
    "This is a voice that was made a moment ago, from half a minute of somebody speaking. "
    "It never said these words. <#0.6#> It can say whatever you write, in forty languages."
)
console = Console(highlight=False)


def main() -> None:
    """Start the service, use it, and stop it."""
    source = sys.argv[1] if len(sys.argv) > 1 else "examples/recording.mp3"
    text = sys.argv[2] if len(sys.argv) > 2 else TEXT
    if not source.startswith(("http://", "https://")) and not Path(source).is_file():
        sys.exit(f"{source} is neither a file nor an http(s) URL")
    DEMO.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {"SOUNDCLONE_DATA_DIR": str(DEMO / "data")}
    soundclone = [sys.executable, "-m", "soundclone"]
    with (DEMO / "service.log").open("wb") as log:
        service = subprocess.Popen(
            [*soundclone, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            console.print(f"starting the service on {url} (its log is demo/service.log)")
            wait_until_ready(url, service)
            made = subprocess.check_output(
                [*soundclone, "keys", "create", "--name", "demo", "--credit", "10", "--json"],
                env=environment,
            )
            use(url, json.loads(made)["key"], source, text)
        finally:
            service.terminate()
            service.wait(60)


def wait_until_ready(url: str, service: subprocess.Popen[bytes]) -> None:
    """Wait until the service accepts tasks. Ends the program if it does not start."""
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except OSError:
            if service.poll() is not None or time.monotonic() > deadline:
                sys.exit("the service did not start; demo/service.log says why")
            time.sleep(0.2)


def use(url: str, key: str, source: str, text: str) -> None:
    """Clone a voice, speak with it, and report what was made."""
    columns = (TextColumn("{task.description:<36}"), BarColumn(), TimeElapsedColumn())
    with Client(url, key) as client, Progress(*columns, console=console) as progress:

        def follow(what: str) -> Callable[[Task], None]:
            bar = progress.add_task(what, total=100)

            def show(task: Task) -> None:
                progress.update(
                    bar, completed=task.progress or 0, description=f"{what}: {task.status}"
                )

            return show

        started = time.monotonic()
        show = follow("cloning the voice")
        preview = client.clone(source, on_progress=show)
        client.download(preview, DEMO / "preview.mp3")
        cloned = time.monotonic()
        show = follow("speaking with it")
        speech = client.speak(preview.model_id, text, on_progress=show)
        client.download(speech, DEMO / "speech.mp3")
        spoken = time.monotonic()
        balance = client.balance()
    console.print(
        f"\n[bold]demo/preview.mp3[/]  {preview.seconds:.1f} s of audio, made from "
        f"{preview.speech_seconds} s of speech in {cloned - started:.1f} s"
        f"\n[bold]demo/speech.mp3[/]   {speech.seconds:.1f} s of audio, "
        f"in {spoken - cloned:.1f} s"
        f"\nvoice {preview.model_id}, {balance.used_coin:.4f} credits used\n"
    )
    for warning in preview.warnings:
        console.print(f"note: {warning}\n")
    console.print("The same with curl, once scripts/serve runs and has printed a key:\n")
    print(curl_lines(source, text))


def curl_lines(source: str, text: str) -> str:
    """Return the commands that do the same with curl."""
    base = "http://127.0.0.1:8000/api/open-api/v1"
    bearer = '-H "Authorization: Bearer $KEY"'
    lines = ["KEY=sk_…"]
    url = source
    if not source.startswith("http"):
        url = "the url of the answer"
        lines.append(f"curl {base}/files/upload {bearer} -F {shlex.quote(f'file=@{source}')}")
    as_json = f"{bearer} -H 'Content-Type: application/json'"
    for path, body in (
        ("clones", {"fileUrl": url}),
        ("audios", {"modelId": "model_…", "contentText": text}),
    ):
        data = shlex.quote(json.dumps(body, ensure_ascii=False))
        lines.append(f"curl {base}/soundCloning/{path} {as_json} -d {data}")
        lines.append(f"curl {base}/audios/audio_… {bearer}")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        main()
    except ClientError as error:
        sys.exit(f"soundclone: {error.message}")
    except KeyboardInterrupt:
        sys.exit(130)
