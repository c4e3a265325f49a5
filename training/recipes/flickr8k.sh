#!/usr/bin/env bash
# Train and export the bundle that ships, from nothing:
#   training/recipes/flickr8k.sh FLICKR8K OUT
# FLICKR8K holds Flickr8k_text/ (with Flickr8kCN.token.txt, the Chinese sentences) and Flickr8k_Dataset/, OUT is the new bundle.
# The encoder's ImageNet weights come with scripts/setup. Run it again after an interruption: it goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -eq 2 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
captions=(--captions "$1/Flickr8k_text/Flickr8k.token.txt" "zh=$1/Flickr8k_text/Flickr8kCN.token.txt")
data=("${captions[@]}" --photos "$1/Flickr8k_Dataset")
terms="research and education; cite Hodosh et al. 2013 and, for the Chinese sentences, Li et al. 2016; photographs not redistributed"
.venv/bin/python -m training training/recipes/flickr8k.toml "${data[@]}" --name "Flickr8k and Flickr8K-CN" --terms "$terms"
.venv/bin/python -m export runs/flickr8k/slower.pt "${data[@]}" --out "$2" --name edge-caption-flickr8k --version 3
