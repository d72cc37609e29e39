#!/usr/bin/env bash
# Builds an example for a device as an outside project and runs it. Vulkan must be there (lavapipe is enough). Where there is no CUDA driver the program must
# say so in one line; with a driver whose file is empty it must, too.
#   example_on_device.sh vulkan|cuda BUILD SOURCE SCRATCH
set -euo pipefail
device=$1 build=$2 source=$3 scratch=$4
rm -rf "$scratch"
mkdir -p "$scratch/none"
cmake -S "$source/examples/$device" -B "$scratch/build" -G Ninja -DCMAKE_CXX_COMPILER=g++ -DCMAKE_C_COMPILER=gcc -DCMAKE_PREFIX_PATH="$build" > "$scratch/configure.log"
cmake --build "$scratch/build" > "$scratch/build.log" || { cat "$scratch/build.log" >&2; exit 1; }
points=$scratch/build/points

if [ "$device" = cuda ]; then
  touch "$scratch/none/libcuda.so.1"
  if LD_LIBRARY_PATH=$scratch/none "$points" > "$scratch/none.log" 2>&1 || ! grep -q '^points: gradus_cuda: there is no CUDA driver here: .*libcuda.so.1: file too short$' "$scratch/none.log" ||
     [ "$(wc -l < "$scratch/none.log")" != 1 ]; then
    echo "error: a driver that cannot be opened is not told in one line:" >&2
    cat "$scratch/none.log" >&2
    exit 1
  fi
  if ! ldconfig -p | grep -q 'libcuda\.so\.1'; then
    echo "example on cuda: compiled; there is no driver here to run it"
    exit 0
  fi
fi
"$points" 60 > "$scratch/run.log"
cat "$scratch/run.log"
grep -q '^step 60: loss 0\.1' "$scratch/run.log"
grep -qE '^[1-9][0-9]+ dispatches$' "$scratch/run.log"
