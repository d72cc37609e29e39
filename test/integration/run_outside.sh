#!/usr/bin/env bash
# Builds and runs the outside project.   run_outside.sh build|prefix|deb BUILD_FOLDER SCRATCH_FOLDER
set -euo pipefail
place=$1 build=$2 scratch=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$scratch"
mkdir -p "$scratch"

case $place in
  build) prefix=$build ;;
  prefix)
    prefix=$scratch/prefix
    cmake --install "$build" --prefix "$prefix" > "$scratch/install.log"
    ;;
  deb)
    (cd "$scratch" && cpack --config "$build/CPackConfig.cmake" -G DEB -B "$scratch/pack") > "$scratch/pack.log"
    deb=$(find "$scratch/pack" -maxdepth 1 -name '*.deb')
    depends=$(dpkg-deb -f "$deb" Depends)
    echo "Depends: $depends"
    for package in libmlir-22 libllvm22 libantlr4-runtime4.9 libstdc++6 libc6; do
      case ", $depends," in
        *", $package "* | *", $package,"*) ;;
        *) echo "error: the .deb does not depend on $package" >&2; exit 1 ;;
      esac
    done
    dpkg-deb -x "$deb" "$scratch/root"
    prefix=$scratch/root/usr
    ;;
  *) echo "run_outside.sh: unknown place '$place'" >&2; exit 2 ;;
esac

# What shells, man(1) and programs read stands beside the command, and was made by it.
if [ "$place" != build ]; then
  for file in bash-completion/completions/gradus fish/vendor_completions.d/gradus.fish zsh/site-functions/_gradus zsh/vendor-completions/_gradus man/man1/gradus.1; do
    case $file in
      bash*) words="completion bash" ;;
      fish*) words="completion fish" ;;
      zsh*) words="completion zsh" ;;
      man*) words=--man ;;
    esac
    # shellcheck disable=SC2086
    "$prefix/bin/gradus" $words | cmp - "$prefix/share/$file"
  done
  cmp "$here/../../docs/schema.json" "$prefix/share/gradus/schema.json"
fi

unset GRADUS_STD
cmake -G Ninja -S "$here/outside" -B "$scratch/outside" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++
cmake --build "$scratch/outside"
"$scratch/outside/use_c"
"$scratch/outside/use_cpp"
"$scratch/outside/use_events"
"$scratch/outside/use_vulkan"
# Nothing of Vulkan is linked, and what does not ask for it has none of its archive.
if ldd "$scratch/outside/use_vulkan" | grep -q libvulkan || nm "$scratch/outside/use_c" | grep -q gradus_vulkan; then
  echo "error: Vulkan is linked" >&2
  exit 1
fi
# What CMake takes for false is an argument like any other.
grep -q 'guard=off' "$scratch/outside/events.gradus/events.json"

# Without libomp the component is not there, and says which package is missing.
if cmake -G Ninja -S "$here/outside" -B "$scratch/without" -DCMAKE_PREFIX_PATH="$prefix" -DGradus_OMP_LIBRARY=OFF > "$scratch/without.log" 2>&1 ||
   ! grep -q 'install libomp-[0-9]*-dev' "$scratch/without.log"; then
  echo "error: a missing libomp is not named" >&2
  exit 1
fi

# Nothing to do the second time.
cmake --build "$scratch/outside" | grep -q 'no work to do' || { echo "error: a second build did something" >&2; exit 1; }
# Two builds of one spec in two folders give the same bytes.
cp "$here/outside/heavy.grad" "$scratch/heavy.grad"
"$prefix/bin/gradus" build "$scratch/heavy.grad" -o "$scratch/again"
for file in heavy.a heavy.h heavy.hpp heavy.json; do
  cmp "$scratch/again/$file" "$scratch/outside/kernels.gradus/$file"
done
echo "outside project against $place: fine"
