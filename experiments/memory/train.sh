#!/bin/sh
# Trains memory weights over a model in stages, on the texts that data.js wrote, and puts them where the package looks for them:
#
#   npm run --silent build && node experiments/memory/data.js --work WORK && experiments/memory/train.sh WORK
#
#   MODEL=prag-mini  OUT=models/prag-mini-memory  THREADS=2
#   IMITATE=6 COPY=6 RATIOS=11 PRETRAIN=11 AGAIN=16 MORE=7 LAST=9 SFT=10
#                                    minutes of updates of each step on two cores; the learning rate falls by them
#   RLGF=120                         updates of the last step
#
# Memory tokens first learn to be like the tokens that they stand for; then to say again what was said in the window before, at ratio 2;
# then longer texts at all ratios; and both once more. In pre-training a token counts by what the windows before tell of it. Without
# the first step nothing of a text is remembered after the same time (decisions/0028).
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

prag memory train --stage imitate --data "$work/pretrain" --out "$work/stage-0" --window 128 --windows 4 --ratios 2,4,8 \
  --batch 4 --minutes "${IMITATE:-6}"
prag memory train --stage pretrain --data "$work/copy" --from "$work/stage-0" --out "$work/stage-1a" --windows 2 --ratios 2 \
  --weigh gain --batch 8 --minutes "${COPY:-6}"
prag memory train --stage pretrain --data "$work/copy" --from "$work/stage-1a" --out "$work/stage-1b" --windows 2 --ratios 2,4,8 \
  --weigh gain --batch 8 --minutes "${RATIOS:-11}"
prag memory train --stage pretrain --data "$work/pretrain" --from "$work/stage-1b" --out "$work/stage-1c" --windows 4 \
  --ratios 2,4,8,16 --weigh gain --batch 8 --learning-rate 5e-4 --minutes "${PRETRAIN:-11}"
prag memory train --stage pretrain --data "$work/copy" --from "$work/stage-1c" --out "$work/stage-1d" --windows 2 --ratios 2,4 \
  --weigh gain --batch 8 --minutes "${AGAIN:-16}"
prag memory train --stage pretrain --data "$work/copy" --from "$work/stage-1d" --out "$work/stage-1e" --windows 2 --ratios 2,4,8 \
  --weigh gain --batch 8 --minutes "${MORE:-7}"
prag memory train --stage pretrain --data "$work/pretrain" --from "$work/stage-1e" --out "$work/stage-1f" --windows 4 \
  --ratios 2,4,8,16 --weigh gain --batch 8 --learning-rate 5e-4 --minutes "${LAST:-9}"

for set in clues reward measure; do
  [ -f "$work/$set.jsonl" ] ||
    prag memory clues "$work/$set/articles.jsonl" --questions "$work/$set/questions.jsonl" --words 200 --out "$work/$set.jsonl"
done

prag memory train --stage sft --data "$work/clues.jsonl,$work/planted-clues.jsonl" --from "$work/stage-1f" --out "$work/stage-2" \
  --ratios 2,4,8 --minutes "${SFT:-10}"

# Clues are sampled at the first ratio.
prag memory train --stage rlgf --data "$work/reward.jsonl" --from "$work/stage-2" --out "$work/stage-3" \
  --ratios 4,2,8 --samples 4 --learning-rate 3e-4 --updates "${RLGF:-120}"

mkdir -p "$out"
cp "$work/stage-3/model.safetensors" "$work/stage-3/config.json" "$out"
for stage in 0 1a 1b 1c 1d 1e 1f 2 3; do cp "$work/stage-$stage/training.jsonl" "$root/experiments/memory/training-$stage.jsonl"; done
echo "weights in $out, losses in experiments/memory/training-*.jsonl"
