#!/usr/bin/env bash
# The example of a device of Vulkan: it builds as an outside project, does its steps on the device, and says so where there is none.
#   vulkan_step.sh BUILD SOURCE SCRATCH
set -euo pipefail
build=$1 source=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch"
cmake -S "$source/examples/vulkan_step" -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-22 \
  -DCMAKE_C_COMPILER=clang-22 -DCMAKE_PREFIX_PATH="$build" > "$scratch/configure.log"
cmake --build "$scratch/build" > "$scratch/build.log"
"$scratch/build/vulkan_step" | tee "$scratch/run.log"
grep -q '200 steps in [0-9]* dispatches' "$scratch/run.log"
if VK_ICD_FILENAMES=/nowhere/none.json "$scratch/build/vulkan_step" 2> "$scratch/without.log"; then
  echo "error: it runs without a device" >&2
  exit 1
fi
grep -q 'there is no driver of Vulkan' "$scratch/without.log"
