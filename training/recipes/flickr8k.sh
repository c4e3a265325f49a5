#!/usr/bin/env bash
# From nothing to a bundle as good as version 4.1, which with this one taught the one that ships; in three hours on 2 CPU cores:
#   training/recipes/flickr8k.sh FLICKR8K OUT
# FLICKR8K holds Flickr8k_text/ (with Flickr8kCN.token.txt, the Chinese sentences) and Flickr8k_Dataset/, OUT is the new bundle.
# The encoder's ImageNet weights come with scripts/setup. Run it again after an interruption: it goes on.
# What it comes to: docs/training-history.md.
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
flickr8k=$(realpath -m -- "$1") out=$(realpath -m -- "$2")
cd "$(dirname "$0")/../.."
en=$flickr8k/Flickr8k_text/Flickr8k.token.txt zh=$flickr8k/Flickr8k_text/Flickr8kCN.token.txt photos=$flickr8k/Flickr8k_Dataset
terms="research and education; cite Hodosh et al. 2013 and, for the Chinese sentences, Li et al. 2016; photographs not redistributed"
data="Flickr8k and Flickr8K-CN"

train() {  # RECIPE NAME ENGLISH CHINESE [OPTIONS]
  .venv/bin/python -m training "training/recipes/$1.toml" --captions "$3" "zh=$4" --photos "$photos" --name "$2" --terms "$terms" "${@:5}"
}

teach() {  # OUT CHECKPOINT...: people's sentences and the teachers', OUT-en.csv and OUT-zh.csv
  for captions in "en=$en" "zh=$zh"; do
    file=$1-${captions%%=*}.csv
    [ -e "$file" ] || .venv/bin/python -m training.teach --captions "$captions" --photos "$photos" --out "$file" --teachers "${@:2}"
  done
}

first=runs/flickr8k-self-critical/self-critical.pt wide=runs/flickr8k-teacher/frozen.pt
train flickr8k "$data" "$en" "$zh"
train flickr8k-self-critical "$data" "$en" "$zh" --start runs/flickr8k/fine-tuned.pt
teach runs/flickr8k-self-critical/taught "$first"
data+=", and what earlier captioners said of their train photos"
train flickr8k-teacher "$data" runs/flickr8k-self-critical/taught-en.csv runs/flickr8k-self-critical/taught-zh.csv --weights "$first"
teach runs/flickr8k-teacher/taught "$wide" "$first"
train flickr8k-taught "$data" runs/flickr8k-teacher/taught-en.csv runs/flickr8k-teacher/taught-zh.csv --weights "$first"
train flickr8k-rewarded "$data" "$en" "$zh" --start runs/flickr8k-taught/fine-tuned.pt
.venv/bin/python -m export runs/flickr8k-rewarded/rewarded.pt --captions "$en" "zh=$zh" --photos "$photos" --out "$out" --name edge-caption-flickr8k
