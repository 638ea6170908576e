// OpenAI's client for Node: paint, change, watch it being painted.
import { createReadStream, writeFileSync } from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: `${process.env.PINXIT_URL ?? "http://127.0.0.1:8000"}/v1`,
  apiKey: process.env.PINXIT_KEY ?? "none",
});
const model = "illustrator/scene-1";
const save = (name, text) => writeFileSync(name, Buffer.from(text, "base64"));

const painted = await client.images.generate({
  model,
  prompt: "a red fox in the snow",
  size: "512x512",
  fallbacks: [{ model }], // what OpenAI's API lacks may simply be written down
  retry: { count: 2, on_codes: [429, 503] },
});
save("fox.png", painted.data[0].b64_json);

const changed = await client.images.edit({
  model,
  prompt: "add a hat",
  image: createReadStream("fox.png"),
  size: "512x512",
  fallbacks: [{ model }],
});
save("fox-with-hat.png", changed.data[0].b64_json);

const varied = await client.images.createVariation({
  model,
  image: createReadStream("fox.png"),
  size: "256x256",
  response_format: "b64_json",
});
save("another-fox.png", varied.data[0].b64_json);

const events = await client.images.generate({
  model,
  prompt: "a harbour at dawn",
  size: "512x512",
  stream: true,
  partial_images: 2,
});
for await (const event of events) {
  const partial = event.type === "image_generation.partial_image";
  save(partial ? `harbour-${event.partial_image_index}.png` : "harbour.png", event.b64_json);
}
