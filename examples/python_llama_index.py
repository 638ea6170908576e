"""LlamaIndex's tool for agents that shall paint. It knows `dall-e-2` and `dall-e-3` only."""

import os
from pathlib import Path

# The tool takes a key and no address; OpenAI's client below it reads this one.
os.environ["OPENAI_BASE_URL"] = os.environ.get("PINXIT_URL", "http://127.0.0.1:8000") + "/v1"

from llama_index.tools.openai.image_generation.base import OpenAIImageGenerationToolSpec

spec = OpenAIImageGenerationToolSpec(api_key=os.environ.get("PINXIT_KEY", "none"), cache_dir=".")
(tool,) = spec.to_tool_list()  # what an agent is given

# A route in pinxit.toml says who paints for `dall-e-3`, which the tool asks for.
(file,) = tool.call(text="a llama in the snow", download=True).raw_output
Path(file).rename("llama.png")
