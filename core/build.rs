//! Lists the workspace's small model files for `model::registry`, which embeds them; with the feature `cuda`, compiles our
//! kernels to PTX, which the driver compiles on for the card it finds.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What ships inside the program is small; larger families are added by the user.
const LARGEST_BYTES: u64 = 10_000_000;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let models = root.join("../models");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", models.display());
    fs::write(out.join("embedded_models.rs"), list(&embeddable(&models))).expect("OUT_DIR is writable");
    if env::var_os("CARGO_FEATURE_CUDA").is_some() {
        compile_kernels(&root.join("src/nn/plan/cuda/kernels.cu"), &out.join("kernels.ptx"));
    }
}

/// `NVCC` and `CUDA_COMPUTE_CAP` mean what they mean to candle's own kernels.
fn compile_kernels(source: &Path, to: &Path) {
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-env-changed=NVCC");
    println!("cargo::rerun-if-env-changed=CUDA_COMPUTE_CAP");
    let nvcc = env::var_os("NVCC").unwrap_or_else(|| "nvcc".into());
    let capability = env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| "80".into()).replace('.', "");
    let mut command = Command::new(&nvcc);
    command.args(["--ptx", "-O3", &format!("-arch=compute_{capability}"), "-o"]).arg(to).arg(source);
    let done = command.status().unwrap_or_else(|error| panic!("{}: {error}", nvcc.display()));
    assert!(done.success(), "{} could not compile {}", nvcc.display(), source.display());
}

fn embeddable(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "safetensors")).collect();
    paths.sort();
    paths.retain(|path| {
        let small = fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= LARGEST_BYTES);
        if !small {
            println!("cargo::warning={} is above {LARGEST_BYTES} bytes and not embedded", path.display());
        }
        small
    });
    paths
}

fn list(paths: &[PathBuf]) -> String {
    let mut source = String::from("static EMBEDDED: &[(&str, &[u8])] = &[\n");
    for path in paths {
        let path = fs::canonicalize(path).expect("listed a moment ago");
        let id = path.file_stem().and_then(|stem| stem.to_str()).expect("model files have plain names");
        writeln!(source, "    ({id:?}, include_bytes!({path:?})),").expect("strings take all");
    }
    source.push_str("];\n");
    source
}
