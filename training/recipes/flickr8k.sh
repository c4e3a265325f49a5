#!/usr/bin/env bash
# Train and export the bundle that ships, from nothing:
#   training/recipes/flickr8k.sh FLICKR8K WEIGHTS OUT
# FLICKR8K holds Flickr8k_text/ and Flickr8k_Dataset/, WEIGHTS is MobileNetV2's state dict (torchvision's names), OUT the new
# bundle. Run it again after an interruption: it goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -eq 3 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
data=(--captions "$1/Flickr8k_text/Flickr8k.token.txt" --photos "$1/Flickr8k_Dataset")
terms="research and education; cite Hodosh et al. 2013; photographs not redistributed"
.venv/bin/python -m training training/recipes/flickr8k.toml "${data[@]}" --weights "$2" --name Flickr8k --terms "$terms"
.venv/bin/python -m export runs/flickr8k/with-bleu.pt "${data[@]}" --out "$3" --name edge-caption-flickr8k --version 2
