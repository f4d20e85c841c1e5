#!/usr/bin/env bash
# Build `brownian` with CUDA on a machine that has neither a GPU nor its driver nor a CUDA toolkit.
#
#   scripts/build-cuda.sh [FOLDER]        default: target/cuda; the binary is FOLDER/brownian-cuda
#
# Needs x86-64 Linux with gcc, python3 with venv, cargo and 4 GB of disk. Compilers, headers and libraries come as Python
# packages of CUDA 13.0. Environment: CUDA_COMPUTE_CAP, the oldest GPU that the kernels shall run on (default 80: Ampere
# and whatever came later; 75: Turing).
#
# The binary is one of its own because it starts only where these libraries are found: libcuda.so.1 of the driver (580 or
# later), and libcublas.so.13, libcublasLt.so.13 and libcurand.so.10 of CUDA 13. There, without an installed CUDA 13:
#
#   python3 -m venv cuda && cuda/bin/pip install 'cuda-toolkit[cublas,curand]==13.0.2'
#   LD_LIBRARY_PATH=$(echo cuda/lib/python3*/site-packages/nvidia/cu13/lib) ./brownian-cuda render ... --device cuda
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(realpath -m "${1:-$root/target/cuda}")
mkdir -p "$folder/link" "$folder/bin"

# CUDA 13.0 on purpose: kernels are shipped as PTX, and a driver takes no PTX newer than itself; 580 is the first for 13.
if ! compgen -G "$folder/toolkit/lib/python3*/site-packages/nvidia/cu13/bin/nvcc" >/dev/null; then
  python3 -m venv "$folder/toolkit"
  "$folder/toolkit/bin/pip" install -q 'cuda-toolkit[nvcc,cudart,cccl,crt,nvvm,cublas,curand,nvrtc]==13.0.2'
fi
cuda=$(echo "$folder"/toolkit/lib/python3*/site-packages/nvidia/cu13)
chmod +x "$cuda"/bin/* "$cuda"/nvvm/bin/*
[ -e "$cuda/lib64" ] || ln -s lib "$cuda/lib64"

# Names that the linker looks for, which the packages leave out.
for library in cublas.so.13 cublasLt.so.13 curand.so.10 nvrtc.so.13 cudart.so.13; do
  ln -sf "$cuda/lib/lib$library" "$folder/link/lib${library%%.*}.so"
done

# Where cargo keeps the sources of a package of the build with CUDA.
source_of() {
  cargo metadata --format-version 1 --manifest-path "$root/renderer/Cargo.toml" --features cuda |
    python3 -c 'import json, os, sys
print(*(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] == sys.argv[1]))' "$1"
}

# The driver's library is the target machine's: link against one of the same name in which every function fails with
# CUDA_ERROR_NO_DEVICE. As libcuda.so.1 on LD_LIBRARY_PATH it even lets the program start where there is no driver.
grep -rhoE 'fn cu[A-Z][A-Za-z0-9_]*' "$(source_of cudarc)/src/driver/sys" | sort -u |
  sed 's/fn \(.*\)/int \1(void) { return 100; }/' >"$folder/link/driver.c"
gcc -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$folder/link/libcuda.so" "$folder/link/driver.c"

# Many minutes of compiling would go into kernels for quantised language models, which no network here calls. In their
# place stand functions that end the program.
grep -oE 'pub fn [a-z0-9_A-Z]+' "$(source_of candle-kernels)/src/ffi.rs" |
  sed 's/pub fn \(.*\)/void \1(void) { abort(); }/; 1i #include <stdlib.h>' >"$folder/link/quantised.c"
: >"$folder/link/empty.c"
cat >"$folder/bin/nvcc" <<WRAPPER
#!/usr/bin/env bash
source=\${*: -1}
case \$source in
  *mmvq_gguf.cu) replacement=quantised.c ;;
  *mmq_*.cu | *moe_*.cu) replacement=empty.c ;;
  *) exec "$cuda/bin/nvcc" "\$@" ;;
esac
while [ "\$1" != -o ]; do shift; done
exec gcc -c -fPIC -o "\$2" "$folder/link/\$replacement"
WRAPPER
chmod +x "$folder/bin/nvcc"

export PATH="$folder/bin:$cuda/bin:$PATH" NVCC="$folder/bin/nvcc" CUDA_HOME="$cuda" CUDA_PATH="$cuda"
export CUDA_ROOT="$cuda" CUDA_TOOLKIT_ROOT_DIR="$cuda" CUDA_COMPUTE_CAP="${CUDA_COMPUTE_CAP:-80}"
export LIBRARY_PATH="$folder/link${LIBRARY_PATH:+:$LIBRARY_PATH}"
cd "$root"
CARGO_TARGET_DIR="$folder/cargo" cargo build --release --locked -p brownian --features cuda
strip -o "$folder/brownian-cuda" "$folder/cargo/release/brownian"
echo "$folder/brownian-cuda needs:"
objdump -p "$folder/brownian-cuda" | awk '/NEEDED/ { print "  " $2 }'
objdump -T "$folder/brownian-cuda" | grep -oE 'GLIBC_[0-9.]+' | sort -Vu | tail -1 | sed 's/^/  /'
