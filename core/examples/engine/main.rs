//! A process that runs our network for `bench/compare`: JSON commands on stdin, JSON answers on stdout.
//!
//! ```text
//! cargo run --release -p brownian-core --features train --example engine -- brownian|candle THREADS
//! cargo run --release -p brownian-core --features train --example engine -- wave PATH
//! ```
//!
//! `candle` is the same network of stock candle operations; it also needs RAYON_NUM_THREADS=THREADS in its environment.
//! `wave PATH` writes a model of random weights over raw samples, whose network is nothing but a large 1-D U-Net.
//!
//! ```text
//! {"do": "load", "case": "drums", "model": PATH, "stage": "fine", "input": PATH, "batch": 16}
//! {"do": "output", "case": "drums", "path": PATH}                raw f32
//! {"do": "forward", "case": "drums", "warm": 1, "repeats": 5}    {"ms": [...]}
//! {"do": "train", "case": "drums", "warm": 1, "repeats": 1}      {"ms": [...]}
//! {"do": "gradients", "case": "drums", "path": PATH}             safetensors: `loss` and every parameter's gradient
//! {"do": "gemm", "size": [M, N, K], "warm": 1, "repeats": 5}     {"ms": [...]}
//! ```
//!
//! `warm` runs come first and are not counted.

mod case;
mod ours;
mod stock;
mod wave;

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use brownian_core::Result;
use candle_core::{DType, Device, Tensor};
use case::Case;
use ours::Ours;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Deserialize;
use serde_json::{Value, json};
use stock::Stock;

/// The program's allocator: a training step asks for hundreds of large maps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One line of stdin.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Command {
    Load { case: String, model: PathBuf, stage: String, input: PathBuf, batch: usize },
    Output { case: String, path: PathBuf },
    Forward { case: String, warm: usize, repeats: usize },
    Train { case: String, warm: usize, repeats: usize },
    Gradients { case: String, path: PathBuf },
    Gemm { size: [usize; 3], warm: usize, repeats: usize },
}

/// The networks of one engine.
enum Network {
    Ours(Box<Ours>),
    Stock(Box<Stock>),
}

impl Network {
    fn forward(&self, case: &Case) -> Result<Tensor> {
        match self {
            Self::Ours(network) => network.forward(case),
            Self::Stock(network) => network.forward(case),
        }
    }
}

struct Engine {
    name: String,
    threads: usize,
    pool: ThreadPool,
    networks: HashMap<String, (Case, Network)>,
}

impl Engine {
    fn answer(&mut self, command: Command) -> Result<Value, Failure> {
        match command {
            Command::Load { case, model, stage, input, batch } => {
                let loaded = Case::load(&model, &stage, &input, batch)?;
                let network = match self.name.as_str() {
                    "brownian" => Network::Ours(Box::new(Ours::new(&loaded, self.threads)?)),
                    _ => Network::Stock(Box::new(Stock::new(&loaded)?)),
                };
                self.networks.insert(case, (loaded, network));
                Ok(json!({}))
            }
            Command::Output { case, path } => {
                let (case, network) = self.network(&case)?;
                let y = self.pool.install(|| network.forward(case))?.flatten_all()?.to_vec1::<f32>()?;
                std::fs::write(path, y.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
                Ok(json!({}))
            }
            Command::Forward { case, warm, repeats } => {
                let (case, network) = self.network(&case)?;
                let run = || network.forward(case).map(drop);
                Ok(json!({ "ms": self.pool.install(|| timed(run, warm, repeats))? }))
            }
            Command::Train { case, warm, repeats } => {
                let (case, network) = self.ours(&case)?;
                Ok(json!({ "ms": self.pool.install(|| timed(|| network.step(case), warm, repeats))? }))
            }
            Command::Gradients { case, path } => {
                let (case, network) = self.ours(&case)?;
                self.pool.install(|| network.write_gradients(case, &path))?;
                Ok(json!({}))
            }
            Command::Gemm { size, warm, repeats } => {
                Ok(json!({ "ms": self.pool.install(|| gemm(size, warm, repeats))? }))
            }
        }
    }

    fn network(&self, case: &str) -> Result<(&Case, &Network), Failure> {
        let (case, network) = self.networks.get(case).ok_or_else(|| format!("case {case} is not loaded"))?;
        Ok((case, network))
    }

    fn ours(&self, case: &str) -> Result<(&Case, &Ours), Failure> {
        match self.network(case)? {
            (case, Network::Ours(network)) => Ok((case, network)),
            _ => Err("only brownian trains here".into()),
        }
    }
}

/// Milliseconds of each of `repeats` runs, after `warm` that are not counted.
fn timed(run: impl Fn() -> Result<()>, warm: usize, repeats: usize) -> Result<Vec<f64>> {
    (0..warm).try_for_each(|_| run())?;
    let once = |_| {
        let began = Instant::now();
        run().map(|()| began.elapsed().as_secs_f64() * 1e3)
    };
    (0..repeats).map(once).collect()
}

/// The `gemm` crate, as candle calls it, on this many threads.
fn gemm([m, n, k]: [usize; 3], warm: usize, repeats: usize) -> Result<Vec<f64>> {
    let ones = |rows, columns| Tensor::ones((rows, columns), DType::F32, &Device::Cpu);
    let (a, b) = (ones(m, k)?, ones(k, n)?);
    timed(|| Ok(a.matmul(&b).map(drop)?), warm, repeats)
}

fn serve(name: String, threads: usize) -> Result<(), Failure> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut engine = Engine { name, threads, pool, networks: HashMap::new() };
    let mut stdout = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let reply = serde_json::from_str(&line?).map_err(Failure::from).and_then(|command| engine.answer(command));
        writeln!(stdout, "{}", reply.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
        stdout.flush()?;
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [what, path] if what == "wave" => Ok(wave::write(path.as_ref())?),
        [name, threads] if ["brownian", "candle"].contains(&name.as_str()) => serve(name.clone(), threads.parse()?),
        _ => Err("usage: engine brownian|candle THREADS, or engine wave PATH".into()),
    }
}
