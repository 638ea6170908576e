// Vercel's AI SDK with its provider for OpenAI.
import { readFileSync, writeFileSync } from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { generateImage } from "ai";

const pinxit = createOpenAI({
  baseURL: `${process.env.PINXIT_URL ?? "http://127.0.0.1:8000"}/v1`,
  apiKey: process.env.PINXIT_KEY ?? "none",
});
const model = pinxit.image("illustrator/scene-1");

const painted = await generateImage({
  model,
  prompt: "a red fox in the snow",
  size: "512x512",
  providerOptions: { openai: { quality: "high", background: "opaque" } },
});
writeFileSync("fox.png", painted.image.uint8Array);

const changed = await generateImage({
  model,
  prompt: { text: "add a hat", images: [readFileSync("fox.png")] },
  size: "512x512",
});
writeFileSync("fox-with-hat.png", changed.image.uint8Array);
