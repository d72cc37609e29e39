#!/usr/bin/env bash
# The digits example: a run that is stopped and taken up again ends with the same bytes as one that was not, and Ctrl-C leaves a
# checkpoint that can be taken up.
#   digits_resume.sh BUILD SOURCE SCRATCH
set -euo pipefail
build=$1 source=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch"
cmake -S "$source/examples/digits" -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-22 \
  -DCMAKE_C_COMPILER=clang-22 -DCMAKE_PREFIX_PATH="$build" > "$scratch/configure.log"
cmake --build "$scratch/build" > "$scratch/build.log"
digits=("$scratch/build/digits" "$source/examples/digits/digits.csv")

"${digits[@]}" --steps 230 --checkpoints "$scratch/whole" > "$scratch/whole.log"
"${digits[@]}" --steps 130 --checkpoints "$scratch/parts" > "$scratch/first.log"
"${digits[@]}" --steps 230 --checkpoints "$scratch/parts" > "$scratch/second.log"
grep -q 'resumed after step 130' "$scratch/second.log"
count=0
for file in "$scratch"/whole/*.checkpoint; do
  cmp "$file" "$scratch/parts/$(basename "$file")"
  count=$((count + 1))
done
[ "$count" -eq 10 ] || { echo "expected 10 checkpoints, found $count"; exit 1; }

# Stopped while it trains: the last whole checkpoint is there, the run that takes it up ends as the others.
"${digits[@]}" --steps 1000000 --checkpoints "$scratch/stopped" > "$scratch/stopped.log" &
pid=$!
for _ in $(seq 300); do
  [ -e "$scratch/stopped/softmax_regression-1.checkpoint" ] && break
  sleep 0.1
done
kill -INT "$pid"
status=0
wait "$pid" || status=$?
[ "$status" -eq 130 ] || { echo "expected exit code 130 after Ctrl-C, got $status"; exit 1; }
ls "$scratch/stopped" | grep -v '\.checkpoint$' && { echo "a temporary file was left"; exit 1; }
"${digits[@]}" --steps 1 --checkpoints "$scratch/stopped" > "$scratch/again.log"
grep -q 'softmax_regression: seed 1: resumed after step' "$scratch/again.log"
echo "10 checkpoints equal; a stopped run is taken up"
