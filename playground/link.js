// Everything is in the link: the state of the page, compressed, behind the #. Servers never see that part.

async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

export async function toFragment(state) {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(JSON.stringify(state)));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return "1" + btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The state of a link, or null where there is none. Throws where the link was cut or is of a later form.
export async function fromFragment(fragment) {
  const text = fragment.replace(/^#/, "");
  if (!text) return null;
  if (text[0] !== "1") throw new Error("form");
  const binary = atob(text.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  const state = JSON.parse(new TextDecoder().decode(await through(new DecompressionStream("deflate-raw"), bytes)));
  if (typeof state?.spec !== "string") throw new Error("form");
  return state;
}
