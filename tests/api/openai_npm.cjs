// Calls of OpenAI's package for Node.js. Prints a JSON array of [name, result or error].
const OpenAI = require("openai");

const [, , url, key] = process.argv;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk_wrong", maxRetries: 0 });
const speech = { model: "tts-1", voice: "Anna", input: "Good morning." };

async function bytes(body) {
  const answer = await client.audio.speech.create(body);
  return [answer.headers.get("content-type"), (await answer.arrayBuffer()).byteLength];
}

async function events() {
  const answer = await client.audio.speech.create({ ...speech, stream_format: "sse" });
  const lines = (await answer.text()).split("\n").filter((line) => line.startsWith("data: "));
  return lines.map((line) => JSON.parse(line.slice(6)).type).at(-1);
}

async function first() {
  const abort = new AbortController();
  const body = { ...speech, input: "Speak this slowly. It must not be spoken to its end." };
  const answer = await client.audio.speech.create(body, { signal: abort.signal });
  const part = await answer.body.getReader().read();
  abort.abort();
  return part.value.byteLength > 0;
}

const calls = {
  models: async () => (await client.models.list()).data.map((model) => model.id),
  model: async () => (await client.models.retrieve("tts-1")).id,
  speech: () => bytes(speech),
  voice: async () => {
    const [{ id }] = (await client.get("/audio/voices")).voices;
    return bytes({ ...speech, voice: { id } });
  },
  events,
  first,
  voices: async () => (await client.get("/audio/voices")).voices.map((voice) => voice.name),
  nobody: () => bytes({ ...speech, voice: "nobody" }),
  speed: () => bytes({ ...speech, speed: 9 }),
  unknown: () => bytes({ ...speech, model: "gpt-9" }),
  stranger: () => stranger.models.list(),
  chat: () => client.chat.completions.create({ model: "x", messages: [] }),
};

(async () => {
  const found = [];
  for (const [name, call] of Object.entries(calls)) {
    try {
      found.push([name, await call()]);
    } catch (error) {
      found.push([name, [error.constructor.name, error.status, error.code, error.message]]);
    }
  }
  console.log(JSON.stringify(found));
})();
