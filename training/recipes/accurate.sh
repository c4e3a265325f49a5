#!/usr/bin/env bash
# The accurate captioner from nothing: flickr8k.sh, then home.sh; five hours on 2 CPU cores:
#   training/recipes/accurate.sh DATA OUT
# DATA holds flickr8k/ and scenes/ (their SOURCES.txt say what is in them), OUT is the new bundle. The first bundle stays beside it, as OUT-flickr8k.
# Run it again after an interruption: it goes on.
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
recipes=$(dirname "$0")
[ -e "$2-flickr8k" ] || "$recipes/flickr8k.sh" "$1/flickr8k" "$2-flickr8k"
exec "$recipes/home.sh" "$1" "$2-flickr8k" "$2"
