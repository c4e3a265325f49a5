#!/usr/bin/env bash
# A captioner for homes from a bundle that knows Flickr8k, and photos of rooms, streets, food and animals; an hour and a half on one core:
#   training/recipes/home.sh DATA BUNDLE OUT
# DATA holds flickr8k/ and scenes/ (their SOURCES.txt say what is in them), BUNDLE is where it begins (flickr8k.sh makes one), OUT is the new bundle.
# It writes what captioners say of the train photos to DATA/taught. Run it again after an interruption: it goes on.
# What it comes to: docs/decisions/2026-11-28-a-captioner-for-homes.md.
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
data=$(realpath -m -- "$1") bundle=$(realpath -m -- "$2") out=$(realpath -m -- "$3")
cd "$(dirname "$0")/../.."
text=$data/flickr8k/Flickr8k_text
mkdir -p "$data/taught"

for captions in "en=$text/Flickr8k.token.txt" "zh=$text/Flickr8kCN.token.txt"; do
  file=$data/taught/alone-${captions%%=*}.csv
  [ -e "$file" ] || .venv/bin/python -m training.teach --alone --captions "$captions" --photos "$data/flickr8k/Flickr8k_Dataset" --teachers "$bundle" --out "$file"
done
grep -e '^image,' -e '^COCO_' "$data/scenes/models.csv" >"$data/taught/models-coco.csv"
grep -v '^COCO_' "$data/scenes/models.csv" >"$data/taught/models-others.csv"

.venv/bin/python -m training training/recipes/home-words.toml --data "$data" --start "$bundle"
.venv/bin/python -m training training/recipes/home-tuned.toml --data "$data" --start runs/home-words/frozen.pt
.venv/bin/python -m training training/recipes/home.toml --data "$data" --start runs/home-tuned/fine-tuned.pt
.venv/bin/python -m export runs/home/decoder.pt --data "$data" --out "$out" --name edge-caption-home --sure 0.06
