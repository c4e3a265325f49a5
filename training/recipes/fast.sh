#!/usr/bin/env bash
# The fast captioner from nothing: a MobileNetV2 learns from people's sentences, and from what a larger captioner says; an hour and a quarter on one core:
#   training/recipes/fast.sh DATA WEIGHTS TEACHER OUT
# DATA holds flickr8k/ and scenes/ (their SOURCES.txt say what is in them), WEIGHTS is a file of MobileNetV2's ImageNet weights, TEACHER is the bundle that
# teaches (accurate is the one that ships), OUT is the new bundle. It writes what the teacher says of the train photos to DATA/taught.
# Run it again after an interruption: it goes on. What it comes to: docs/decisions/2026-11-30-a-fast-captioner.md.
set -euo pipefail
[ $# -eq 4 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
data=$(realpath -m -- "$1") weights=$(realpath -m -- "$2") teacher=$3 out=$(realpath -m -- "$4")
[ -e "$teacher" ] && teacher=$(realpath -m -- "$teacher")
cd "$(dirname "$0")/../.."
text=$data/flickr8k/Flickr8k_text
mkdir -p "$data/taught"

for captions in "en=$text/Flickr8k.token.txt" "zh=$text/Flickr8kCN.token.txt"; do
  file=$data/taught/flickr8k-${captions%%=*}.csv
  [ -e "$file" ] || .venv/bin/python -m training.teach --alone --captions "$captions" --photos "$data/flickr8k/Flickr8k_Dataset" --teachers "$teacher" --out "$file"
done
grep -e '^image,' -e '^COCO_' "$data/scenes/models.csv" >"$data/taught/models-coco.csv"
grep -v '^COCO_' "$data/scenes/models.csv" >"$data/taught/models-others.csv"

.venv/bin/python -m training training/recipes/fast-words.toml --data "$data" --weights "$weights"
.venv/bin/python -m training training/recipes/fast-tuned.toml --data "$data" --start runs/fast-words/frozen.pt
.venv/bin/python -m export runs/fast-tuned/fine-tuned.pt --data "$data" --out "$out" --name edge-caption-fast --sure 0.06
