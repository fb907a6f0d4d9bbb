"""Measure the polls and submissions per second of the API, against a bare route of the server.

    .venv/bin/python bench/load.py [--seconds 5] [--connections 8] [--json]

All figures come from one run, so that their ratios are meaningful on a noisy machine. A separate
process sends the requests over keep-alive connections.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.service import API, Service, free_port  # noqa: E402

BARE = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/bare/{id}")
async def bare(id: str) -> dict:
    return {"code": 20000, "msg": "ok", "data": {
        "id": id, "object": "audio", "created": 1, "model": "soundCloningClone",
        "status": "queued", "error": None, "progress": 0, "cost": 0.11}}
uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False)
"""


def load(port: int, requests: list[bytes], connections: int, seconds: float, out: Any) -> None:
    """Send the requests again and again over several connections for some seconds.

    Put a tuple into `out`: requests a second, median seconds of a request, failed answers.
    """
    counts, slow, bad = [], [], []

    def client(number: int) -> None:
        done, wrong, taken = 0, 0, []
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end = time.perf_counter() + seconds
            while (now := time.perf_counter()) < end:
                connection.sendall(requests[(number + done * connections) % len(requests)])
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += connection.recv(65536)
                head, _, body = answer.partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += connection.recv(65536)
                wrong += b'"code":20000' not in body
                done += 1
                taken.append(time.perf_counter() - now)
        counts.append(done)
        slow.extend(taken)
        bad.append(wrong)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = sum(counts) / (time.perf_counter() - started)
    out.put((rate, sorted(slow)[len(slow) // 2], sum(bad)))


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far, from Linux's /proc; 0 elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(
    port: int, pid: int, requests: list[bytes], connections: int, seconds: float
) -> dict[str, Any]:
    """Rates of one stretch of load, and what a request cost the server's processor."""
    out: Any = multiprocessing.Queue()
    before = processor_seconds(pid)
    process = multiprocessing.Process(target=load, args=(port, requests, connections, seconds, out))
    process.start()
    rate, median, bad = out.get()
    process.join()
    spent = (processor_seconds(pid) - before) / max(1, rate * seconds)
    return {
        "per_second": round(rate),
        "median_ms": round(median * 1000, 2),
        "cpu_us": round(spent * 1e6),
        "bad": bad,
    }


def request(method: str, path: str, key: str = "", body: Any = None, header: str = "") -> bytes:
    content = json.dumps(body).encode() if body is not None else b""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(content)}"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if content:
        lines.append("Content-Type: application/json")
    if header:
        lines.append(header)
    return "\r\n".join([*lines, "", ""]).encode() + content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3, help="of bare and polls, in turn")
    parser.add_argument("--database", default="", help="SOUNDCLONE_DATABASE_URL; SQLite if empty")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    environment = {"SOUNDCLONE_REQUESTS_PER_SECOND": "100000"}
    environment |= {"SOUNDCLONE_ACTIVE_TASKS_PER_KEY": "1000000"}
    if options.database:
        environment["SOUNDCLONE_DATABASE_URL"] = options.database
    port = free_port()
    bare = subprocess.Popen([sys.executable, "-c", BARE, str(port)], stderr=subprocess.DEVNULL)
    rows: dict[str, dict[str, Any]] = {}
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Service(Path(folder), "--no-worker", environment=environment) as service,
        ):
            _, key = service.new_key(1_000_000)
            body = {"fileUrl": "https://example.com/a.mp3", "contentText": "Hello."}
            submit = request("POST", f"{API}/soundCloning/clones", key, body)
            load_by = (options.connections, options.seconds)
            pid = service.pid
            submitted = measured(service.port, pid, [submit], *load_by)
            ids = [
                service.post(f"{API}/soundCloning/clones", body, key)[1]["data"]["id"]
                for _ in range(200)
            ]
            polls = [request("GET", f"{API}/audios/{task}", key) for task in ids]
            plain = [request("GET", f"/bare/{task}") for task in ids]
            best: dict[str, list[dict[str, Any]]] = {"bare": [], "polls": []}
            for _ in range(options.rounds):
                best["bare"].append(measured(port, bare.pid, plain, *load_by))
                best["polls"].append(measured(service.port, pid, polls, *load_by))
            for name, results in best.items():
                rows[name] = sorted(results, key=lambda row: row["per_second"])[len(results) // 2]
            rows["submissions"] = submitted
    finally:
        bare.terminate()
        bare.wait()
    ratio = rows["polls"]["per_second"] / rows["bare"]["per_second"]
    by_processor = rows["bare"]["cpu_us"] / max(1, rows["polls"]["cpu_us"])
    report = {"cores": os.cpu_count(), "rows": rows, "polls_to_bare": round(ratio, 3)}
    report["polls_to_bare_by_processor_time"] = round(by_processor, 3)
    if options.json:
        print(json.dumps(report))
        return
    for name, row in rows.items():
        rate, median, cost, bad = row.values()
        print(f"{name:<12} {rate:>6} /s   median {median} ms   {cost} us of processor   {bad} bad")
    print(f"polls are {ratio:.0%} of the bare route, {by_processor:.0%} by processor time")


if __name__ == "__main__":
    main()
