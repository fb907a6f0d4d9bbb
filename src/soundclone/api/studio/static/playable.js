// Sounds that every browser plays.

// Firefox takes a FLAC file with a tag before its first byte for an MP3 file, and cannot play it.
// The Content Credentials of the service's FLAC files are in such a tag (ID3).
export async function playable(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(response.statusText);
  const file = await response.blob();
  const head = new Uint8Array(await file.slice(0, 10).arrayBuffer());
  if (String.fromCharCode(...head.subarray(0, 3)) !== "ID3") return file;
  const length = 10 + head.subarray(6).reduce((sum, byte) => 128 * sum + byte, 0);
  const isFlac = (await file.slice(length, length + 4).text()) === "fLaC";
  return isFlac ? file.slice(length, file.size, "audio/flac") : file;
}
