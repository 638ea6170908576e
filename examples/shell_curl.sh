#!/bin/sh
# curl alone: paint, change, fetch what came as a URL.
set -eu
url=${PINXIT_URL:-http://127.0.0.1:8000}
key=${PINXIT_KEY:-none}
model=illustrator/scene-1

# What an answer says first is its pictures' base64, or their URLs.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

curl -fsS "$url/v1/images/generations" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
  -d '{"model": "'$model'", "prompt": "a red fox in the snow", "size": "512x512", "retry": {"count": 2}}' |
  field b64_json | base64 -d > fox.png

hat=$(curl -fsS "$url/v1/images/edits" -H "Authorization: Bearer $key" \
  -F model=$model -F image=@fox.png -F prompt='add a hat' -F size=512x512 -F response_format=url \
  -F 'retry[count]=2' -F 'fallbacks[][model]=illustrator/scene-1' | field url)
curl -fsS "$hat" -o fox-with-hat.png
