#!/bin/sh
# Trains memory weights over a model in three stages, on the texts that data.js wrote, and puts them where the package looks for them:
#
#   npm run --silent build && node experiments/memory/data.js --work WORK && experiments/memory/train.sh WORK
#
#   MODEL=prag-mini  OUT=models/prag-mini-memory  THREADS=2
#   PRETRAIN=25 SFT=8 RLGF=4     minutes of updates of each stage; the learning rate falls by them
#   WINDOW=128 WINDOWS=4 BATCH=4 of pre-training
#
# Interrupted (Ctrl-C, kill -9), the same call goes on from the last twenty updates; done stages are passed over. Texts are read
# anew by each call, and sampling clues for the third stage is not counted in its minutes.
set -eu
work=${1:?"usage: train.sh WORK (the folder that data.js wrote)"}
root=$(cd "$(dirname "$0")/../.." && pwd)
model=${MODEL:-prag-mini}
out=${OUT:-$root/models/prag-mini-memory}

prag() {
  node "$root/bin/prag.js" "$@" --model "$model" --threads "${THREADS:-2}" --data-folder "$work/.prag"
}

prag memory train --stage pretrain --data "$work/pretrain" --out "$work/stage-1" \
  --window "${WINDOW:-128}" --windows "${WINDOWS:-4}" --batch "${BATCH:-4}" --ratios 2,4,8,16,32 \
  --minutes "${PRETRAIN:-25}"

for set in clues reward measure; do
  [ -f "$work/$set.jsonl" ] ||
    prag memory clues "$work/$set/articles.jsonl" --questions "$work/$set/questions.jsonl" --words 200 --out "$work/$set.jsonl"
done

prag memory train --stage sft --data "$work/clues.jsonl,$work/planted-clues.jsonl" --from "$work/stage-1" --out "$work/stage-2" \
  --ratios 2,4,8 --minutes "${SFT:-8}"

# Clues are sampled at the first ratio.
prag memory train --stage rlgf --data "$work/reward.jsonl" --from "$work/stage-2" --out "$work/stage-3" \
  --ratios 4,2,8 --samples 4 --updates 60 --minutes "${RLGF:-4}"

mkdir -p "$out"
cp "$work/stage-3/model.safetensors" "$work/stage-3/config.json" "$out"
for stage in 1 2 3; do cp "$work/stage-$stage/training.jsonl" "$root/experiments/memory/training-$stage.jsonl"; done
echo "weights in $out, losses in experiments/memory/training-*.jsonl"
