"""An example of each operation of the API, and what a new service answers to it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PREAMBLE = (
    "SITE=http://127.0.0.1:8000; API=$SITE/api/open-api/v1; AUTH='Authorization: Bearer sk_…'"
)
SHOWN = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Example:
    command: str  # of a shell, after PREAMBLE
    keeps: Mapping[str, str] = field(default_factory=dict)
    # variables of the examples after it, by where they are in the `data` of the answer
    waits: bool = False  # for the task that it made; what it keeps is of that


@dataclass(frozen=True)
class Answer:
    language: str
    text: str


_KEY = "-H 'xi-api-key: sk_…'"
_JSON = "-H 'Content-Type: application/json'"
EXAMPLES = {
    "uploadFile": Example(
        'curl $API/files/upload -H "$AUTH" -F file=@examples/recording.mp3', {"URL": "url"}
    ),
    "createSoundClonePreview": Example(
        f'curl $API/soundCloning/clones -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"fileUrl": "\'$URL\'", "contentText": "Hello, it is me."}\'',
        {"TASK": "id", "MODEL": "modelId", "AUDIO": "audioUrl"},
        waits=True,
    ),
    "getSoundCloneTask": Example('curl $API/audios/$TASK -H "$AUTH"'),
    "getFile": Example('curl -sS "$AUDIO" -o preview.mp3 -w "%{http_code} %{content_type}"'),
    "createSoundCloneAudio": Example(
        f'curl $API/soundCloning/audios -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"modelId": "\'$MODEL\'", "contentText": "Hello. <#0.5#> It is me.", '
        '"emotion": "happy", "subtitleEnable": true}\'',
        {"TASK": "id"},
    ),
    "createSoundCloneConversion": Example(
        f'curl $API/soundCloning/voice-conversions -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"modelId": "\'$MODEL\'", "fileUrl": "\'$URL\'", "maxSeconds": 60}\''
    ),
    "createProject": Example(
        f'curl $API/projects -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"name": "Moby Dick", "modelId": "\'$MODEL\'", "language": "English"}\'',
        {"PROJECT": "id"},
    ),
    "insertBlocks": Example(
        f'curl $API/projects/$PROJECT/blocks -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"blocks": [{"text": "Call me Ishmael."}]}\'',
        {"BLOCK": "list.0.id"},
    ),
    "listProjects": Example('curl "$API/projects?limit=1" -H "$AUTH"'),
    "getProject": Example('curl $API/projects/$PROJECT -H "$AUTH"'),
    "updateProject": Example(
        f'curl -X PATCH $API/projects/$PROJECT -H "$AUTH" {_JSON} -H \'If-Match: "2"\' \\\n'
        "  -d '{\"speed\": 0.9}'"
    ),
    "listBlocks": Example('curl "$API/projects/$PROJECT/blocks?limit=100" -H "$AUTH"'),
    "getBlock": Example('curl $API/projects/$PROJECT/blocks/$BLOCK -H "$AUTH"'),
    "updateBlock": Example(
        f'curl -X PATCH $API/projects/$PROJECT/blocks/$BLOCK -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"text": "Call me Ahab.", "emotion": "angry"}\''
    ),
    "createTake": Example(
        f"curl $API/projects/$PROJECT/blocks/$BLOCK/takes -H \"$AUTH\" {_JSON} -d '{{}}'",
        {"TAKE": "id"},
        waits=True,
    ),
    "recordProject": Example(f"curl $API/projects/$PROJECT/takes -H \"$AUTH\" {_JSON} -d '{{}}'"),
    "listTakes": Example('curl $API/projects/$PROJECT/blocks/$BLOCK/takes -H "$AUTH"'),
    "getTake": Example('curl $API/projects/$PROJECT/takes/$TAKE -H "$AUTH"'),
    "createRender": Example(
        f'curl $API/projects/$PROJECT/renders -H "$AUTH" {_JSON} -d \'{{"format": "mp3"}}\'',
        {"RENDER": "id"},
        waits=True,
    ),
    "listRenders": Example('curl $API/projects/$PROJECT/renders -H "$AUTH"'),
    "getRender": Example('curl $API/projects/$PROJECT/renders/$RENDER -H "$AUTH"'),
    "deleteTake": Example(
        'curl -sS -X DELETE $API/projects/$PROJECT/takes/$TAKE -H "$AUTH" -w "%{http_code}"'
    ),
    "deleteBlock": Example(
        'curl -sS -X DELETE $API/projects/$PROJECT/blocks/$BLOCK -H "$AUTH" -w "%{http_code}"'
    ),
    "restoreBlock": Example(
        'curl -X POST $API/projects/$PROJECT/blocks/$BLOCK/restoration -H "$AUTH"'
    ),
    "putProjectPronunciations": Example(
        f'curl -X PUT $API/projects/$PROJECT/pronunciations -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"entries": [{"written": "Nguyen", "spoken": "win"}]}\''
    ),
    "getProjectPronunciations": Example('curl $API/projects/$PROJECT/pronunciations -H "$AUTH"'),
    "deleteProjectPronunciations": Example(
        'curl -X DELETE $API/projects/$PROJECT/pronunciations -H "$AUTH"'
    ),
    "deleteProject": Example(
        'curl -sS -X DELETE $API/projects/$PROJECT -H "$AUTH" -w "%{http_code}"'
    ),
    "cancelSoundCloneTask": Example('curl -X DELETE $API/audios/$TASK -H "$AUTH"'),
    "deleteSoundCloneResult": Example(
        'curl -sS -X DELETE $API/audios/$TASK/result -H "$AUTH" -w "%{http_code}"'
    ),
    "listSoundCloneTasks": Example('curl "$API/audios?status=completed&limit=1" -H "$AUTH"'),
    "renameVoice": Example(
        f'curl -X PATCH $API/voices/$MODEL -H "$AUTH" {_JSON} -d \'{{"name": "Anna"}}\''
    ),
    "listVoices": Example('curl $API/voices -H "$AUTH"'),
    "listLanguages": Example('curl $API/languages -H "$AUTH"'),
    "getUserBalance": Example('curl $API/user/balance -H "$AUTH"'),
    "getKeyBalance": Example('curl $API/key/balance -H "$AUTH"'),
    "createSignInLink": Example('curl -X POST $API/sign-in-links -H "$AUTH"'),
    "getModelCatalog": Example("curl '127.0.0.1:8000/api/openapi/model/catalog?search=audio'"),
    "getHealth": Example("curl $SITE/healthz"),
    "getReadiness": Example("curl $SITE/readyz"),
    "verify": Example("curl $SITE/verify -F file=@examples/recording.mp3"),
    "listModels": Example('curl $SITE/v1/models -H "$AUTH"'),
    "listAudioModels": Example('curl $SITE/v1/audio/models -H "$AUTH"'),
    "getModel": Example('curl $SITE/v1/models/tts-1 -H "$AUTH"'),
    "createVoiceConsent": Example(
        'curl $SITE/v1/audio/voice_consents -H "$AUTH" -F name="Anna agrees" -F language=en \\\n'
        "  -F recording=@examples/recording.mp3",
        {"CONSENT": "id"},
    ),
    "listVoiceConsents": Example('curl "$SITE/v1/audio/voice_consents?limit=1" -H "$AUTH"'),
    "getVoiceConsent": Example('curl $SITE/v1/audio/voice_consents/$CONSENT -H "$AUTH"'),
    "updateVoiceConsent": Example(
        f'curl $SITE/v1/audio/voice_consents/$CONSENT -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"name": "Anna, 2026"}\''
    ),
    "createVoice": Example(
        'curl $SITE/v1/audio/voices -H "$AUTH" -F name=Berta -F consent=$CONSENT \\\n'
        "  -F audio_sample=@examples/recording.mp3",
        {"VOICE": "id"},
    ),
    "listOpenAIVoices": Example('curl "$SITE/v1/audio/voices?limit=1" -H "$AUTH"'),
    "getOpenAIVoice": Example('curl $SITE/v1/audio/voices/$VOICE -H "$AUTH"'),
    "createSpeech": Example(
        f'curl -sS $SITE/v1/audio/speech -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"model": "tts-1", "voice": "Berta", "input": "Good morning."}\' \\\n'
        '  -o speech.mp3 -w "%{http_code} %{content_type}"'
    ),
    "minimaxUploadFile": Example(
        'curl $SITE/minimax/v1/files/upload -H "$AUTH" -F purpose=voice_clone \\\n'
        "  -F file=@examples/recording.mp3",
        {"FILE": "file.file_id"},
    ),
    "minimaxListFiles": Example(
        'curl "$SITE/minimax/v1/files/list?purpose=voice_clone" -H "$AUTH"'
    ),
    "minimaxGetFile": Example('curl "$SITE/minimax/v1/files/retrieve?file_id=$FILE" -H "$AUTH"'),
    "minimaxGetFileContent": Example(
        'curl -sS "$SITE/minimax/v1/files/retrieve_content?file_id=$FILE" -H "$AUTH" \\\n'
        '  -o copy.mp3 -w "%{http_code} %{content_type}"'
    ),
    "minimaxCloneVoice": Example(
        f'curl $SITE/minimax/v1/voice_clone -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"file_id": \'$FILE\', "voice_id": "Clara-voice-1", "text": "Hello, it is me."}\''
    ),
    "minimaxListVoices": Example(
        f'curl $SITE/minimax/v1/get_voice -H "$AUTH" {_JSON} -d \'{{"voice_type": "all"}}\''
    ),
    "minimaxSpeakLater": Example(
        f'curl $SITE/minimax/v1/t2a_async_v2 -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"model": "speech-2.8-hd", "text": "Once upon a time.",\n'
        '       "voice_setting": {"voice_id": "Clara-voice-1"}}\'',
        {"LATER": "task_id"},
    ),
    "minimaxSpeak": Example(
        f'curl $SITE/minimax/v1/t2a_v2 -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"model": "speech-2.8-hd", "text": "Good morning.", "output_format": "url",\n'
        '       "voice_setting": {"voice_id": "Clara-voice-1"}, "subtitle_enable": true}\'',
        {"TITLES": "subtitle_file"},
    ),
    "minimaxDownload": Example('curl "$TITLES"'),
    "minimaxQuerySpeech": Example(
        'curl "$SITE/minimax/v1/query/t2a_async_query_v2?task_id=$LATER" -H "$AUTH"'
    ),
    "minimaxQuerySpeechByBody": Example(
        f'curl $SITE/minimax/v1/query/t2a_async_query_v2 -H "$AUTH" {_JSON} \\\n'
        "  -d '{\"task_id\": '$LATER'}'"
    ),
    "minimaxGetRemains": Example('curl $SITE/minimax/v1/token_plan/remains -H "$AUTH"'),
    "minimaxDesignVoice": Example(
        f'curl $SITE/minimax/v1/voice_design -H "$AUTH" {_JSON} -d \'{{"prompt": "An old man"}}\''
    ),
    "minimaxDeleteFile": Example(
        f"curl $SITE/minimax/v1/files/delete -H \"$AUTH\" {_JSON} -d '{{\"file_id\": '$FILE'}}'"
    ),
    "deleteOpenAIVoice": Example('curl -X DELETE $SITE/v1/audio/voices/$VOICE -H "$AUTH"'),
    "deleteVoiceConsent": Example(
        'curl -X DELETE $SITE/v1/audio/voice_consents/$CONSENT -H "$AUTH"'
    ),
    "minimaxDeleteVoice": Example(
        f'curl $SITE/minimax/v1/delete_voice -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"voice_type": "voice_cloning", "voice_id": "Clara-voice-1"}\''
    ),
    "listElevenLabsModels": Example(
        f'curl $SITE/elevenlabs/v1/models {_KEY} | grep -o \'"model_id":"[^"]*"\''
    ),
    "addElevenLabsVoice": Example(
        f"curl $SITE/elevenlabs/v1/voices/add {_KEY} -F name=Clara \\\n"
        "  -F files=@examples/recording.mp3",
        {"ELEVEN": "voice_id"},
    ),
    "listElevenLabsVoices": Example(f"curl $SITE/elevenlabs/v1/voices {_KEY}"),
    "searchElevenLabsVoices": Example(f'curl "$SITE/elevenlabs/v2/voices?search=clara" {_KEY}'),
    "getElevenLabsVoice": Example(f"curl $SITE/elevenlabs/v1/voices/$ELEVEN {_KEY}"),
    "editElevenLabsVoice": Example(
        f"curl $SITE/elevenlabs/v1/voices/$ELEVEN/edit {_KEY} -F name=Cora"
    ),
    "getDefaultElevenLabsSettings": Example(
        f"curl $SITE/elevenlabs/v1/voices/settings/default {_KEY}"
    ),
    "getElevenLabsSettings": Example(f"curl $SITE/elevenlabs/v1/voices/$ELEVEN/settings {_KEY}"),
    "editElevenLabsSettings": Example(
        f"curl $SITE/elevenlabs/v1/voices/$ELEVEN/settings/edit {_KEY} {_JSON} \\\n"
        "  -d '{\"stability\": 0.5}'"
    ),
    "getElevenLabsSample": Example(
        f"curl -sS $SITE/elevenlabs/v1/voices/$ELEVEN/samples/${{ELEVEN/model/sample}}/audio {_KEY}"
        ' \\\n  -o sample.flac -w "%{http_code} %{content_type}"'
    ),
    "elevenLabsSpeech": Example(
        f"curl -sS $SITE/elevenlabs/v1/text-to-speech/$ELEVEN {_KEY} {_JSON} \\\n"
        '  -d \'{"text": "Good morning."}\' -o speech.mp3 -w "%{http_code} %{content_type}"'
    ),
    "elevenLabsSpeechStream": Example(
        "curl -sS "
        f'"$SITE/elevenlabs/v1/text-to-speech/$ELEVEN/stream?output_format=pcm_16000" {_KEY} \\\n'
        f'  {_JSON} -d \'{{"text": "Good morning."}}\' -o speech.pcm \\\n'
        '  -w "%{http_code} %{content_type}"'
    ),
    "elevenLabsConversion": Example(
        f"curl -sS $SITE/elevenlabs/v1/speech-to-speech/$ELEVEN {_KEY} \\\n"
        '  -F audio=@examples/recording.mp3 -o converted.mp3 -w "%{http_code} %{content_type}"'
    ),
    "elevenLabsConversionStream": Example(
        "curl -sS "
        f'"$SITE/elevenlabs/v1/speech-to-speech/$ELEVEN/stream?output_format=pcm_16000" {_KEY} \\\n'
        "  -F audio=@examples/recording.mp3 -o converted.pcm \\\n"
        '  -w "%{http_code} %{content_type}"'
    ),
    "elevenLabsTimedSpeech": Example(
        f"curl -sS $SITE/elevenlabs/v1/text-to-speech/$ELEVEN/with-timestamps {_KEY} {_JSON} \\\n"
        '  -d \'{"text": "Good."}\' | grep -o \'"normalized_alignment":.*\''
    ),
    "elevenLabsTimedStream": Example(
        f"curl -sS $SITE/elevenlabs/v1/text-to-speech/$ELEVEN/stream/with-timestamps {_KEY} \\\n"
        f'  {_JSON} -d \'{{"text": "Good."}}\' | grep -o \'"normalized_alignment":.*\''
    ),
    "getElevenLabsUser": Example(f"curl $SITE/elevenlabs/v1/user {_KEY}"),
    "getElevenLabsSubscription": Example(f"curl $SITE/elevenlabs/v1/user/subscription {_KEY}"),
    "listElevenLabsHistory": Example(
        f'curl "$SITE/elevenlabs/v1/history?page_size=1" {_KEY}', {"ITEM": "last_history_item_id"}
    ),
    "getElevenLabsUsage": Example(
        f'curl "$SITE/elevenlabs/v1/usage/character-stats?start_unix=$(date -d yesterday +%s)000'
        f'&end_unix=$(date +%s)000" {_KEY}'
    ),
    "downloadElevenLabsHistory": Example(
        f"curl -sS $SITE/elevenlabs/v1/history/download {_KEY} {_JSON} \\\n"
        '  -d "{\\"history_item_ids\\": [\\"$ITEM\\"]}" -o item.mp3'
    ),
    "getElevenLabsHistoryItem": Example(f"curl $SITE/elevenlabs/v1/history/$ITEM {_KEY}"),
    "getElevenLabsHistoryAudio": Example(
        f"curl -sS $SITE/elevenlabs/v1/history/$ITEM/audio {_KEY} \\\n"
        '  -o speech.mp3 -w "%{http_code} %{content_type}"'
    ),
    "deleteElevenLabsHistoryItem": Example(
        f"curl -X DELETE $SITE/elevenlabs/v1/history/$ITEM {_KEY}"
    ),
    "deleteElevenLabsVoice": Example(f"curl -X DELETE $SITE/elevenlabs/v1/voices/$ELEVEN {_KEY}"),
    "deleteVoice": Example('curl -X DELETE $API/voices/$MODEL -H "$AUTH"'),
    "withdrawConsent": Example('curl -X DELETE $API/voices/$MODEL/consent -H "$AUTH"'),
    "getAccount": Example('curl $API/account -H "$AUTH"', {"ACCOUNT": "id"}),
    "updateAccount": Example(
        f'curl -X PATCH $API/account -H "$AUTH" {_JSON} -d \'{{"lowBalance": 20}}\''
    ),
    "putPronunciations": Example(
        f'curl -X PUT $API/pronunciations -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"entries": [{"written": "Nguyen", "spoken": "nwin", "language": "English"}]}\''
    ),
    "getPronunciations": Example('curl $API/pronunciations -H "$AUTH"'),
    "deletePronunciations": Example('curl -X DELETE $API/pronunciations -H "$AUTH"'),
    "createWebhook": Example(
        f'curl $API/webhooks -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"url": "https://example.com/hooks", "events": ["task.succeeded"]}\'',
        {"HOOK": "id"},
    ),
    "listWebhooks": Example('curl $API/webhooks -H "$AUTH"'),
    "getWebhook": Example('curl $API/webhooks/$HOOK -H "$AUTH"'),
    "updateWebhook": Example(
        f'curl -X PATCH $API/webhooks/$HOOK -H "$AUTH" {_JSON} -d \'{{"description": "pager"}}\''
    ),
    "rotateWebhookSecret": Example(
        'curl -X POST "$API/webhooks/$HOOK/rotation?overlapHours=48" -H "$AUTH"'
    ),
    "testWebhook": Example('curl -X POST $API/webhooks/$HOOK/test -H "$AUTH"', {"DELIVERY": "id"}),
    "listWebhookDeliveries": Example('curl "$API/webhook-deliveries?webhook=$HOOK" -H "$AUTH"'),
    "getWebhookDelivery": Example('curl $API/webhook-deliveries/$DELIVERY -H "$AUTH"'),
    "replayWebhookDelivery": Example(
        'curl -X POST $API/webhook-deliveries/$DELIVERY/replay -H "$AUTH"'
    ),
    "deleteWebhook": Example('curl -X DELETE $API/webhooks/$HOOK -H "$AUTH"'),
    "listKeys": Example('curl $API/keys -H "$AUTH"'),
    "createKey": Example(
        f'curl $API/keys -H "$AUTH" {_JSON} \\\n'
        '  -d \'{"name": "announcer", "scopes": ["read", "speak"]}\'',
        {"KEY": "id"},
    ),
    "rotateKey": Example('curl -X POST "$API/keys/$KEY/rotation?overlapHours=48" -H "$AUTH"'),
    "revokeKey": Example('curl -X DELETE $API/keys/$KEY -H "$AUTH"'),
    "exportAccount": Example(
        'curl -sS -OJ $API/account/export -H "$AUTH" -w "%{http_code} %{content_type}"'
    ),
    # The last one, because the key no longer works afterwards.
    "eraseAccount": Example('curl -X DELETE "$API/account?confirm=$ACCOUNT" -H "$AUTH"'),
}


def answers(folder: Path) -> dict[str, Answer]:
    """Start a service that keeps what it has in `folder`, and run the examples in their order."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    site = f"http://127.0.0.1:{port}"
    environment = os.environ | {"SOUNDCLONE_DATA_DIR": str(folder / "data")}
    soundclone = [sys.executable, "-m", "soundclone"]
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            [*soundclone, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            _until_ready(site, service)
            made = subprocess.check_output(
                [*soundclone, "keys", "create", "--name", "alice", "--credit", "100", "--json"],
                env=environment,
            )
            return _run(site, json.loads(made)["key"], folder)
        finally:
            service.terminate()
            service.wait(60)


def _until_ready(site: str, service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{site}/readyz", timeout=5).close()
            return
        except OSError:
            if service.poll() is not None or time.monotonic() > deadline:
                sys.exit("the service for the examples did not start")
            time.sleep(0.2)


def _run(site: str, key: str, folder: Path) -> dict[str, Answer]:
    kept: dict[str, str] = {}
    found = {}

    def shell(command: str) -> str:
        text = f"{PREAMBLE}\n{command}".replace("127.0.0.1:8000", site.removeprefix("http://"))
        done = subprocess.run(
            [
                "bash",
                "-euo",
                "pipefail",
                "-c",
                text.replace("sk_…", key).replace("curl", "curl -fsS"),
            ],
            env=os.environ | kept,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            sys.exit(f"this example fails: {command}\n{done.stderr}")
        return done.stdout

    (folder / "examples").symlink_to(ROOT / "examples")
    for name, example in EXAMPLES.items():
        text = shell(example.command)
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict):  # text, or the number of lines that grep counted
            found[name] = Answer("text", text)
            continue
        if data.get("code", 20000) != 20000:
            sys.exit(f"this example is refused: {example.command}\n{text}")
        shown = json.dumps(_short(data), ensure_ascii=False, indent=2)
        shown = re.sub("sk_[0-9A-Za-z]{43}", "sk_…", shown)
        found[name] = Answer("json", shown.replace(site, SHOWN))
        task = data.get("data", data) if example.keeps else {}
        while example.waits and task["status"] in ("queued", "processing"):
            time.sleep(0.3)
            own = {name: task[name] for name in ("id", "taskId") if name in task}
            polled = own.get("taskId", own["id"])
            task = json.loads(shell(f'curl $API/audios/{polled} -H "$AUTH"'))["data"] | own
        kept |= {variable: _at(task, where) for variable, where in example.keeps.items()}
    return found


def _at(data: Any, where: str) -> str:
    """Return the value at a path of names with dots between."""
    for name in where.split("."):
        data = data[int(name) if name.isdigit() else name]
    return str(data)


def _short(value: Any) -> Any:
    """Shorten a response: lists to their first item, signatures to their first characters."""
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_short(each) for each in value[:1]]
    if isinstance(value, str):
        return re.sub(r"((?:signature|link)=[^&]{8})[^&]+", r"\1…", value)
    return value
